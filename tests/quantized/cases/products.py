# SPDX-License-Identifier: Apache-2.0
"""conv2d, gemm and matmul with constant weights."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from tests.kernels.contract import Struct, model
from tests.kernels.contract.products import Weights

from ..recording import F32, Array, Params, QuantizedCase, Recorder, Rng, Tensor, from_bytes, ref
from ..values import clamps_of, integers, params_of, tensor_of, usual_scale

CONVOLUTIONS = 110
DEPTHWISE = 60
GEMMS = 60
MATMULS = 20

SCALES = ("usual", "usual", "usual", "ties", "saturating", "vanishing", "far")
"""How the scale of a sum of products relates to the result's: see `scales_of`."""

FILTER_LAYOUTS = ("oihw", "hwio", "ohwi", "ihwo")


@dataclass(frozen=True)
class Filter:
    """Constant weights.

    Attributes:
        values: [out channels of all groups, height, width, in channels of a group], as stored.
        scales: one for each output channel.
        zero_points: likewise.
        bias: int32, one for each output channel, or None.
        per_channel: whether the graph gives a scale for each channel.
    """

    values: Array
    scales: Array
    zero_points: Array
    bias: Array | None
    per_channel: bool


def product_cases(rng: Rng) -> Iterator[QuantizedCase]:
    """Yield convolutions, depthwise ones, matrix products, and some that two threads share."""
    for _ in range(CONVOLUTIONS):
        yield convolution(rng, _window(rng), _channels(rng))
    for _ in range(DEPTHWISE):
        yield convolution(rng, _window(rng), (1, 1, int(rng.integers(2, 36))))
    for _ in range(GEMMS):
        m, n = (int(rng.choice([1, 1, 2, 3, 4, 5, 7, 8, 9, 13])) for _ in range(2))
        n += int(rng.choice([0, 0, 5, 8, 24]))
        yield gemm(rng, m, n, int(rng.choice([1, 2, 3, 7, 8, 15, 16, 17, 31, 33, 64, 100, 257])))
    for _ in range(MATMULS):
        batch = tuple(int(d) for d in rng.integers(1, 4, int(rng.integers(3))))
        m, n, k = (int(d) for d in rng.integers(1, 20, 3))
        yield matmul(rng, (*batch, m, k), n)
    yield matmul(rng, (2, 20, 100), 70)
    for k in (1023, 4096, 20001):
        yield gemm(rng, 3, 9, k)
    yield largest_sum(33025, 255)
    yield largest_sum(33025, 0)
    for channels in ((16, 33, 1), (8, 8, 4), (32, 24, 1)):
        yield convolution(rng, ((17, 19), (3, 3), (1, 1), (1, 1), (1, 1, 1, 1)), channels)
    yield convolution(rng, ((40, 33), (3, 3), (1, 1), (1, 1), (1, 1, 1, 1)), (1, 1, 48))
    yield convolution(rng, ((19, 21), (1, 1), (1, 1), (1, 1), (0, 0, 0, 0)), (40, 30, 1))
    yield gemm(rng, 40, 60, 120)
    yield gemm(rng, 2, 200, 700)


Window = tuple[tuple[int, int], tuple[int, int], tuple[int, int], tuple[int, int], tuple[int, ...]]


