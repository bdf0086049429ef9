# SPDX-License-Identifier: Apache-2.0
"""Elementwise operations, and softmax, which is one with two reductions."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from . import functions
from .arithmetic import (
    F32,
    Array,
    Struct,
    clamp,
    exp,
    maximum,
    minimum,
    requantize,
    scaled,
    sigmoid,
    strided,
    tanh,
)

BINARY: tuple[Callable[[Array, Array], Array], ...] = (
    np.add,
    np.subtract,
    np.multiply,
    np.divide,
    maximum,
    minimum,
    functions.power,
    lambda a, b: np.where(a < 0, a * b, a),
)


def operands(a: Array, b: Array, shape: Struct) -> tuple[Array, Array]:
    """Return a and b as views of the output's dims; a stride of 0 repeats."""
    dims = shape.dims[: shape.rank]
    return (
        strided(a, dims, shape.a_strides[: shape.rank]),
        strided(b, dims, shape.b_strides[: shape.rank]),
    )


def f32_binary(y: Array, a: Array, b: Array, op: int, shape: Struct) -> None:
    va, vb = operands(a, b, shape)
    with np.errstate(all="ignore"):
        y[:] = np.reshape(BINARY[op](va, vb), -1)


def qu8_add(
    y: Array,
    a: Array,
    b: Array,
    a_multiplier: int,
    b_multiplier: int,
    bias: int,
    shift: int,
    y_zero_point: int,
    lo: int,
    hi: int,
    shape: Struct,
) -> None:
    va, vb = operands(a, b, shape)
    acc = bias + va.astype(np.int64) * a_multiplier + vb.astype(np.int64) * b_multiplier
    assert np.abs(acc).max(initial=0) < 2**31, "the case leaves int32"
    y[:] = np.clip(acc // 2**shift + y_zero_point, lo, hi).reshape(-1)


def qu8_mul(
    y: Array,
    a: Array,
    b: Array,
    scale: float,
    a_zero_point: int,
    b_zero_point: int,
    y_zero_point: int,
    lo: int,
    hi: int,
    shape: Struct,
) -> None:
    va, vb = operands(a, b, shape)
    acc = (va.astype(np.int64) - a_zero_point) * (vb.astype(np.int64) - b_zero_point)
    y[:] = requantize(scaled(acc, scale), y_zero_point, lo, hi).reshape(-1)


def hard_swish(x: Array) -> Array:
    return np.asarray(x * clamp(x + F32(3), 0.0, 6.0) / F32(6))


UNARY: tuple[Callable[[Array, float, float], Array], ...] = (
    clamp,
    lambda x, p, q: sigmoid(x),
    lambda x, p, q: exp(x),
    lambda x, p, q: tanh(x),
    lambda x, p, q: np.abs(x),
    lambda x, p, q: np.negative(x),
    lambda x, p, q: np.where(x > 0, F32(1), np.where(x < 0, F32(-1), F32(0))),
    lambda x, p, q: np.ceil(x),
    lambda x, p, q: np.floor(x),
    lambda x, p, q: np.rint(x),
    lambda x, p, q: np.sqrt(x),
    lambda x, p, q: F32(1) / x,
    lambda x, p, q: functions.log(x),
    lambda x, p, q: functions.sin(x),
    lambda x, p, q: functions.cos(x),
    lambda x, p, q: functions.tan(x),
    lambda x, p, q: functions.erf(x),
    lambda x, p, q: functions.gelu(x),
    lambda x, p, q: functions.elu(x, p),
    lambda x, p, q: functions.softplus(x),
    lambda x, p, q: x / (F32(1) + np.abs(x)),
    lambda x, p, q: F32(p) * x + F32(q),
    lambda x, p, q: np.where(x < 0, F32(p) * x, x),
    lambda x, p, q: clamp(F32(p) * x + F32(q), 0.0, 1.0),
    lambda x, p, q: hard_swish(x),
)


def f32_unary(y: Array, x: Array, op: int, p0: float, p1: float) -> None:
    with np.errstate(all="ignore"):
        y[:] = UNARY[op](x, p0, p1)


def x8_lut(y: Array, x: Array, table: Array) -> None:
    y[:] = table[x]


def x8_flip(y: Array, x: Array) -> None:
    y[:] = x.astype(np.int64) ^ 0x80


def qu8_requantize(
    y: Array,
    x: Array,
    scale: float,
    x_zero_point: int,
    y_zero_point: int,
    lo: int,
    hi: int,
) -> None:
    acc = x.astype(np.int64) - x_zero_point
    y[:] = requantize(scaled(acc, scale), y_zero_point, lo, hi)


# ---------------------------------------------------------------------------
# Softmax


def f32_softmax(y: Array, x: Array, n: int) -> None:
    rows = x.reshape(-1, n)
    top = rows[:, 0]
    for i in range(1, n):
        top = maximum(top, rows[:, i])
    with np.errstate(all="ignore"):
        e = exp(rows - top[:, None])
        # Four partial sums: lane i % 4 takes element i; a lane without one takes 0.
        lanes = np.zeros((rows.shape[0], 4), F32)
        for first in range(0, n, 4):
            part = e[:, first : first + 4]
            lanes = lanes + np.pad(part, [(0, 0), (0, 4 - part.shape[1])])
        total = (lanes[:, 0] + lanes[:, 1]) + (lanes[:, 2] + lanes[:, 3])
        y[:] = (e * (F32(1.0) / total)[:, None]).reshape(-1)


def qu8_softmax_table(table: Array, x_scale: float) -> None:
    d = np.arange(256, dtype=np.int64)
    with np.errstate(under="ignore"):
        table[:] = np.rint(exp(scaled(-d, x_scale)) * F32(2.0**23)).astype(np.uint32)


def qu8_softmax(
    y: Array,
    x: Array,
    table: Array,
    y_scale: float,
    y_zero_point: int,
    lo: int,
    hi: int,
    n: int,
) -> None:
    rows = x.reshape(-1, n).astype(np.int64)
    e = table[rows.max(axis=1, keepdims=True) - rows]
    total = e.astype(np.uint64).sum(axis=1, keepdims=True, dtype=np.uint64)
    inverse = F32(1.0) / (total.astype(F32) * F32(y_scale))
    y[:] = requantize(e.astype(F32) * inverse, y_zero_point, lo, hi).reshape(-1)
