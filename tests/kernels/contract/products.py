# SPDX-License-Identifier: Apache-2.0
"""Packing, matrix products, convolutions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from .arithmetic import F32, Array, Struct, Value, clamp, requantize, rows_of, scaled, strided


@dataclass(frozen=True)
class Weights:
    """A filter by its meaning, next to what the kernels get.

    The models compute from ``values``, ``bias`` and zero points. Kernels see ``packed``, or for
    quantized weights, whose packed form is private, what ``packing`` makes: the name and the
    arguments of a packing kernel, but for its output.
    """

    values: Array  # [groups, out_channels, taps, in_channels]; float32, or int64 w - w_zero_point
    bias: Array  # [groups, out_channels]
    scale: Array  # [groups, out_channels] float32; empty for float weights
    x_zero_point: int
    packed: Array  # uint8; empty for quantized weights
    packing: tuple[str, dict[str, Any]] | None = None


# ---------------------------------------------------------------------------
# Packing


def filter_values(flat: Array, shape: Struct) -> Array:
    """Return the view [groups, out_channels, taps, in_channels] of a filter in any layout."""
    dims = (shape.groups, shape.out_channels, shape.taps, shape.in_channels)
    strides = (shape.group_stride, shape.out_stride, shape.tap_stride, shape.in_stride)
    return strided(flat, dims, strides)


def blocks_of(channels: Array, size: int) -> Array:
    """Pad axis 1 of [groups, channels, ...] with zeros, split it: [groups, blocks, size, ...]."""
    groups, count = channels.shape[:2]
    padding = [(0, 0), (0, -count % size)] + [(0, 0)] * (channels.ndim - 2)
    return np.pad(channels, padding).reshape(groups, -1, size, *channels.shape[2:])


def joined(*parts: Array) -> Array:
    """Lay the bytes of each block's parts [groups, blocks, ...] one after the other."""
    bytes_of = [
        np.ascontiguousarray(part).reshape(*part.shape[:2], -1).view(np.uint8) for part in parts
    ]
    return np.concatenate(bytes_of, axis=2).reshape(-1)


def packed_f32(values: Array, bias: Array, size: int) -> Array:
    """Blocks of ``size`` channels: bias, then one row per k. ``values``: [groups, channels, k]."""
    return joined(blocks_of(bias, size), np.swapaxes(blocks_of(values, size), 2, 3))


