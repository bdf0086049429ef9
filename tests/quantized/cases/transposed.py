# SPDX-License-Identifier: Apache-2.0
"""convTranspose2d: each input pixel adds its multiple of the window to the output."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from tests.kernels.contract import requantize
from tests.kernels.contract.arithmetic import scaled

from ..recording import F32, Array, QuantizedCase, Recorder, Rng, Tensor, from_bytes, ref
from ..values import clamps_of, params_of, tensor_of
from .products import Filter, filter_of, operands_of, scales_of

CASES = 24
LAYOUTS = ("iohw", "hwoi", "ohwi")


def transposed_cases(rng: Rng) -> Iterator[QuantizedCase]:
    """Yield transposed convolutions of one group, and of several with one scale for all weights."""
    for i in range(CASES):
        yield transposed(rng, groups=1 if i % 3 else 2)


def transposed(rng: Rng, groups: int) -> QuantizedCase:
    """Return a transposed convolution."""
    height, width = (int(d) for d in rng.integers(2, 7, 2))
    kernel, strides, dilations = ([int(d) for d in rng.integers(1, 4, 2)] for _ in range(3))
    kernel[0] += kernel == [1, 1]
    padding = [int(p) for p in rng.integers(0, 2, 4)] if min(kernel) > 1 else [0, 0, 0, 0]
    extra = [int(rng.integers(s)) for s in strides]
    c, n = (int(d) for d in rng.integers(1, 10, 2))
    x_scale, w_scale, y_scale = scales_of(rng, "usual", c * kernel[0] * kernel[1])
    x = tensor_of(rng, (2, height, width, groups * c), scale=x_scale)
    w = filter_of(rng, (n, *kernel, groups * c), w_scale)
    if groups > 1:
        zeros = np.full(n, w.zero_points[0])
        w = Filter(w.values, np.full(n, w_scale, F32), zeros, None, per_channel=False)
    y, clamps = params_of(rng, y_scale), clamps_of(rng)
    acc = sums(x, w, groups, (strides, dilations, extra))
    bottom, right = acc.shape[1] - padding[1], acc.shape[2] - padding[3]
    acc = acc[:, padding[0] : bottom, padding[2] : right]
    if w.bias is not None:
        acc = acc + w.bias
    scale = np.tile(F32(x.params.scale) * w.scales / F32(y.scale), groups)
    out = requantize(scaled(acc, scale), y.zero, *y.bounds(clamps))

    nchw = bool(rng.random() < 0.25)
    layout = str(rng.choice(LAYOUTS))
    rec = Recorder()
    given = Tensor(x.values.transpose(0, 3, 1, 2), x.params) if nchw else x
    order = tuple("ohwi".index(role) for role in layout)
    filter_, bias = operands_of(rec, w, x.params, order)
    options: dict[str, Any] = {
        **{"padding": padding, "strides": strides, "dilations": dilations, "groups": groups},
        **{"outputPadding": extra, "inputLayout": "nchw" if nchw else "nhwc"},
        "filterLayout": layout,
    }
    note = f"convTranspose2d {x.values.shape} {w.values.shape} {options} {x.params} -> {y}"
    if bias:
        options["bias"] = ref(bias)
    value = rec.call("convTranspose2d", ref(rec.tensor(given)), ref(filter_), options)
    output = rec.quantize(rec.clamps(value, clamps), 4, y)
    expected = from_bytes(out.transpose(0, 3, 1, 2) if nchw else out, y)
    kernel_name = "qu8_dwconv" if groups > 1 and c == n == 1 else "qu8_igemm"
    return QuantizedCase(note, rec.case(output), {output: expected}, (kernel_name,), moves=True)


def sums(
    x: Tensor, w: Filter, groups: int, window: tuple[list[int], list[int], list[int]]
) -> Array:
    """Return the sums [batch, height, width, channels] before any padding is cut off."""
    strides, dilations, extra = window
    centered = x.values.astype(np.int64) - x.params.zero_point
    real = w.values.astype(np.int64) - w.zero_points[:, None, None, None]
    n, kernel_height, kernel_width, channels = real.shape
    batch, height, width, _ = centered.shape
    c = channels // groups
    rows, columns = (
        (d - 1) * strides[i] + (k - 1) * dilations[i] + 1 + extra[i]
        for i, (d, k) in enumerate(((height, kernel_height), (width, kernel_width)))
    )
    acc = np.zeros((batch, rows, columns, groups * n), np.int64)
    for ky, kx, g in np.ndindex(kernel_height, kernel_width, groups):
        part = slice(g * c, (g + 1) * c)
        product = centered[..., part] @ real[:, ky, kx, part].T
        top, left = ky * dilations[0], kx * dilations[1]
        into = acc[:, top :: strides[0], left :: strides[1], g * n : (g + 1) * n]
        into[:, :height, :width] += product
    return acc
