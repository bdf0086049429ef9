# SPDX-License-Identifier: Apache-2.0
"""The arithmetic that kernels share: clamping, requantization, elementary functions.

Everything is float32, one IEEE operation at a time, or exact.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import as_strided
from numpy.typing import NDArray

Array = NDArray[Any]
Value = Any  # a NumPy scalar or a Python number

F32 = np.float32


class Struct(SimpleNamespace):
    """A parameter struct of the catalogue: its fields are attributes, arrays are tuples."""


# ---------------------------------------------------------------------------
# Views of flat operands


def rows_of(flat: Array, count: int, width: int, stride: int) -> Array:
    """Return the writable view [count, width] of rows that lie ``stride`` elements apart."""
    size = flat.itemsize
    assert count == 0 or (count - 1) * stride + width <= flat.size
    return as_strided(flat, (count, width), (stride * size, size))


def strided(flat: Array, dims: tuple[int, ...], strides: tuple[int, ...]) -> Array:
    """Return the writable view of ``dims`` with ``strides`` in elements."""
    return as_strided(flat, dims, tuple(stride * flat.itemsize for stride in strides))


# ---------------------------------------------------------------------------
# Integers


def requantize(value: Array, zero_point: int, lo: int, hi: int) -> Array:
    """Return ``clamp(round_half_even(value) + zero_point, lo, hi)`` of a float32 ``value``."""
    assert value.dtype == F32
    rounded = np.rint(value).astype(np.float64)  # integral, so the sum below is exact or saturates
    return np.clip(rounded + zero_point, lo, hi).astype(np.uint8)


def scaled(acc: Array, scale: Value) -> Array:
    """Return ``float32(acc) * float32(scale)``; ``acc`` is exact and fits int32."""
    assert acc.dtype == np.int64
    assert acc.size == 0 or (acc.min() >= -(2**31) and acc.max() < 2**31), "not an int32"
    with np.errstate(over="ignore", under="ignore"):
        return acc.astype(F32) * np.asarray(scale, F32)


# ---------------------------------------------------------------------------
# Floats


def minimum(a: Value, b: Value) -> Array:
    """Return ``b < a ? b : a``: of a NaN and a number, ``a``; of two zeros, ``a``."""
    return np.asarray(np.where(np.less(b, a), b, a))


def maximum(a: Value, b: Value) -> Array:
    """Return ``b > a ? b : a``: of a NaN and a number, ``a``; of two zeros, ``a``."""
    return np.asarray(np.where(np.greater(b, a), b, a))


def clamp(value: Array, lo: Value, hi: Value) -> Array:
    """Clamp to [lo, hi]; NaN stays NaN."""
    return minimum(maximum(value, F32(lo)), F32(hi))


def polynomial(x: Array, *coefficients: float) -> Array:
    """Evaluate by Horner's rule, a rounding after each multiplication and each addition."""
    value: Array = np.full_like(x, F32(coefficients[0]))
    for coefficient in coefficients[1:]:
        value = value * x + F32(coefficient)
    return value


def exp(value: Array) -> Array:
    """exp(x) of ``math32.h``: 2^n times Cephes' polynomial on [-ln 2 / 2, ln 2 / 2]."""
    with np.errstate(all="ignore"):
        x = clamp(value, -104.0, 89.0)
        n: Array = np.rint(x * F32(1.44269504088896341))
        r: Array = x - n * F32(0.693359375)
        r = r - n * F32(-2.12194440e-4)
        p = polynomial(
            r,
            1.9875691500e-4,
            1.3981999507e-3,
            8.3334519073e-3,
            4.1665795894e-2,
            1.6666665459e-1,
            5.0000001201e-1,
        )
        p = p * (r * r) + r + F32(1.0)
        whole = np.where(np.isnan(n), 0, n).astype(np.int32)
        half = whole // 2
        one = np.ones_like(p)
        return np.asarray(p * np.ldexp(one, half) * np.ldexp(one, whole - half))


def sigmoid(x: Array) -> Array:
    """1 / (1 + exp(-x)) by way of exp(-|x|), which cannot overflow."""
    with np.errstate(all="ignore"):
        e = exp(-np.abs(x))
        return np.where(x < 0, e, F32(1.0)) / (F32(1.0) + e)


def tanh(x: Array) -> Array:
    """tanh(x): Cephes' odd polynomial below 0.625, 1 - 2 / (exp(2|x|) + 1) above."""
    with np.errstate(all="ignore"):
        a = np.abs(x)
        z = x * x
        p = polynomial(
            z,
            -5.70498872745e-3,
            2.06390887954e-2,
            -5.37397155531e-2,
            1.33314422036e-1,
            -3.33332819422e-1,
        )
        small = p * z * a + a
        large = F32(1.0) - F32(2.0) / (exp(a + a) + F32(1.0))
        return np.copysign(np.where(a < F32(0.625), small, large), x)