def packed_qu8(values: Array, bias: Array, scale: Array, x_zero_point: int) -> Array:
    """The packed form for no dot product at all: a header, then blocks of 8 channels.

    A block is folded bias, scale, then int16 pairs of k per channel.
    """
    folded = (bias - x_zero_point * values.sum(axis=2)).astype(np.uint32)  # modulo 2^32
    groups, channels, k = values.shape
    pairs = np.pad(values, [(0, 0), (0, 0), (0, k % 2)]).astype(np.int16)
    pairs = pairs.reshape(groups, channels, -1, 2)
    blocks = joined(
        blocks_of(folded, 8), blocks_of(scale, 8), np.swapaxes(blocks_of(pairs, 8), 2, 3)
    )
    most = 255 * np.abs(values).sum(axis=2) + np.abs(bias)
    bounded = bool((most.astype(np.float64) * scale.astype(np.float64) < 2**22).all())
    header = np.zeros(12, np.int32)
    header[:3] = 0, bounded, 64 + 32 * -(-k // 2)
    ones = np.ones(8, np.int16)
    return np.concatenate([header.view(np.uint8), ones.view(np.uint8), blocks])


def flat_k(values: Array) -> Array:
    """[groups, channels, taps, in_channels] to [groups, channels, k]."""
    return values.reshape(*values.shape[:2], -1)


def depthwise(per_channel: Array) -> Array:
    """One channel in each of many groups, seen as many channels of one group."""
    return np.swapaxes(per_channel, 0, 1)


def integer_weights(filter: Array, w_zero_point: Array, signed: int, shape: Struct) -> Array:
    """Return w - w_zero_point, int64 [groups, out_channels, taps, in_channels]."""
    typed = filter.view(np.int8) if signed else filter
    zero = w_zero_point.reshape(shape.groups, shape.out_channels, 1, 1)
    return filter_values(typed, shape).astype(np.int64) - zero


def bias_of(bias: Array | None, shape: Struct, dtype: Value) -> Array:
    """Return the bias [groups, out_channels], zeros when there is none."""
    dims = (shape.groups, shape.out_channels)
    return np.zeros(dims, dtype) if bias is None else bias.reshape(dims).astype(dtype)


def f32_weights(filter: Array, bias: Array | None, shape: Struct, *, dw: bool = False) -> Weights:
    values, biases = filter_values(filter, shape), bias_of(bias, shape, F32)
    k = flat_k(values)
    packed = packed_f32(depthwise(k), depthwise(biases), 4) if dw else packed_f32(k, biases, 8)
    return Weights(values, biases, np.zeros(0, F32), 0, packed)


def qu8_weights(
    filter: Array,
    bias: Array | None,
    scale: Array,
    w_zero_point: Array,
    x_zero_point: int,
    filter_signed: int,
    shape: Struct,
    packing: tuple[str, dict[str, Any]] | None = None,
) -> Weights:
    values = integer_weights(filter, w_zero_point, filter_signed, shape)
    biases = bias_of(bias, shape, np.int64)
    scales = scale.reshape(biases.shape)
    return Weights(values, biases, scales, x_zero_point, np.zeros(0, np.uint8), packing)


def f32_pack(packed: Array, filter: Array, bias: Array | None, shape: Struct) -> None:
    packed[:] = f32_weights(filter, bias, shape).packed


def put_packed(packed: Array, data: Array, dot_class: int) -> None:
    """The layout for DOT_NONE, the only one stated here; the rest of the room is left alone."""
    if dot_class == 0:
        packed[: data.size] = data


def qu8_pack(
    packed: Array,
    filter: Array,
    bias: Array | None,
    scale: Array,
    w_zero_point: Array,
    x_zero_point: int,
    filter_signed: int,
    dot_class: int,
    shape: Struct,
) -> None:
    w = qu8_weights(filter, bias, scale, w_zero_point, x_zero_point, filter_signed, shape)
    put_packed(packed, packed_qu8(flat_k(w.values), w.bias, w.scale, x_zero_point), dot_class)


def f32_dwpack(packed: Array, filter: Array, bias: Array | None, shape: Struct) -> None:
    packed[:] = f32_weights(filter, bias, shape, dw=True).packed


def qu8_dwpack(
    packed: Array,
    filter: Array,
    bias: Array | None,
    scale: Array,
    w_zero_point: Array,
    x_zero_point: int,
    filter_signed: int,
    dot_class: int,
    kernel_width: int,
    shape: Struct,
) -> None:
    w = qu8_weights(filter, bias, scale, w_zero_point, x_zero_point, filter_signed, shape)
    parts = (depthwise(flat_k(w.values)), depthwise(w.bias), depthwise(w.scale))
    put_packed(packed, packed_qu8(*parts, x_zero_point), dot_class)


# ---------------------------------------------------------------------------
# Windows


def inside(shape: Struct) -> tuple[Array, Array, Array]:
    """Return the input row and column of each [out_height, out_width, taps], and which exist."""
    oy, ox, ky, kx = np.ix_(
        np.arange(shape.out_height),
        np.arange(shape.out_width),
        np.arange(shape.kernel_height),
        np.arange(shape.kernel_width),
    )
    iy = oy * shape.stride_height - shape.pad_top + ky * shape.dilation_height
    ix = ox * shape.stride_width - shape.pad_left + kx * shape.dilation_width
    dims = (shape.out_height, shape.out_width, shape.kernel_height * shape.kernel_width)
    iy, ix = (np.broadcast_arrays(iy, ix)[axis].reshape(dims) for axis in (0, 1))
    exists = (iy >= 0) & (iy < shape.in_height) & (ix >= 0) & (ix < shape.in_width)
    return iy, ix, exists


def windows(x: Array, shape: Struct, channels: int, outside: Value) -> Array:
    """Return [batch, out_height, out_width, taps, channels]; ``outside`` where no input lies."""
    count = shape.batch * shape.in_height * shape.in_width
    image = rows_of(x, count, channels, shape.x_stride)
    image = image.reshape(shape.batch, shape.in_height, shape.in_width, channels)
    iy, ix, exists = inside(shape)
    gathered = image[:, np.where(exists, iy, 0), np.where(exists, ix, 0)]
    return np.where(exists[..., None], gathered, np.asarray(outside, x.dtype))


def output_pixels(y: Array, shape: Struct, channels: int) -> Array:
    """Return the writable view [batch * out_height * out_width, channels] of y."""
    return rows_of(y, shape.batch * shape.out_height * shape.out_width, channels, shape.y_stride)


# ---------------------------------------------------------------------------
# Products


def f32_product(a: Array, w: Weights, group: int, lo: float, hi: float) -> Array:
    """clamp(bias + a @ w.T, lo, hi) of rows a [m, k], summed in the order of k."""
    k = flat_k(w.values)[group]
    acc = np.broadcast_to(w.bias[group], (a.shape[0], k.shape[0]))
    with np.errstate(all="ignore"):
        for i in range(a.shape[1]):
            acc = acc + a[:, i : i + 1] * k[:, i]
        return clamp(acc, lo, hi)


def qu8_product(
    a: Array, w: Weights, group: int, x_zero_point: int, y_zero_point: int, lo: int, hi: int
) -> Array:
    """requantize(sum_k (a - x_zero_point) * (w - w_zero_point) + bias) of rows a [m, k]."""
    centered = a.astype(np.int64) - x_zero_point
    acc = centered @ flat_k(w.values)[group].T + w.bias[group]
    return requantize(scaled(acc, w.scale[group]), y_zero_point, lo, hi)


def f32_gemm(
    y: Array,
    a: Array,
    w: Weights,
    lo: float,
    hi: float,
    m: int,
    n: int,
    k: int,
    splits: int,
    a_stride: int,
    y_stride: int,
) -> None:
    rows_of(y, m, n, y_stride)[:] = f32_product(rows_of(a, m, k, a_stride), w, 0, lo, hi)


def qu8_gemm(
    y: Array,
    a: Array,
    w: Weights,
    y_zero_point: int,
    lo: int,
    hi: int,
    m: int,
    n: int,
    k: int,
    splits: int,
    a_stride: int,
    y_stride: int,
) -> None:
    rows = rows_of(a, m, k, a_stride)
    rows_of(y, m, n, y_stride)[:] = qu8_product(rows, w, 0, w.x_zero_point, y_zero_point, lo, hi)


def f32_igemm(y: Array, x: Array, w: Weights, lo: float, hi: float, shape: Struct) -> None:
    groups, n, c = shape.groups, shape.out_channels, shape.in_channels
    gathered, out = windows(x, shape, groups * c, 0), output_pixels(y, shape, groups * n)
    for g in range(groups):
        a = gathered[..., g * c : (g + 1) * c].reshape(out.shape[0], -1)
        out[:, g * n : (g + 1) * n] = f32_product(a, w, g, lo, hi)


def qu8_igemm(
    y: Array,
    x: Array,
    w: Weights,
    x_zero_point: int,
    y_zero_point: int,
    lo: int,
    hi: int,
    shape: Struct,
) -> None:
    groups, n, c = shape.groups, shape.out_channels, shape.in_channels
    gathered, out = windows(x, shape, groups * c, x_zero_point), output_pixels(y, shape, groups * n)
    for g in range(groups):
        a = gathered[..., g * c : (g + 1) * c].reshape(out.shape[0], -1)
        out[:, g * n : (g + 1) * n] = qu8_product(a, w, g, x_zero_point, y_zero_point, lo, hi)


# ---------------------------------------------------------------------------
# Depthwise


def f32_dwconv(y: Array, x: Array, w: Weights, lo: float, hi: float, shape: Struct) -> None:
    taps = windows(x, shape, shape.groups, 0)
    acc = np.broadcast_to(w.bias[:, 0], taps.shape[:3] + taps.shape[4:])
    columns = np.arange(taps.shape[3]).reshape(shape.kernel_height, shape.kernel_width).T
    with np.errstate(all="ignore"):
        for column in columns:
            total: Array = np.zeros((), np.float32)
            for t in column:
                total = total + taps[..., t, :] * w.values[:, 0, t, 0]
            acc = acc + total
        out = output_pixels(y, shape, shape.groups)
        out[:] = clamp(acc, lo, hi).reshape(out.shape)


def qu8_dwconv(
    y: Array,
    x: Array,
    w: Weights,
    x_zero_point: int,
    y_zero_point: int,
    lo: int,
    hi: int,
    shape: Struct,
) -> None:
    taps = windows(x, shape, shape.groups, x_zero_point).astype(np.int64) - x_zero_point
    acc = np.einsum("bhwtc,ct->bhwc", taps, w.values[:, 0, :, 0]) + w.bias[:, 0]
    out = output_pixels(y, shape, shape.groups)
    out[:] = requantize(scaled(acc, w.scale[:, 0]), y_zero_point, lo, hi).reshape(out.shape)