def _window(rng: Rng) -> Window:
    """Return size, kernel, strides, dilations and padding that fit together."""
    kernel = [(1, 1), (3, 3), (3, 3), (2, 2), (5, 5), (1, 7), (3, 2), (1, 3)][int(rng.integers(8))]
    strides = (1, 1) if rng.random() < 0.5 else (int(rng.integers(1, 4)), int(rng.integers(1, 4)))
    dilations = (1, 1) if rng.random() < 0.6 else (int(rng.integers(1, 4)), int(rng.integers(1, 4)))
    reach = [(k - 1) * d for k, d in zip(kernel, dilations, strict=True)]
    if rng.random() < 0.4:
        padding = tuple(side for r in reach for side in (r // 2, r - r // 2))
    elif rng.random() < 0.4:
        padding = (0, 0, 0, 0)
    else:
        padding = tuple(int(p) for p in rng.integers(0, 4, 4))
    needed = [max(1, r + 1 - padding[2 * i] - padding[2 * i + 1]) for i, r in enumerate(reach)]
    size = (needed[0] + int(rng.integers(0, 8)), needed[1] + int(rng.integers(0, 11)))
    return size, kernel, strides, dilations, padding


def _channels(rng: Rng) -> tuple[int, int, int]:
    """Return input channels and output channels of a group, and groups."""
    groups = 1 if rng.random() < 0.7 else int(rng.integers(2, 5))
    c = int(rng.choice([1, 2, 3, 4, 5, 7, 8, 15, 16, 17, 24, 33]))
    n = int(rng.choice([1, 2, 3, 4, 7, 8, 9, 12, 16, 17, 25]))
    return (c, n, groups) if groups == 1 else (min(c, 9), min(n, 9), groups)


# ---------------------------------------------------------------------------
# Weights and scales


def _weights(rng: Rng, dtype: str, shape: tuple[int, ...]) -> Array:
    """Return weights: any, small ones with a few large, only the ends, or a single number."""
    limits = np.iinfo(dtype)
    kind = rng.choice(["any", "small", "small", "ends", "one"])
    if kind == "any":
        return integers(rng, dtype, shape)
    if kind == "ends":
        return rng.choice(np.array([limits.min, limits.max], dtype), shape)
    if kind == "one":
        return np.full(shape, rng.integers(limits.min, limits.max, endpoint=True), dtype)
    middle = 128 if dtype == "uint8" else 0
    values = np.clip(middle + rng.normal(0, 25, shape), limits.min, limits.max).astype(dtype)
    rare = rng.random(shape) < rng.choice([0.0, 0.01, 0.1])
    return np.where(rare, integers(rng, dtype, shape), values)


def scales_of(rng: Rng, kind: str, k: int) -> tuple[float, float, float]:
    """Return scales of input, weights and output.

    usual: results over and beyond their range; ties: halves, which round to even; saturating: all
    at the ends; vanishing: all at the zero point; far: usual ones, but each far from 1.
    """
    if kind == "ties":
        return 1.0, float(2.0 ** rng.integers(-3, 1)), float(2.0 ** rng.integers(1, 8))
    x, w = usual_scale(rng), usual_scale(rng) / 16
    if kind == "far":
        far = 2.0 ** rng.uniform(40, 90)
        x, w = x / far, w * far
    y = x * w * 40 * k**0.5 * 2.0 ** rng.uniform(-1.5, 1.5)
    if kind == "saturating":
        y *= 2.0 ** -rng.uniform(12, 50)
    elif kind == "vanishing":
        y *= 2.0 ** rng.uniform(12, 50)
    return x, w, y


def filter_of(rng: Rng, shape: tuple[int, ...], w_scale: float) -> Filter:
    """Return weights ``shape``, output channels first."""
    count = shape[0]
    dtype = str(rng.choice(["uint8", "int8"]))
    values = _weights(rng, dtype, shape)
    per_channel = bool(rng.random() < (0.6 if dtype == "int8" else 0.3))
    limits = np.iinfo(dtype)
    if per_channel:
        scales = (w_scale * 2.0 ** rng.uniform(-2, 2, count)).astype(F32)
    else:
        scales = np.full(count, w_scale, F32)
    zeros = np.zeros(count, np.int64)
    if dtype == "uint8" or rng.random() < 0.3:
        zeros = rng.integers(limits.min, limits.max, count, endpoint=True)
        zeros[rng.random(count) < 0.2] = rng.choice([limits.min, limits.max])
    if not per_channel:
        zeros[:] = zeros[0]
    k = int(np.prod(shape[1:]))
    bias = None
    if rng.random() < 0.75:
        reach = int(127 * 20 * k**0.5) + 1
        bias = rng.integers(-reach, reach, count).astype(np.int32)
    return Filter(values, scales, zeros, bias, per_channel)


def operands_of(
    rec: Recorder, w: Filter, x: Params, order: tuple[int, ...]
) -> tuple[str, str | None]:
    """Return the dequantized weights, their axes in ``order``, and the bias."""
    values = np.ascontiguousarray(w.values.transpose(order))
    some = slice(None) if w.per_channel else slice(1)
    filter_ = rec.channels(values, order.index(0), w.scales[some], w.zero_points[some])
    if w.bias is None:
        return filter_, None
    scales = F32(x.scale) * w.scales[some]
    return filter_, rec.channels(w.bias, 0, scales, np.zeros(scales.size))


def _contract(w: Filter, x: Params, y: Params, groups: int) -> Weights:
    """Return the weights as the models of the kernels take them."""
    out, height, width, c = w.values.shape
    real = w.values.astype(np.int64) - w.zero_points[:, None, None, None]
    bias = np.zeros(out, np.int64) if w.bias is None else w.bias.astype(np.int64)
    with np.errstate(over="ignore", under="ignore"):
        scale = (F32(x.scale) * w.scales) / F32(y.scale)
    dims = (groups, out // groups)
    return Weights(
        real.reshape(*dims, height * width, c),
        bias.reshape(dims),
        scale.reshape(dims),
        x.zero,
        np.zeros(0, np.uint8),
    )


# ---------------------------------------------------------------------------
# Graphs


def convolution(rng: Rng, window: Window, channels: tuple[int, int, int]) -> QuantizedCase:
    """Return a convolution, depthwise where each group has one channel in and out."""
    size, kernel, strides, dilations, padding = window
    c, n, groups = channels
    kind = str(rng.choice(SCALES))
    scales = scales_of(rng, kind, c * kernel[0] * kernel[1])
    batch = 1 + int(rng.random() < 0.2)
    x = tensor_of(rng, (batch, *size, groups * c), scale=scales[0])
    w = filter_of(rng, (groups * n, *kernel, c), scales[1])
    y, clamps = params_of(rng, scales[2]), clamps_of(rng)
    shape = _shape(window, channels, batch)
    out = np.zeros(batch * shape.out_height * shape.out_width * groups * n, np.uint8)
    lo, hi = y.bounds(clamps)
    weights = _contract(w, x.params, y, groups)
    model("qu8_igemm")(out, x.bytes.ravel(), weights, x.params.zero, y.zero, lo, hi, shape)
    out = out.reshape(batch, shape.out_height, shape.out_width, groups * n)

    nchw = bool(rng.random() < 0.25)
    layout = str(rng.choice(FILTER_LAYOUTS))
    rec = Recorder()
    given = Tensor(x.values.transpose(0, 3, 1, 2), x.params) if nchw else x
    order = tuple("ohwi".index(role) for role in layout)
    filter_, bias = operands_of(rec, w, x.params, order)
    options: dict[str, Any] = {
        **{"padding": list(padding), "strides": list(strides), "dilations": list(dilations)},
        **{"groups": groups, "inputLayout": "nchw" if nchw else "nhwc", "filterLayout": layout},
    }
    if bias:
        options["bias"] = ref(bias)
    value = rec.call("conv2d", ref(rec.tensor(given)), ref(filter_), options)
    output = rec.quantize(rec.clamps(value, clamps), 4, y)
    expected = from_bytes(out.transpose(0, 3, 1, 2) if nchw else out, y)
    pointwise = groups == 1 and kernel == strides == (1, 1) and not any(padding)
    name = "qu8_dwconv" if groups > 1 and c == n == 1 else "qu8_gemm" if pointwise else "qu8_igemm"
    note = (
        f"conv2d {window} channels {channels} x{batch} {layout} {kind} {x.params} -> {y} "
        f"weights {w.values.dtype} per channel {w.per_channel} clamps {clamps}"
    )
    return QuantizedCase(note, rec.case(output), {output: expected}, (name,), moves=nchw)


def _shape(window: Window, channels: tuple[int, int, int], batch: int) -> Struct:
    """Return the window_shape of a convolution over NHWC."""
    size, kernel, strides, dilations, padding = window
    c, n, groups = channels
    out = [
        (size[i] + padding[2 * i] + padding[2 * i + 1] - (kernel[i] - 1) * dilations[i] - 1)
        // strides[i]
        + 1
        for i in (0, 1)
    ]
    return Struct(
        batch=batch,
        in_height=size[0],
        in_width=size[1],
        in_channels=c,
        out_height=out[0],
        out_width=out[1],
        out_channels=n,
        groups=groups,
        kernel_height=kernel[0],
        kernel_width=kernel[1],
        stride_height=strides[0],
        stride_width=strides[1],
        dilation_height=dilations[0],
        dilation_width=dilations[1],
        pad_top=padding[0],
        pad_left=padding[2],
        x_stride=groups * c,
        y_stride=groups * n,
    )


def gemm(rng: Rng, m: int, n: int, k: int) -> QuantizedCase:
    """Return a matrix product with constant b."""
    kind = str(rng.choice(SCALES))
    scales = scales_of(rng, kind, k)
    a = tensor_of(rng, (m, k), scale=scales[0])
    w = filter_of(rng, (n, 1, 1, k), scales[1])
    return _gemm(rng, kind, a, w, params_of(rng, scales[2]))


def matmul(rng: Rng, shape: tuple[int, ...], n: int) -> QuantizedCase:
    """Return the product of a batch of matrices with one constant matrix."""
    scales = scales_of(rng, "usual", shape[-1])
    a = tensor_of(rng, shape, scale=scales[0])
    w = replace(filter_of(rng, (n, 1, 1, shape[-1]), scales[1]), bias=None)
    return _gemm(rng, "usual", a, w, params_of(rng, scales[2]), op="matmul")


def largest_sum(k: int, weight: int) -> QuantizedCase:
    """Return the longest sum that int32 surely holds, of the largest products."""
    a = Tensor(np.full((2, k), 255, np.uint8), Params("uint8", 1.0, 0))
    values = np.full((3, 1, 1, k), weight, np.uint8)
    zeros = np.full(3, 255 - weight)
    w = Filter(values, np.full(3, 1.0, F32), zeros, None, per_channel=False)
    y = Params("uint8", 2.0**23, 255 - weight)
    return _gemm(np.random.default_rng(k), f"largest sum {weight}", a, w, y)


def _gemm(
    rng: Rng, kind: str, a: Tensor, w: Filter, y: Params, *, op: str = "gemm"
) -> QuantizedCase:
    (*batch, k), n = a.values.shape, w.values.shape[0]
    m = math.prod(batch)
    clamps = clamps_of(rng)
    out = np.zeros(m * n, np.uint8)
    lo, hi = y.bounds(clamps)
    weights = _contract(w, a.params, y, 1)
    model("qu8_gemm")(out, a.bytes.ravel(), weights, y.zero, lo, hi, m, n, k, 1, k, n)
    transposed = op == "gemm" and bool(rng.integers(2))
    rec = Recorder()
    matrix = Filter(w.values.reshape(n, k), w.scales, w.zero_points, w.bias, w.per_channel)
    b, bias = operands_of(rec, matrix, a.params, (0, 1) if transposed else (1, 0))
    options: dict[str, Any] = {"bTranspose": transposed}
    if bias:
        options["c"] = ref(bias)
    value = rec.call(op, ref(rec.tensor(a)), ref(b), {} if op == "matmul" else options)
    output = rec.quantize(rec.clamps(value, clamps), a.values.ndim, y)
    note = (
        f"{op} {a.values.shape} {n} {kind} {a.params} -> {y} weights {w.values.dtype} "
        f"per channel {w.per_channel} transposed {transposed} clamps {clamps}"
    )
    expected = {output: from_bytes(out.reshape(*batch, n), y)}
    return QuantizedCase(note, rec.case(output), expected, ("qu8_gemm",))
