# SPDX-License-Identifier: Apache-2.0
"""Pooling, reductions, resampling."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from .arithmetic import F32, Array, Struct, clamp, maximum, minimum, requantize, scaled
from .products import inside, output_pixels, windows

SUM, MEAN, MAX, MIN, PRODUCT = range(5)  # reduce_op
INT64 = 4  # element_type

# ---------------------------------------------------------------------------
# Pooling: windows [batch, out_height, out_width, taps, channels]


def counts(shape: Struct) -> Array:
    """Return [out_height, out_width, 1]: how many taps lie inside the input."""
    return np.asarray(inside(shape)[2].sum(axis=2, keepdims=True))


def write_pixels(y: Array, shape: Struct, values: Array) -> None:
    out = output_pixels(y, shape, shape.groups)
    out[:] = values.reshape(out.shape)


def f32_avgpool(y: Array, x: Array, lo: float, hi: float, shape: Struct) -> None:
    taps, exists = windows(x, shape, shape.groups, 0), inside(shape)[2]
    total = np.zeros(taps.shape[:3] + taps.shape[4:], F32)
    with np.errstate(all="ignore"):
        for t in range(taps.shape[3]):
            total = np.where(exists[:, :, t, None], total + taps[..., t, :], total)
        write_pixels(y, shape, clamp(total / counts(shape).astype(F32), lo, hi))


def qu8_avgpool(
    y: Array,
    x: Array,
    scale: float,
    x_zero_point: int,
    y_zero_point: int,
    lo: int,
    hi: int,
    shape: Struct,
) -> None:
    taps = windows(x, shape, shape.groups, x_zero_point).astype(np.int64) - x_zero_point
    # A window wholly in the padding has the sum 0 whatever it is divided by.
    mean_scale = F32(scale) / np.maximum(counts(shape), 1).astype(F32)
    value = scaled(taps.sum(axis=3), mean_scale)
    write_pixels(y, shape, requantize(value, y_zero_point, lo, hi))


def u8_avgpool(y: Array, x: Array, origin: int, lo: int, hi: int, shape: Struct) -> None:
    total = windows(x, shape, shape.groups, origin).astype(np.int64).sum(axis=3)
    taps = shape.kernel_height * shape.kernel_width
    count = np.maximum(counts(shape), 1)
    difference = total - taps * origin
    # Half away from origin: floor(2|d| + n, 2n) with d's sign.
    rounded = np.sign(difference) * ((2 * np.abs(difference) + count) // (2 * count))
    write_pixels(y, shape, np.clip(origin + rounded, lo, hi))


def f32_maxpool(y: Array, x: Array, lo: float, hi: float, shape: Struct) -> None:
    taps = windows(x, shape, shape.groups, -np.inf)
    top = np.full(taps.shape[:3] + taps.shape[4:], -np.inf, F32)
    for t in range(taps.shape[3]):
        top = maximum(top, taps[..., t, :])
    write_pixels(y, shape, clamp(top, lo, hi))


def u8_maxpool(y: Array, x: Array, lo: int, hi: int, shape: Struct) -> None:
    top = windows(x, shape, shape.groups, 0).max(axis=3)
    write_pixels(y, shape, np.clip(top, lo, hi))


# ---------------------------------------------------------------------------
# Reductions of x[outer, n, inner]


def f32_reduce(y: Array, x: Array, op: int, outer: int, n: int, inner: int) -> None:
    start = {SUM: 0.0, MEAN: 0.0, MAX: -np.inf, MIN: np.inf, PRODUCT: 1.0}[op]
    steps: dict[int, Callable[[Array, Array], Array]]
    steps = {MAX: maximum, MIN: minimum, PRODUCT: np.multiply}
    step = steps.get(op, np.add)
    acc = np.full((outer, inner), start, F32)
    values = x.reshape(outer, n, inner)
    with np.errstate(all="ignore"):
        for i in range(n):
            acc = step(acc, values[:, i])
        y[:] = (acc / F32(n) if op == MEAN else acc).reshape(-1)


def qu8_mean(
    y: Array,
    x: Array,
    scale: float,
    x_zero_point: int,
    y_zero_point: int,
    lo: int,
    hi: int,
    outer: int,
    n: int,
    inner: int,
) -> None:
    acc = (x.reshape(outer, n, inner).astype(np.int64) - x_zero_point).sum(axis=1)
    y[:] = requantize(scaled(acc, F32(scale) / F32(n)), y_zero_point, lo, hi).reshape(-1)


def arg_reduce(
    y: Array, x: Array, x_type: int, y_type: int, is_min: int, outer: int, n: int, inner: int
) -> None:
    assert y.dtype == (np.int64 if y_type == INT64 else np.int32)
    values = x.reshape(outer, n, inner)
    best, index = values[:, 0], np.zeros((outer, inner), np.int64)
    for i in range(1, n):
        better = values[:, i] < best if is_min else values[:, i] > best
        best, index = np.where(better, values[:, i], best), np.where(better, i, index)
    y[:] = index.reshape(-1)


# ---------------------------------------------------------------------------
# Resampling by coordinate tables


def neighbours(table: Array, size: int) -> tuple[Array, Array]:
    return table, np.minimum(table + 1, size - 1)


def mixed(a: Array, b: Array, weight: Array) -> Array:
    return np.asarray(a + (b - a) * weight)


def resampled(
    image: Array, rows: Array, row_weights: Array, columns: Array, column_weights: Array
) -> Array:
    """Interpolate [batch, height, width, channels] between rows, then between columns."""
    upper, lower = neighbours(rows, image.shape[1])
    left, right = neighbours(columns, image.shape[2])
    with np.errstate(all="ignore"):
        tall = mixed(image[:, upper], image[:, lower], row_weights[:, None, None])
        return mixed(tall[:, :, left], tall[:, :, right], column_weights[:, None])


def image_of(x: Array, shape: Struct) -> Array:
    return x.reshape(shape.batch, shape.in_height, shape.in_width, shape.channels)


def f32_resize_linear(
    y: Array,
    x: Array,
    rows: Array,
    row_weights: Array,
    columns: Array,
    column_weights: Array,
    shape: Struct,
) -> None:
    image = image_of(x, shape)
    y[:] = resampled(image, rows, row_weights, columns, column_weights).reshape(-1)


def qu8_resize_linear(
    y: Array,
    x: Array,
    rows: Array,
    row_weights: Array,
    columns: Array,
    column_weights: Array,
    scale: float,
    x_zero_point: int,
    y_zero_point: int,
    lo: int,
    hi: int,
    shape: Struct,
) -> None:
    image = (image_of(x, shape).astype(np.int64) - x_zero_point).astype(F32)
    v = resampled(image, rows, row_weights, columns, column_weights)
    y[:] = requantize(v * F32(scale), y_zero_point, lo, hi).reshape(-1)


def x8_resize_nearest(y: Array, x: Array, rows: Array, columns: Array, shape: Struct) -> None:
    y[:] = image_of(x, shape)[:, rows][:, :, columns].reshape(-1)
