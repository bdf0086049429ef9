# SPDX-License-Identifier: Apache-2.0
"""Reductions, running sums, normalizations: axes in any order, none, all; ranks 0 to 6."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from octet.web.cases import Array
from tests.conformance.own.case import ANY, FLOAT, SEED, SUMMED, OwnCase, Rng, Shape, numbers, small

AXES: list[tuple[Shape, dict[str, Any]]] = [
    *(([], {}), ([], {"axes": []}), ([5], {}), ([17], {"axes": [0], "keepDimensions": True})),
    *(
        ([3, 4], {"axes": []}),
        ([3, 4], {"axes": [0]}),
        ([3, 4], {"axes": [1], "keepDimensions": True}),
    ),
    *(
        ([2, 3, 4], {"axes": [2, 0]}),
        ([2, 3, 4], {"axes": [1]}),
        ([2, 3, 4], {"keepDimensions": True}),
    ),
    *(
        ([2, 3, 2, 3], {"axes": [1, 3]}),
        ([2, 1, 3, 1, 2], {"axes": [0, 4, 2]}),
        ([1, 1], {"axes": [1]}),
    ),
    ([2, 2, 1, 2, 1, 3], {"axes": [5, 1]}),
]

ALONG: list[tuple[Shape, int]] = [
    *(([1], 0), ([5], 0), ([17], 0), ([3, 4], 0), ([3, 4], 1), ([2, 3, 4], 0), ([2, 3, 4], 1)),
    *(([2, 3, 4], 2), ([2, 1, 3, 2], 2), ([1, 2, 1, 2, 5], 4), ([4, 1], 1), ([33, 3], 0)),
]

LAYOUTS: list[tuple[Shape, str]] = [
    *(
        ([1, 1, 2, 3], "nchw"),
        ([2, 3, 2, 2], "nchw"),
        ([1, 5, 1, 4], "nchw"),
        ([2, 2, 3, 3], "nhwc"),
    ),
    *(([1, 2, 3, 4], "nhwc"), ([1, 3, 5, 1], "nhwc")),
]

LAYERS: list[tuple[Shape, Any]] = [
    *(([], None), ([3], None), ([2, 3], None), ([2, 3], [0]), ([2, 3], []), ([2, 3, 4], [2])),
    *(([2, 3, 4], [2, 1]), ([2, 3, 4], [0, 2]), ([2, 3, 4], [2, 0, 1]), ([1, 2, 3, 4], None)),
    *(([2, 2, 1, 3, 2], [4, 2]), ([2, 2, 1, 3, 2], [1])),
]


def cases() -> Iterator[OwnCase]:
    """All cases of the family."""
    rng = np.random.default_rng(SEED + 2)
    for dtype in ANY:
        for shape, options in AXES:
            yield from _reductions(rng, dtype, shape, options)
        for i, (shape, axis) in enumerate(ALONG):
            yield from _along(rng, dtype, shape, axis, i)
    for dtype in FLOAT:
        yield from _normalizations(rng, dtype)
        wide = np.array([[1e4, 1e4, -1e4], [-1e4, 0, -3e4]], dtype)
        yield OwnCase("reduceLogSumExp", dtype, [wide], {"axes": [1]}, units=2)
        yield OwnCase("softmax", dtype, [wide, 1], units=9)
    long = numbers(rng, "float32", [5000], 0, 1)
    yield OwnCase("reduceSum", "float32", [long], units=64)
    yield OwnCase("reduceMean", "float32", [long], units=64)


def reduced(shape: Shape, options: dict[str, Any]) -> int:
    """How many elements go into each."""
    axes = options.get("axes", range(len(shape)))
    return int(np.prod([shape[axis] for axis in axes], dtype=int))


def _reductions(rng: Rng, dtype: str, shape: Shape, options: dict[str, Any]) -> Iterator[OwnCase]:
    n = reduced(shape, options)
    x = numbers(rng, dtype, shape)
    for op in ("reduceMax", "reduceMin"):
        yield OwnCase(op, dtype, [x], options, exact="equal")
    if dtype not in SUMMED:
        return
    for op, units in (("reduceL1", n), ("reduceSum", n), ("reduceSumSquare", 2 * n)):
        yield OwnCase(op, dtype, [x], options, units=units, spread=True)
    factors = numbers(rng, dtype, shape, 0.5, 1.75)
    yield OwnCase("reduceProduct", dtype, [factors], options, units=n)
    if dtype not in FLOAT:
        return
    positive = numbers(rng, dtype, shape, 0.1, 9)
    # An error of n units in a sum is as much, absolutely, in its logarithm.
    step = 2.0**-23
    yield OwnCase("reduceL2", dtype, [x], options, units=2 * n + 2)
    yield OwnCase("reduceMean", dtype, [x], options, units=n + 2, spread=True)
    yield OwnCase("reduceLogSum", dtype, [positive], options, units=2, absolute=n * step)
    yield OwnCase("reduceLogSumExp", dtype, [x], options, units=2, absolute=(2 * n + 8) * step)


def _ties(rng: Rng, dtype: str, shape: Shape) -> Array:
    return small(rng, dtype, shape, -2, 2)


def _along(rng: Rng, dtype: str, shape: Shape, axis: int, i: int) -> Iterator[OwnCase]:
    for op in ("argMax", "argMin"):
        kind = {"outputDataType": "int64"} if i % 3 == 0 else {}
        keep = {"keepDimensions": True} if i % 2 else {}
        yield OwnCase(op, dtype, [_ties(rng, dtype, shape), axis], {**kind, **keep})
        yield OwnCase(op, dtype, [numbers(rng, dtype, shape), axis], keep)
    if dtype in SUMMED:
        for exclusive in (False, True):
            options = {"exclusive": exclusive, "reversed": i % 2 == 1}
            x = numbers(rng, dtype, shape)
            n = shape[axis]
            yield OwnCase("cumulativeSum", dtype, [x, axis], options, units=n, spread=True)
    if dtype in FLOAT:
        x = numbers(rng, dtype, shape)
        yield OwnCase("softmax", dtype, [x, axis], units=3 * shape[axis] + 3)


def _normalizations(rng: Rng, dtype: str) -> Iterator[OwnCase]:
    # The W3C suite allows 2^-10 of layerNormalization; of the others much more, or 6 units.
    near = 2.0**-16
    for i, (shape, axis) in enumerate(ALONG):
        count = shape[axis]
        mean, scale, bias = (numbers(rng, dtype, [count], -2, 2) for _ in range(3))
        variance = numbers(rng, dtype, [count], 0.2, 4)
        affine = [{}, {"scale": scale}, {"bias": bias}, {"scale": scale, "bias": bias}][i % 4]
        options = {"axis": axis, **affine, **({"epsilon": 0.01} if i % 2 else {})}
        x = numbers(rng, dtype, shape, -3, 3)
        yield OwnCase("batchNormalization", dtype, [x, mean, variance], options, absolute=near)
    for i in range(2 * len(LAYOUTS)):
        shape, layout = LAYOUTS[i % len(LAYOUTS)]
        count = shape[1 if layout == "nchw" else 3]
        scale, bias = (numbers(rng, dtype, [count], -2, 2) for _ in range(2))
        affine = [{"scale": scale, "bias": bias}, {}, {"bias": bias}, {"scale": scale}][i % 4]
        options = {"layout": layout, **affine, **({"epsilon": 0.5} if i % 3 == 0 else {})}
        x = numbers(rng, dtype, shape, -3, 3)
        yield OwnCase("instanceNormalization", dtype, [x], options, absolute=4 * near)
    for i, (shape, axes) in enumerate(LAYERS):
        named = range(1, len(shape)) if axes is None else axes
        inner = [shape[axis] for axis in named]
        scale, bias = (numbers(rng, dtype, inner, -2, 2) for _ in range(2))
        affine = [{"scale": scale, "bias": bias}, {}, {"bias": bias}, {"scale": scale}][i % 4]
        options = {**({} if axes is None else {"axes": axes}), **affine}
        x = numbers(rng, dtype, shape, -3, 3)
        yield OwnCase("layerNormalization", dtype, [x], options, absolute=4 * near)
