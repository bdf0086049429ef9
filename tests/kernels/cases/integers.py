# SPDX-License-Identifier: Apache-2.0
"""Cases of integer arithmetic, comparisons, selection, integer reductions and running sums."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from ..contract import Array
from .case import TYPES, Case, Rng, bytes_of, floats, garbage, struct_of
from .elementwise import broadcasts, strides_of
from .windows import REDUCTIONS

INTEGERS = ("int32", "uint32", "int64", "uint64", "int8", "uint8")
OPS = ("add", "sub", "mul", "div", "max", "min", "pow")
COMPARE = ("equal", "not_equal", "greater", "greater_or_equal", "and", "or", "xor")


def integers(rng: Rng, dtype: str, count: int) -> Array:
    """Random integers; many small ones, and those at the ends of the type."""
    limits = np.iinfo(dtype)
    small = rng.integers(max(-4, limits.min), 5, count).astype(dtype)
    edges = rng.choice(np.array([limits.min, limits.max, limits.max - 1, 0, 1], dtype), count)
    if limits.min < 0:
        edges[rng.random(count) < 0.3] = -1
    kind = rng.integers(3, size=count)
    return np.choose(kind, [garbage(rng, dtype, count), small, edges]).astype(dtype)


def int_binary_cases(rng: Rng) -> Iterator[Case]:
    for index, (note, shape, extent, size, a_size, b_size, shared) in enumerate(broadcasts()):
        for dtype in INTEGERS:
            for op, name in enumerate(OPS):
                if (index + op + TYPES[dtype]) % (9 if size > 500 else 4):
                    continue
                arguments = {
                    "y": garbage(rng, dtype, size),
                    "a": integers(rng, dtype, a_size),
                    "b": integers(rng, dtype, b_size),
                    **{"op": op, "type": TYPES[dtype], "shape": shape},
                }
                text = f"{name} {dtype} {note} in place={shared}"
                yield Case("int_binary", text, arguments, extent, in_place=shared)


def comparable(rng: Rng, dtype: str, count: int) -> Array:
    """Values of which many are equal, or true."""
    if not dtype.startswith("f"):
        return integers(rng, dtype, count)
    values = np.round(floats(rng, count, special=0.2), 0)
    with np.errstate(over="ignore"):
        return values.astype(dtype)


def compare_cases(rng: Rng) -> Iterator[Case]:
    for index, (note, shape, extent, size, a_size, b_size, shared) in enumerate(broadcasts()):
        for dtype, type_ in TYPES.items():
            for op, name in enumerate(COMPARE):
                skipped = (index + op + type_) % (9 if size > 500 else 4)
                if skipped or (shared and dtype != "uint8"):
                    continue
                arguments = {
                    "y": garbage(rng, np.uint8, size),
                    "a": comparable(rng, dtype, a_size),
                    "b": comparable(rng, dtype, b_size),
                    **{"op": op, "type": type_, "shape": shape},
                }
                text = f"{name} {dtype} {note} in place={shared}"
                yield Case("compare", text, arguments, extent, in_place=shared)


SELECTIONS: list[tuple[tuple[int, ...], str, str, str]] = [
    ((), "", "", ""),
    *[((n,), "-", "-", "-") for n in (1, 2, 7, 16, 33)],
    ((9,), "-", "1", "1"),
    ((9,), "1", "-", "1"),
    ((9,), "1", "1", "-"),
    ((3, 5), "--", "-1", "1-"),
    ((3, 5), "1-", "--", "-1"),
    ((3, 5), "11", "--", "--"),
    ((2, 3, 4), "-1-", "--1", "1--"),
    ((2, 1, 2, 1, 2, 2, 1, 3), "-1-1-1-1", "1-1-1-1-", "--------"),
]


def select_nd_cases(rng: Rng) -> Iterator[Case]:
    for dims, *repeated in SELECTIONS:
        laid = [strides_of(dims, marks) for marks in repeated]
        shape = struct_of(
            "select_shape",
            rank=len(dims),
            dims=dims,
            **dict(
                zip(
                    ("condition_strides", "a_strides", "b_strides"),
                    (strides for strides, _ in laid),
                    strict=True,
                )
            ),
        )
        for size in (1, 2, 4, 8):
            condition = bytes_of(rng, laid[0][1]) * rng.integers(2, size=laid[0][1], dtype=np.uint8)
            arguments = {
                "y": garbage(rng, f"u{size}", math.prod(dims)),
                "condition": condition,
                "a": garbage(rng, f"u{size}", laid[1][1]),
                "b": garbage(rng, f"u{size}", laid[2][1]),
                **{"element_bytes": size, "shape": shape},
            }
            note = f"{dims} {repeated} of {size} bytes"
            yield Case("select_nd", note, arguments, math.prod(dims[:-1]))


# ---------------------------------------------------------------------------
# Reductions and running sums

ALONG = [*REDUCTIONS, (2, 3, 63), (2, 3, 64), (1, 3, 65), (1, 2, 130)]


def int_reduce_cases(rng: Rng) -> Iterator[Case]:
    for index, (outer, n, inner) in enumerate(ALONG):
        for dtype in INTEGERS:
            for op, name in ((0, "sum"), (2, "max"), (3, "min"), (4, "product")):
                if (index + op + TYPES[dtype]) % 2:
                    continue
                arguments = {
                    "y": garbage(rng, dtype, outer * inner),
                    "x": integers(rng, dtype, outer * n * inner),
                    **{"op": op, "type": TYPES[dtype]},
                    **{"outer": outer, "n": n, "inner": inner},
                }
                note = f"{name} {dtype} [{outer}, {n}, {inner}]"
                yield Case("int_reduce", note, arguments, outer)


def cumulative_sum_cases(rng: Rng) -> Iterator[Case]:
    for index, (outer, n, inner) in enumerate(ALONG):
        for dtype in ("float32", "int32", "uint32", "int64", "uint64"):
            exclusive, reversed_ = index % 2, (index + TYPES[dtype]) // 2 % 2
            count = outer * n * inner
            x = floats(rng, count) if dtype == "float32" else integers(rng, dtype, count)
            arguments = {
                "y": garbage(rng, dtype, count),
                "x": x,
                **{"type": TYPES[dtype], "exclusive": exclusive, "reversed": reversed_},
                **{"outer": outer, "n": n, "inner": inner},
            }
            flags = f"exclusive={exclusive} reversed={reversed_}"
            yield Case(
                "cumulative_sum", f"{dtype} [{outer}, {n}, {inner}] {flags}", arguments, outer
            )
