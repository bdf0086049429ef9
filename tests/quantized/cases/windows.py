# SPDX-License-Identifier: Apache-2.0
"""Pools, means, resampling."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from tests.kernels.contract import Struct, model

from ..recording import F32, Array, Params, QuantizedCase, Recorder, Rng, Tensor, from_bytes, ref
from ..values import clamps_of, dims, near, tensor_of
from .elementwise import requantized

POOLS = 70
MEANS = 30
RESAMPLES = 40

CHANNELS = (1, 2, 3, 4, 7, 8, 15, 16, 17, 33)


def window_cases(rng: Rng) -> Iterator[QuantizedCase]:
    """Yield pools, means and resamplings."""
    for i in range(POOLS):
        yield pool(rng, "averagePool2d" if i % 3 else "maxPool2d", (12, 12))
    yield pool(rng, "averagePool2d", (60, 90))
    yield pool(rng, "maxPool2d", (60, 90))
    for _ in range(MEANS):
        yield mean(rng, dims(rng, int(rng.integers(1, 5)), 9))
    yield mean(rng, (3, 40, 50, 9))
    for i in range(RESAMPLES):
        yield resample(rng, "linear" if i % 2 else "nearest-neighbor", 9)
    yield resample(rng, "linear", 60)
    yield resample(rng, "nearest-neighbor", 60)


def pool(rng: Rng, op: str, most: tuple[int, int]) -> QuantizedCase:
    """Return a pool; the mean of equal parameters is that of the bytes, rounded as TFLite does."""
    kernel = [int(k) for k in rng.integers(1, 5, 2)]
    strides = [int(s) for s in rng.integers(1, 4, 2)]
    padding = [int(p) for k in kernel for p in rng.integers(0, k, 2)]
    if rng.random() < 0.4:
        padding = [0, 0, 0, 0]
    dilations = [1, 1] if op == "averagePool2d" else [int(d) for d in rng.integers(1, 3, 2)]
    size = [
        int(rng.integers((k - 1) * d + 1, high + 1))
        for k, d, high in zip(kernel, dilations, most, strict=True)
    ]
    if rng.random() < 0.15:  # over everything
        kernel, padding, dilations = list(size), [0, 0, 0, 0], [1, 1]
    batch, channels = 1 + int(rng.random() < 0.2), int(rng.choice(CHANNELS))
    x = tensor_of(rng, (batch, *size, channels))
    y, clamps = near(rng, x.params), clamps_of(rng)
    lo, hi = y.bounds(clamps)
    out_size = [
        (size[i] + padding[2 * i] + padding[2 * i + 1] - (kernel[i] - 1) * dilations[i] - 1)
        // strides[i]
        + 1
        for i in (0, 1)
    ]
    shape = _pool_shape(batch, size, out_size, channels, (kernel, strides, dilations, padding))
    out = np.zeros(batch * out_size[0] * out_size[1] * channels, np.uint8)
    kernels = _pooled(out, op, x, y, (lo, hi), shape)
    out = out.reshape(batch, *out_size, channels)
    if op == "maxPool2d":
        out = requantized(out, x.params, y, lo, hi)

    nchw = bool(rng.random() < 0.25)
    rec = Recorder()
    given = Tensor(x.values.transpose(0, 3, 1, 2), x.params) if nchw else x
    options = {
        **{"windowDimensions": kernel, "strides": strides, "padding": padding},
        **{"dilations": dilations, "layout": "nchw" if nchw else "nhwc"},
    }
    value = rec.call(op, ref(rec.tensor(given)), options)
    output = rec.quantize(rec.clamps(value, clamps), 4, y)
    if op == "maxPool2d" and not (x.params.same_bytes(y) and (lo, hi) == (0, 255)):
        # Two clamps over bytes are no longer a requantization but a table.
        kernels = (*kernels, "qu8_requantize" if len(clamps) < 2 else "x8_lut")
    note = f"{op} {x.values.shape} {options} {x.params} -> {y} clamps {clamps}"
    expected = {output: from_bytes(out.transpose(0, 3, 1, 2) if nchw else out, y)}
    return QuantizedCase(note, rec.case(output), expected, kernels, moves=nchw)


def _pooled(
    out: Array, op: str, x: Tensor, y: Params, bounds: tuple[int, int], shape: Struct
) -> tuple[str, ...]:
    """Write a pool's result; return its kernel. A maximum stays in the parameters of x."""
    data = x.bytes.ravel()
    if op == "maxPool2d":
        model("u8_maxpool")(out, data, 0, 255, shape)
        return ("u8_maxpool",)
    if (x.params.scale, x.params.zero) == (y.scale, y.zero):
        model("u8_avgpool")(out, data, y.origin, *bounds, shape)
        return ("u8_avgpool",)
    scale = F32(x.params.scale) / F32(y.scale)
    model("qu8_avgpool")(out, data, scale, x.params.zero, y.zero, *bounds, shape)
    return ("qu8_avgpool",)


