# SPDX-License-Identifier: Apache-2.0
"""Data movement and conversions between element types."""

from __future__ import annotations

import numpy as np

from .arithmetic import F32, Array, Struct, requantize, scaled, strided

# ---------------------------------------------------------------------------
# Movement


def copy_nd(y: Array, x: Array, shape: Struct) -> None:
    dims = shape.dims[: shape.rank]
    source = strided(x, dims, shape.x_strides[: shape.rank])
    strided(y, dims, shape.y_strides[: shape.rank])[...] = source


def fill(y: Array, low: int, high: int, element_bytes: int) -> None:
    value = (high % 2**32) << 32 | low % 2**32
    y[:] = np.frombuffer(value.to_bytes(8, "little")[:element_bytes], y.dtype)


# ---------------------------------------------------------------------------
# Conversions


def cast(y: Array, x: Array, y_type: int, x_type: int) -> None:
    to_float, from_float = y.dtype.kind == "f", x.dtype.kind == "f"
    with np.errstate(all="ignore"):
        if from_float and not to_float:
            limits = np.iinfo(y.dtype)
            whole = np.trunc(np.nan_to_num(x, nan=0.0, posinf=np.inf, neginf=-np.inf))
            y[:] = [saturated(float(v), limits.min, limits.max) for v in whole]
        else:
            y[:] = x.astype(y.dtype)


def saturated(whole: float, lo: int, hi: int) -> int:
    """Clamp a float without a fraction, exactly: Python compares floats and integers by value."""
    return lo if whole < lo else hi if whole > hi else int(whole)


def rounded_quotient(x: Array, scale: Array) -> Array:
    """Return round_half_even(x / scale) in float32; NaN gives 0."""
    with np.errstate(all="ignore"):
        quotient = x / scale
    assert quotient.dtype == F32
    return np.where(np.isnan(quotient), F32(0), np.rint(quotient))


def f32_qu8_quantize(y: Array, x: Array, scale: float, zero_point: int) -> None:
    y[:] = requantize(rounded_quotient(x, np.asarray(scale, F32)), zero_point, 0, 255)


def qu8_f32_dequantize(y: Array, x: Array, scale: float, zero_point: int) -> None:
    y[:] = scaled(x.astype(np.int64) - zero_point, scale)


def entries(shape: Struct) -> Array:
    """Return for each element of dims[0..rank) the index of its quantization parameters."""
    dims = shape.dims[: shape.rank]
    index = np.zeros(dims, np.int64)
    for axis, size in enumerate(dims):
        along = np.arange(size) // shape.blocks[axis] * shape.strides[axis]
        index += along.reshape([-1 if d == axis else 1 for d in range(len(dims))])
    return index.reshape(-1)


def quantize_nd(
    y: Array, x: Array, scale: Array, zero_point: Array, y_type: int, shape: Struct
) -> None:
    entry, limits = entries(shape), np.iinfo(y.dtype)
    whole = rounded_quotient(x, scale[entry]).astype(np.float64)
    value = whole + zero_point[entry].astype(np.float64)
    y[:] = [saturated(float(v), limits.min, limits.max) for v in value]


def dequantize_nd(
    y: Array, x: Array, scale: Array, zero_point: Array, x_type: int, shape: Struct
) -> None:
    entry = entries(shape)
    difference = x.astype(np.int64) - zero_point[entry].astype(np.int64)
    with np.errstate(all="ignore"):
        y[:] = (difference.astype(np.float64) * scale[entry].astype(np.float64)).astype(F32)
