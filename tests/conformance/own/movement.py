# SPDX-License-Identifier: Apache-2.0
"""Operators that move elements, in all types: axes, strides, padding, indices from either end."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from octet.web.cases import Array
from tests.conformance.own.case import ANY, SEED, OwnCase, Rng, Shape, numbers

INDEX_TYPES = ("int32", "int64", "uint32")

CONCATS: list[tuple[Sequence[Shape], int]] = [
    *(([[3]], 0), ([[3], [2]], 0), ([[2, 3], [1, 3]], 0), ([[2, 3], [2, 1], [2, 2]], 1)),
    *(([[2, 2, 2], [2, 2, 2]], 1), ([[1, 1, 4], [1, 3, 4]], 1), ([[2, 1, 3, 2]] * 2, 2)),
    *(([[1, 2, 1, 2], [1, 2, 1, 3]], 3), ([[1]] * 9, 0), ([[1, 1, 1, 1, 2]] * 3, 4)),
    *(([[2, 1, 1, 1, 2], [3, 1, 1, 1, 2]], 0), ([[4, 17], [4, 15]], 1)),
]

EXPANDS: list[tuple[Shape, Shape]] = [
    *(([], []), ([], [3]), ([1], [5]), ([3], [2, 3]), ([2, 1], [2, 4]), ([1, 3], [4, 3])),
    *(([1, 1, 2], [3, 4, 2]), ([2, 1, 3, 1], [2, 2, 3, 4]), ([5], [1, 1, 1, 2, 5]), ([1], [17])),
    *(([3, 1], [2, 2, 3, 3]), ([2, 1, 1, 1, 2], [2, 3, 1, 2, 2])),
]

RESHAPES: list[tuple[Shape, Shape]] = [
    *(([], []), ([], [1]), ([1], []), ([6], [2, 3]), ([2, 3], [6]), ([2, 3], [3, 2])),
    *(([2, 3, 4], [4, 6]), ([24], [1, 2, 3, 4]), ([1, 1, 1, 2, 3], [6]), ([8], [2, 1, 2, 1, 2])),
    *(([1, 1, 1, 1, 1], []), ([2, 2, 3], [2, 2, 3])),
]

REVERSES: list[tuple[Shape, dict[str, Any]]] = [
    *(([], {}), ([5], {}), ([5], {"axes": [0]}), ([2, 3], {}), ([2, 3], {"axes": []})),
    *(([2, 3], {"axes": [1]}), ([2, 3, 4], {"axes": [0, 2]}), ([2, 3, 4], {"axes": [2, 1]})),
    *(([2, 1, 3, 2], {"axes": [1, 3]}), ([2, 1, 2, 1, 3], {}), ([17], {}), ([3, 4], {"axes": [0]})),
]

SLICES: list[tuple[Shape, Shape, Shape, Shape | None]] = [
    *(([], [], [], None), ([5], [0], [5], None), ([5], [1], [3], None), ([5], [4], [1], [9])),
    *(([9], [1], [7], [3]), ([9], [0], [9], [2]), ([4, 5], [1, 2], [2, 3], None)),
    *(([4, 5], [0, 0], [4, 5], [2, 3]), ([2, 3, 4], [1, 0, 2], [1, 3, 2], None)),
    *(([2, 3, 4, 5], [0, 1, 1, 1], [2, 2, 3, 4], [1, 1, 2, 3]), ([6], [5], [1], None)),
    *(
        ([2, 2, 2, 2, 3], [0, 1, 0, 1, 1], [2, 1, 2, 1, 2], None),
        ([17, 3], [3, 1], [13, 2], [4, 1]),
    ),
]

SPLITS: list[tuple[Shape, Any, dict[str, int]]] = [
    *(([6], 1, {}), ([6], 2, {}), ([6], 6, {}), ([6], [1, 5], {}), ([6], [6], {})),
    *(([4, 6], 3, {"axis": 1}), ([4, 6], [1, 2, 1], {"axis": 0}), ([2, 3, 4], [1, 3], {"axis": 2})),
    *(([2, 3, 4], 3, {"axis": 1}), ([1, 2, 1, 4], 2, {"axis": 3}), ([2, 1, 1, 1, 2], 2, {})),
    *(([3, 17], [8, 9], {"axis": 1}), ([2, 5, 2], [2, 1, 2], {"axis": 1})),
]

TILES: list[tuple[Shape, Shape]] = [
    *(([], []), ([3], [1]), ([3], [4]), ([1], [17]), ([2, 3], [1, 2]), ([2, 3], [2, 1])),
    *(([2, 3], [3, 2]), ([1, 2, 2], [2, 1, 3]), ([2, 1, 2, 1], [1, 2, 2, 3])),
    *(([1, 2, 1, 1, 2], [2, 1, 1, 2, 2]), ([5, 1], [1, 7]), ([2, 2, 2], [2, 2, 2])),
]

TRANSPOSES: list[tuple[Shape, dict[str, Any]]] = [
    *(([], {}), ([4], {}), ([2, 3], {}), ([2, 3], {"permutation": [0, 1]}), ([2, 3, 4], {})),
    *(([2, 3, 4], {"permutation": [0, 2, 1]}), ([2, 3, 4], {"permutation": [1, 2, 0]})),
    *(([2, 3, 4, 5], {"permutation": [0, 2, 3, 1]}), ([2, 3, 4, 5], {"permutation": [0, 3, 1, 2]})),
    *(([2, 1, 3, 1, 2], {}), ([2, 3, 1, 2, 2], {"permutation": [4, 1, 0, 3, 2]}), ([17, 9], {})),
]

TRIANGULARS: list[tuple[Shape, dict[str, Any]]] = [
    *(([3, 3], {}), ([3, 3], {"upper": False}), ([3, 3], {"diagonal": 1}), ([2, 5], {})),
    *(([3, 3], {"upper": False, "diagonal": -1}), ([5, 2], {"upper": False, "diagonal": 1})),
    *(
        ([3, 4], {"diagonal": -2}),
        ([3, 4], {"diagonal": 9}),
        ([3, 4], {"upper": False, "diagonal": 9}),
    ),
    *(
        ([3, 4], {"upper": False, "diagonal": -9}),
        ([2, 3, 3], {}),
        ([2, 2, 3, 2], {"upper": False}),
    ),
    ([1, 2, 1, 3, 4], {"diagonal": 1}),
]

PADS: list[tuple[Shape, Shape, Shape, dict[str, Any]]] = [
    *(([], [], [], {}), ([3], [0], [0], {}), ([3], [1], [2], {}), ([3], [1], [2], {"value": 3})),
    *(([3], [2], [2], {"mode": "edge"}), ([3], [2], [1], {"mode": "reflection"})),
    *(([2, 3], [1, 0], [0, 2], {"value": 2.75}), ([2, 3], [1, 2], [2, 1], {"mode": "edge"})),
    *(
        ([2, 3], [1, 2], [1, 0], {"mode": "reflection"}),
        ([2, 1, 3], [0, 3, 0], [1, 0, 1], {"value": -1}),
    ),
    *(
        ([1, 2, 2, 3], [0, 1, 1, 0], [0, 1, 2, 0], {}),
        ([2, 2, 2, 2, 2], [1] * 5, [0] * 5, {"mode": "edge"}),
    ),
    ([2, 2, 3, 3, 2], [0, 0, 2, 1, 0], [0, 1, 1, 2, 1], {"mode": "reflection"}),
]

GATHERS: list[tuple[Shape, Shape, int]] = [
    *(([4], [], 0), ([4], [3], 0), ([4, 3], [2], 0), ([4, 3], [2], 1), ([4, 3], [2, 2], 1)),
    *(([2, 3, 4], [5], 1), ([2, 3, 4], [1, 3], 2), ([2, 3, 4], [], 2), ([2, 1, 3, 2], [2, 1], 2)),
    *(([2, 2, 1, 2, 3], [4], 4), ([17], [9], 0), ([5, 1], [2, 2, 2], 0)),
]

ELEMENTS: list[tuple[Shape, Shape, int]] = [
    *(([4], [1], 0), ([4], [6], 0), ([3, 4], [2, 4], 0), ([3, 4], [3, 7], 1), ([3, 1], [3, 5], 1)),
    *(([2, 3, 4], [2, 2, 4], 1), ([2, 3, 4], [4, 3, 4], 0), ([2, 3, 4], [2, 3, 1], 2)),
    *(([2, 1, 3, 2], [2, 1, 2, 2], 2), ([1, 2, 1, 2, 3], [1, 2, 1, 2, 5], 4), ([17, 2], [9, 2], 0)),
    ([2, 2, 2], [2, 2, 2], 1),
]

TUPLES: list[tuple[Shape, Shape]] = [
    *(([4], [1]), ([4], [3, 1]), ([3, 4], [2]), ([3, 4], [1]), ([3, 4], [5, 2]), ([3, 4], [2, 1])),
    *(([2, 3, 4], [2, 3]), ([2, 3, 4], [3, 2]), ([2, 3, 4], [2, 2, 1]), ([2, 3, 4], [1, 2, 3])),
    *(([2, 1, 3, 2], [2, 3]), ([2, 2, 1, 2, 3], [3, 5]), ([5, 17], [4, 1])),
]


def cases() -> Iterator[OwnCase]:
    """All cases of the family."""
    rng = np.random.default_rng(SEED + 1)
    for dtype in ANY:
        yield from _moves(rng, dtype)
        yield from _indexed(rng, dtype)


def _moves(rng: Rng, dtype: str) -> Iterator[OwnCase]:
    def case(op: str, shape: Shape, *args: Any, **options: Any) -> OwnCase:
        return OwnCase(op, dtype, [numbers(rng, dtype, shape), *args], options, exact="bits")

    for shapes, axis in CONCATS:
        parts = [numbers(rng, dtype, shape) for shape in shapes]
        yield OwnCase("concat", dtype, [parts, axis], exact="bits")
    for shape, into in EXPANDS:
        yield case("expand", shape, list(into))
    for shape, into in RESHAPES:
        yield case("reshape", shape, list(into))
    for shape, options in REVERSES:
        yield case("reverse", shape, **options)
    for shape, starts, sizes, strides in SLICES:
        named = {} if strides is None else {"strides": list(strides)}
        yield case("slice", shape, list(starts), list(sizes), **named)
    for shape, splits, options in SPLITS:
        yield case("split", shape, splits, **options)
    for shape, repetitions in TILES:
        yield case("tile", shape, list(repetitions))
    for shape, options in TRANSPOSES:
        yield case("transpose", shape, **options)
    for shape, options in TRIANGULARS:
        yield case("triangular", shape, **options)
    for shape, before, after, options in PADS:
        yield case("pad", shape, list(before), list(after), **options)


def indices(rng: Rng, dtype: str, shape: Shape, extent: int) -> Array:
    """Indices of an axis; where the type has signs, also from its end."""
    low = 0 if dtype == "uint32" else -extent
    return np.asarray(rng.integers(low, extent, shape)).astype(dtype)


def _distinct(rng: Rng, dtype: str, shape: Shape, extent: int, axis: int) -> Array:
    """Indices of which none names the same element as another along ``axis``."""
    order = np.argsort(rng.random([extent if i == axis else d for i, d in enumerate(shape)]), axis)
    chosen = np.take(order, range(shape[axis]), axis)
    signs = 0 if dtype == "uint32" else rng.integers(0, 2, shape)
    return np.asarray(chosen - extent * signs).astype(dtype)


def coordinates(rng: Rng, dtype: str, shape: Shape, extents: Shape, *, distinct: bool) -> Array:
    """Tuples that name elements, or slices, of the leading axes."""
    depth, count = shape[-1], int(np.prod(shape[:-1]))
    named = list(extents[:depth])
    every = int(np.prod(named))
    chosen = rng.choice(every, count, replace=not distinct)
    tuples = np.stack(np.unravel_index(chosen, named), axis=-1)
    signs = 0 if dtype == "uint32" else rng.integers(0, 2, tuples.shape)
    return np.asarray(tuples - np.array(named) * signs).reshape(shape).astype(dtype)


def _indexed(rng: Rng, dtype: str) -> Iterator[OwnCase]:
    def case(op: str, *args: Any, **options: Any) -> OwnCase:
        return OwnCase(op, dtype, args, options, exact="bits")

    for i, (shape, wanted, axis) in enumerate(GATHERS):
        x = numbers(rng, dtype, shape)
        yield case("gather", x, indices(rng, INDEX_TYPES[i % 3], wanted, shape[axis]), axis=axis)
    for i, (shape, wanted, axis) in enumerate(ELEMENTS):
        x, kind = numbers(rng, dtype, shape), INDEX_TYPES[i % 3]
        yield case("gatherElements", x, indices(rng, kind, wanted, shape[axis]), axis=axis)
        room = [min(d, e) for d, e in zip(wanted, shape, strict=True)]
        distinct = _distinct(rng, kind, room, shape[axis], axis)
        yield case("scatterElements", x, distinct, numbers(rng, dtype, room), axis=axis)
    for i, (shape, wanted) in enumerate(TUPLES):
        x, kind = numbers(rng, dtype, shape), INDEX_TYPES[i % 3]
        yield case("gatherND", x, coordinates(rng, kind, wanted, shape, distinct=False))
        rows = [min(int(np.prod(wanted[:-1])), int(np.prod(shape[: wanted[-1]]))), wanted[-1]]
        named = rows if len(wanted) > 1 else wanted
        updates = numbers(rng, dtype, [*named[:-1], *shape[wanted[-1] :]])
        yield case("scatterND", x, coordinates(rng, kind, named, shape, distinct=True), updates)