def _pool_shape(
    batch: int, size: list[int], out: list[int], channels: int, window: tuple[list[int], ...]
) -> Struct:
    """Return the window_shape of a pool over NHWC."""
    kernel, strides, dilations, padding = window
    return Struct(
        batch=batch,
        in_height=size[0],
        in_width=size[1],
        in_channels=1,
        out_height=out[0],
        out_width=out[1],
        out_channels=1,
        groups=channels,
        kernel_height=kernel[0],
        kernel_width=kernel[1],
        stride_height=strides[0],
        stride_width=strides[1],
        dilation_height=dilations[0],
        dilation_width=dilations[1],
        pad_top=padding[0],
        pad_left=padding[2],
        x_stride=channels,
        y_stride=channels,
    )


def mean(rng: Rng, shape: tuple[int, ...]) -> QuantizedCase:
    """Return the mean over some axes."""
    x = tensor_of(rng, shape)
    y, clamps = near(rng, x.params), clamps_of(rng)
    rank = len(shape)
    count = int(rng.integers(1, rank + 1))
    axes = sorted(int(a) for a in rng.choice(rank, count, replace=False))
    kept = [axis for axis in range(rank) if axis not in axes]
    keep = bool(rng.integers(2))
    rows = x.bytes.transpose(*kept, *axes).reshape(-1, math.prod(shape[a] for a in axes))
    out = np.zeros(rows.shape[0], np.uint8)
    scale = F32(x.params.scale) / F32(y.scale)
    lo, hi = y.bounds(clamps)
    sizes = (rows.shape[0], rows.shape[1], 1)
    model("qu8_mean")(out, rows.ravel(), scale, x.params.zero, y.zero, lo, hi, *sizes)
    to = tuple(1 if axis in axes else d for axis, d in enumerate(shape) if keep or axis in kept)
    rec = Recorder()
    options: dict[str, Any] = {"axes": axes, "keepDimensions": keep}
    value = rec.call("reduceMean", ref(rec.tensor(x)), options)
    output = rec.quantize(rec.clamps(value, clamps), len(to), y)
    note = f"reduceMean {shape} {options} {x.params} -> {y} clamps {clamps}"
    expected = {output: from_bytes(out.reshape(to), y)}
    return QuantizedCase(note, rec.case(output), expected, ("qu8_mean",), moves=True)


# ---------------------------------------------------------------------------
# Resampling


def _centres(size: int, out: int) -> Array:
    """Return where the centre of each output lies in the input: half-pixel centres."""
    return (np.arange(out) + 0.5) * size / out - 0.5


def _linear(size: int, out: int) -> tuple[Array, Array]:
    at = np.clip(_centres(size, out), 0, size - 1)
    lower = np.floor(at)
    return lower.astype(np.int64), (at - lower).astype(F32)


def _nearest(size: int, out: int) -> Array:
    return np.clip(np.ceil(_centres(size, out) - 0.5), 0, size - 1).astype(np.int64)


def resample(rng: Rng, mode: str, most: int) -> QuantizedCase:
    """Return a resampling of two neighbouring axes."""
    batch, height, width = (int(d) for d in rng.integers(1, most, 3))
    batch = min(batch, 2)
    out_height, out_width = (int(d) for d in rng.integers(1, 2 * most, 2))
    channels = int(rng.choice(CHANNELS))
    x = tensor_of(rng, (batch, height, width, channels))
    y, clamps = near(rng, x.params), clamps_of(rng)[:1]
    lo, hi = y.bounds(clamps)
    shape = Struct(
        batch=batch,
        in_height=height,
        in_width=width,
        out_height=out_height,
        out_width=out_width,
        channels=channels,
    )
    out: Array = np.zeros(batch * out_height * out_width * channels, np.uint8)
    kernels: tuple[str, ...]
    if mode == "linear":
        tables = (*_linear(height, out_height), *_linear(width, out_width))
        scale = F32(x.params.scale) / F32(y.scale)
        bounds = (x.params.zero, y.zero, lo, hi)
        model("qu8_resize_linear")(out, x.bytes.ravel(), *tables, scale, *bounds, shape)
        kernels = ("qu8_resize_linear",)
    else:
        coordinates = (_nearest(height, out_height), _nearest(width, out_width))
        model("x8_resize_nearest")(out, x.bytes.ravel(), *coordinates, shape)
        out = requantized(out, x.params, y, lo, hi)
        same = x.params.same_bytes(y) and (lo, hi) == (0, 255)
        kernels = ("x8_resize_nearest",) if same else ("x8_resize_nearest", "qu8_requantize")
    out = out.reshape(batch, out_height, out_width, channels)
    nchw = bool(rng.random() < 0.4)
    rec = Recorder()
    given = Tensor(x.values.transpose(0, 3, 1, 2), x.params) if nchw else x
    options = {"mode": mode, "sizes": [out_height, out_width], "axes": [2, 3] if nchw else [1, 2]}
    value = rec.call("resample2d", ref(rec.tensor(given)), options)
    output = rec.quantize(rec.clamps(value, clamps), 4, y)
    note = f"resample2d {x.values.shape} {options} {x.params} -> {y} clamps {clamps}"
    expected = {output: from_bytes(out.transpose(0, 3, 1, 2) if nchw else out, y)}
    return QuantizedCase(note, rec.case(output), expected, kernels)
