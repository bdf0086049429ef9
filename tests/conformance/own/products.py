# SPDX-License-Identifier: Apache-2.0
"""Matrix products around the kernels' tiles, and quantization: blocks on any axis, halves, ends."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from octet.web.cases import NIBBLES, Array
from tests.conformance.own.case import FLOAT, SEED, OwnCase, Rng, Shape, numbers

MATRICES: list[tuple[Shape, Shape]] = [
    *(([1, 1], [1, 1]), ([2, 3], [3, 4]), ([1, 7], [7, 9]), ([5, 8], [8, 8]), ([4, 17], [17, 16])),
    *(([2, 2, 3], [3, 2]), ([3, 2], [2, 2, 3]), ([2, 1, 2, 3], [4, 3, 2]), ([2, 3, 1], [2, 1, 3])),
    *(([1, 2, 1, 2, 3], [2, 1, 3, 2]), ([2, 2, 3, 4], [2, 2, 4, 1]), ([9, 33], [33, 7])),
]

GEMMS: list[tuple[tuple[int, int, int], Any, dict[str, Any]]] = [
    ((1, 1, 1), None, {}),
    ((2, 3, 4), [4], {}),
    ((2, 3, 4), [2, 1], {}),
    ((2, 3, 4), [2, 4], {"alpha": 0.5, "beta": 2.0}),
    ((2, 3, 4), [], {"beta": -1.5}),
    ((3, 5, 2), None, {"aTranspose": True}),
    ((3, 5, 2), [2], {"bTranspose": True, "alpha": -1.0}),
    ((3, 5, 2), [1, 2], {"aTranspose": True, "bTranspose": True}),
    ((4, 8, 8), [1], {"beta": 0.0}),
    ((5, 17, 9), [5, 9], {"bTranspose": True}),
    ((1, 64, 10), [10], {"alpha": 0.25, "beta": 0.25}),
    ((7, 2, 33), [1, 33], {}),
]

BLOCKS: list[tuple[Shape, Shape]] = [
    *(([], []), ([4], [1]), ([4], [4]), ([6], [3]), ([2, 3], [1, 1]), ([2, 3], [2, 1])),
    *(([2, 3], [1, 3]), ([4, 6], [2, 3]), ([4, 6], [4, 2]), ([2, 4, 6], [1, 2, 1])),
    *(
        ([2, 3, 2, 2], [1, 3, 1, 1]),
        ([1, 2, 3, 4], [1, 1, 1, 4]),
        ([2, 2, 2, 2, 4], [1, 2, 1, 1, 2]),
    ),
    ([17], [1]),
]

WIDE = ("uint8", "int8", "uint32", "int32")


def cases() -> Iterator[OwnCase]:
    """All cases of the family."""
    rng = np.random.default_rng(SEED + 4)
    for dtype in FLOAT:
        for a, b in MATRICES:
            x, y = numbers(rng, dtype, a, -2, 2), numbers(rng, dtype, b, -2, 2)
            yield OwnCase("matmul", dtype, [x, y], units=2 * a[-1], spread=True)
        for (m, k, n), c, options in GEMMS:
            x = numbers(rng, dtype, [k, m] if options.get("aTranspose") else [m, k], -2, 2)
            y = numbers(rng, dtype, [n, k] if options.get("bTranspose") else [k, n], -2, 2)
            bias = {} if c is None else {"c": numbers(rng, dtype, c)}
            given = {**bias, **options}
            yield OwnCase("gemm", dtype, [x, y], given, units=2 * k + 3, spread=True)
        for i, (shape, scale) in enumerate(BLOCKS):
            for into in (*WIDE, *NIBBLES):
                yield _quantize(rng, dtype, into, shape, scale, i)
        yield from _halves(dtype)
    for kind in WIDE:
        for i, (shape, scale) in enumerate(BLOCKS):
            for real in FLOAT:
                yield _dequantize(rng, kind, real, shape, scale, i)
    for nibble in NIBBLES:
        for i, (shape, scale) in enumerate(BLOCKS):
            yield _dequantize(rng, nibble, "float32", shape, scale, i)


def _whole(rng: Rng, dtype: str, shape: Shape) -> Array:
    if dtype in NIBBLES:
        low, high = (-8, 8) if dtype == "int4" else (0, 16)
        return np.asarray(rng.integers(low, high, shape)).astype(np.int8).astype(NIBBLES[dtype])
    return numbers(rng, dtype, shape)


def _scale(rng: Rng, dtype: str, shape: Shape, i: int) -> Array:
    scale = numbers(rng, dtype, shape, 0.01, 0.5)
    # The W3C suite has scales below 0: they are taken as they are.
    return (-scale if i % 7 == 3 else scale).astype(dtype)


def _quantize(rng: Rng, dtype: str, into: str, shape: Shape, scale_shape: Shape, i: int) -> OwnCase:
    x, scale = numbers(rng, dtype, shape, -20, 20), _scale(rng, dtype, scale_shape, i)
    return OwnCase("quantizeLinear", dtype, [x, scale, _whole(rng, into, scale_shape)])


def _halves(dtype: str) -> Iterator[OwnCase]:
    """Quotients that lie between two whole numbers, at the ends of the types, and beyond."""
    x = np.array([*np.arange(-9, 10) / 4, 300, -300, np.inf, -np.inf, 127.25, -64.25], dtype)
    for into in ("uint8", "int8"):
        for zero_point in (0, 1, 127):
            zero = np.array([zero_point], into)
            yield OwnCase("quantizeLinear", dtype, [x, np.array([0.5], dtype), zero])


def _dequantize(
    rng: Rng, dtype: str, real: str, shape: Shape, scale_shape: Shape, i: int
) -> OwnCase:
    scale = _scale(rng, real, scale_shape, i)
    if real == "float16" and dtype.endswith("32"):
        scale = (scale.astype(np.float32) / 2**18).astype(real)
    args = [_whole(rng, dtype, shape), scale, _whole(rng, dtype, scale_shape)]
    return OwnCase("dequantizeLinear", dtype, args, units=0.5)
