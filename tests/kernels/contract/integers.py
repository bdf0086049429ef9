# SPDX-License-Identifier: Apache-2.0
"""Arithmetic on integer types, comparisons and selection, in Python's exact integers."""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from typing import Any

import numpy as np

from .arithmetic import F32, Array, Struct, strided
from .elementwise import operands


def wrapped(values: Any, dtype: np.dtype[Any]) -> Array:
    """Return exact integers with the low bits that ``dtype`` keeps."""
    bits = 8 * dtype.itemsize
    low = [int(value) % 2**bits for value in np.asarray(values, object).reshape(-1)]
    return np.array(low, f"u{dtype.itemsize}").view(dtype)


def quotient(a: int, b: int) -> int:
    """a / b, truncated; 0 where b is 0."""
    if b == 0:
        return 0
    magnitude = abs(a) // abs(b)
    return magnitude if (a < 0) == (b < 0) else -magnitude


def raised(a: int, b: int) -> int:
    """a^b modulo 2^64; for b < 0 the truncated reciprocal."""
    if b >= 0:
        return pow(a, b, 2**64)
    return {1: 1, -1: -1 if b % 2 else 1}.get(a, 0)


BINARY: tuple[Callable[[int, int], int], ...] = (
    lambda a, b: a + b,
    lambda a, b: a - b,
    lambda a, b: a * b,
    quotient,
    max,
    min,
    raised,
)


def int_binary(y: Array, a: Array, b: Array, op: int, type: int, shape: Struct) -> None:
    va, vb = (v.astype(object).reshape(-1) for v in operands(a, b, shape))
    exact = [BINARY[op](left, right) for left, right in zip(va, vb, strict=True)]
    y[:] = wrapped(exact, y.dtype)


COMPARE: tuple[Callable[[Array, Array], Array], ...] = (
    np.equal,
    np.not_equal,
    np.greater,
    np.greater_equal,
    np.logical_and,
    np.logical_or,
    np.logical_xor,
)


def compare(y: Array, a: Array, b: Array, op: int, type: int, shape: Struct) -> None:
    va, vb = operands(a, b, shape)
    y[:] = COMPARE[op](va, vb).astype(np.uint8).reshape(-1)


def select_nd(
    y: Array, condition: Array, a: Array, b: Array, element_bytes: int, shape: Struct
) -> None:
    assert y.itemsize == element_bytes
    dims = shape.dims[: shape.rank]
    strides = (shape.condition_strides, shape.a_strides, shape.b_strides)
    chosen, va, vb = (
        strided(v, dims, s[: shape.rank]) for v, s in zip((condition, a, b), strides, strict=True)
    )
    y[:] = np.where(chosen, va, vb).reshape(-1)


# ---------------------------------------------------------------------------
# Reductions and running sums

REDUCE: dict[int, Callable[[int, int], int]] = {
    0: lambda a, b: a + b,
    2: max,
    3: min,
    4: lambda a, b: a * b % 2**64,
}


def int_reduce(y: Array, x: Array, op: int, type: int, outer: int, n: int, inner: int) -> None:
    values = x.astype(object).reshape(outer, n, inner)
    columns = np.moveaxis(values, 1, 2).reshape(-1, n)
    y[:] = wrapped([reduce(REDUCE[op], column) for column in columns], y.dtype)


def cumulative_sum(
    y: Array, x: Array, type: int, exclusive: int, reversed: int, outer: int, n: int, inner: int
) -> None:
    exact = x.dtype == F32
    values = x.reshape(outer, n, inner) if exact else x.astype(object).reshape(outer, n, inner)
    total: Array = np.zeros((outer, inner), F32 if exact else object)
    sums = np.empty_like(values)
    order = range(n - 1, -1, -1) if reversed else range(n)
    for i in order:
        before = total
        with np.errstate(all="ignore"):
            total = total + values[:, i]
        sums[:, i] = before if exclusive else total
    y[:] = sums.reshape(-1) if exact else wrapped(sums, y.dtype)
