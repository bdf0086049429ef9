# SPDX-License-Identifier: Apache-2.0
"""Cases of kernels that read and write by index: indices inside, at the ends, far outside."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from ..contract import Array
from .case import TYPES, Case, Rng, bytes_of, garbage, struct_of

INDEX_TYPES = ("int32", "uint32", "int64")


def indices_of(rng: Rng, dtype: str, size: int, count: int, wild: bool) -> Array:
    """Return indices into ``size`` elements; wild ones from the end and outside as well."""
    if not wild:
        return rng.integers(0, size, count).astype(dtype)
    limits = np.iinfo(dtype)
    few = [0, size - 1, size, size + 3, limits.max, limits.min]
    few += [2**31, 2**32 - size] if dtype == "uint32" else [-1, -size, -size - 1]
    return rng.choice(np.array(few, dtype), count)


def gather_cases(rng: Rng) -> Iterator[Case]:
    for outer, axis, count, inner in (
        *[(1, 5, 9, inner) for inner in (1, 2, 4, 7, 16, 33)],
        *[(3, axis, 4, 6) for axis in (1, 2, 17)],
        (4, 3, 1, 1),
        (1, 1, 1, 1),
    ):
        for dtype in INDEX_TYPES:
            for wild in (False, True):
                indices = indices_of(rng, dtype, axis, count, wild)
                arguments = {
                    "y": garbage(rng, np.uint8, outer * count * inner),
                    "x": bytes_of(rng, outer * axis * inner),
                    "indices": indices,
                    **{"indices_type": TYPES[dtype], "axis_size": axis},
                    **{"count": count, "inner_bytes": inner},
                }
                note = f"{dtype} outer={outer} axis={axis} inner={inner} {indices}"
                yield Case("gather", note, arguments, outer * count)


ALONG = [(1, 1, 1, 1), (1, 5, 3, 1), (3, 4, 4, 1), (2, 3, 5, 4), (1, 7, 2, 9), (4, 2, 1, 3)]


def along_axis(
    rng: Rng, scatter: bool
) -> Iterator[tuple[str, dict[str, object], tuple[int, int, int, int]]]:
    """Yield a note, the arguments but the data, and outer, axis, count, inner."""
    for outer, axis, count, inner in ALONG:
        for size in (1, 2, 4, 8):
            for dtype in INDEX_TYPES:
                wild = bool((size + TYPES[dtype]) % 3 == 0) or scatter
                indices = indices_of(rng, dtype, axis, outer * count * inner, wild)
                arguments: dict[str, object] = {
                    "indices": indices,
                    **{"indices_type": TYPES[dtype], "element_bytes": size, "axis_size": axis},
                    **{"count": count, "inner": inner},
                }
                note = f"{dtype} [{outer}, {axis}, {inner}] count={count} of {size} bytes"
                yield note, arguments, (outer, axis, count, inner)


def gather_elements_cases(rng: Rng) -> Iterator[Case]:
    for note, arguments, (outer, axis, count, inner) in along_axis(rng, scatter=False):
        dtype = f"u{arguments['element_bytes']}"
        data = {
            "y": garbage(rng, dtype, outer * count * inner),
            "x": garbage(rng, dtype, outer * axis * inner),
        }
        yield Case("gather_elements", note, data | arguments, outer * count)


def scatter_elements_cases(rng: Rng) -> Iterator[Case]:
    for note, arguments, (outer, axis, count, inner) in along_axis(rng, scatter=True):
        dtype = f"u{arguments['element_bytes']}"
        data = {
            "y": garbage(rng, dtype, outer * axis * inner),
            "updates": garbage(rng, dtype, outer * count * inner),
        }
        yield Case("scatter_elements", note, data | arguments, outer)


TUPLES: list[tuple[tuple[int, ...], int, int]] = [  # leading dimensions, tuples, bytes of a row
    ((1,), 1, 1),
    ((5,), 3, 4),
    ((3, 4), 5, 2),
    ((2, 3, 2), 7, 8),
    ((2, 3), 4, 24),
    ((2, 1, 2, 1, 2, 2, 1, 3), 9, 4),
]


def tuples(rng: Rng) -> Iterator[tuple[str, dict[str, object], tuple[int, int, int]]]:
    """Yield a note, the arguments but the data, and rows, tuples, bytes of a row."""
    for dims, count, inner in TUPLES:
        for dtype in INDEX_TYPES:
            for wild in (False, True):
                columns = [indices_of(rng, dtype, size, count, wild) for size in dims]
                arguments: dict[str, object] = {
                    "indices": np.ascontiguousarray(np.stack(columns, axis=1).ravel()),
                    **{"indices_type": TYPES[dtype], "inner_bytes": inner},
                    "shape": struct_of("index_shape", depth=len(dims), dims=dims),
                }
                note = f"{dtype} {dims} tuples={count} of {inner} bytes wild={wild}"
                yield note, arguments, (math.prod(dims), count, inner)


def gather_nd_cases(rng: Rng) -> Iterator[Case]:
    for note, arguments, (rows, count, inner) in tuples(rng):
        data = {"y": garbage(rng, np.uint8, count * inner), "x": bytes_of(rng, rows * inner)}
        yield Case("gather_nd", note, data | arguments, count)


def scatter_nd_cases(rng: Rng) -> Iterator[Case]:
    for note, arguments, (rows, count, inner) in tuples(rng):
        shape = arguments.pop("shape")
        data = {
            "y": garbage(rng, np.uint8, rows * inner),
            "updates": bytes_of(rng, count * inner),
        }
        yield Case("scatter_nd", note, data | arguments | {"count": count, "shape": shape}, 1)
