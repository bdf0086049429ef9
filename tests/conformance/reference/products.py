# SPDX-License-Identifier: Apache-2.0
"""Matrix products and quantization in NumPy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from octet.web.cases import NIBBLES, Array

RANGES = {"int4": (-8, 7), "uint4": (0, 15)}


def gemm(
    a: Array,
    b: Array,
    c: Array | None = None,
    alpha: float = 1.0,
    beta: float = 1.0,
    aTranspose: bool = False,
    bTranspose: bool = False,
) -> Array:
    """Alpha a b + beta c."""
    y = alpha * ((a.T if aTranspose else a) @ (b.T if bTranspose else b))
    return y if c is None else y + beta * c


def _over_blocks(parameter: Array, shape: tuple[int, ...]) -> Array:
    """A scale or zero point for each element; one may lack leading dimensions."""
    parameter = parameter.reshape((1,) * (len(shape) - parameter.ndim) + parameter.shape)
    for axis, extent in enumerate(shape):
        parameter = np.repeat(parameter, extent // parameter.shape[axis], axis)
    return parameter


def dequantize_linear(x: Array, scale: Array, zero_point: Array) -> Array:
    """(x - zero point) * scale."""
    difference = x.astype(np.float64) - _over_blocks(zero_point, x.shape).astype(np.float64)
    return difference * _over_blocks(scale, x.shape)


def quantize_linear(x: Array, scale: Array, zero_point: Array) -> Array:
    """Round half to even of the float32 quotient, plus the zero point, cut to the type."""
    quotient = x.astype(np.float32) / _over_blocks(scale.astype(np.float32), x.shape)
    zero = _over_blocks(zero_point, x.shape).astype(np.float64)
    whole = np.where(np.isnan(quotient), 0.0, np.rint(quotient.astype(np.float64))) + zero
    low, high = _range(zero_point.dtype)
    return np.clip(whole, low, high).astype(np.int64).astype(zero_point.dtype)


def _range(dtype: np.dtype[Any]) -> tuple[int, int]:
    if dtype in NIBBLES.values():
        return RANGES[dtype.name]
    limits = np.iinfo(dtype)
    return int(limits.min), int(limits.max)


PRODUCTS: dict[str, Callable[..., Any]] = {
    "matmul": np.matmul,
    "gemm": gemm,
    "dequantizeLinear": dequantize_linear,
    "quantizeLinear": quantize_linear,
}
