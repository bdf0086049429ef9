# SPDX-License-Identifier: Apache-2.0
"""Pools over windows and over everything."""

from __future__ import annotations

import numpy as np

from octet.onnx.emitter import Emitter, Value, channels_last
from octet.onnx.graph import Node, OnnxError
from octet.onnx.windows import LOWEST, Window, pad_tensor, padded, read_window
from octet.tflite.types import Array


def max_pool(e: Emitter, node: Node) -> Value:
    """MaxPool: MAX_POOL_2D; its pads never win."""
    value, window = _window(e, node)
    if len(node.outputs) > 1 and node.outputs[1]:
        raise OnnxError(f"{node.where()}: indices as a second output are not supported.")
    tensor, padding = padded(e, value, window, LOWEST)
    return _pool(e, node, "MAX_POOL_2D", value, tensor, padding, window, node.outputs[0])


def average_pool(e: Emitter, node: Node) -> Value:
    """AveragePool: AVERAGE_POOL_2D; where only some windows count pads, a MUL makes up for it."""
    value, window = _window(e, node)
    counts_pads = bool(node.get("count_include_pad", 0))
    name = node.outputs[0]
    if window.is_valid() or (window.is_same(value.shape[2:]) and not counts_pads):
        tensor, padding = padded(e, value, window)
        return _pool(e, node, "AVERAGE_POOL_2D", value, tensor, padding, window, name)
    factors = _corrections(node, value, window, counts_pads)
    exact = bool((factors == 1).all())
    tensor = pad_tensor(e, value, window.pads)
    inner = name if exact else f"{name}/uncorrected"
    made = _pool(e, node, "AVERAGE_POOL_2D", value, tensor, 1, window, inner)
    if exact:
        return made
    inputs = [e.tensor(made, channels_last(4)), e.float_constant(factors)]
    return e.emit("MUL", inputs, made.shape, "float32", name, "MulOptions", channels_last(4))


def _corrections(node: Node, value: Value, window: Window, counts_pads: bool) -> Array:
    """Return kernel size over the elements that count, float32[1, height, width, 1]."""
    rows = []
    given = read_window_pads(node, value)
    for i, size in enumerate(value.shape[2:]):
        starts = np.arange(window.output[i]) * window.strides[i] - window.pads[i][0]
        low, high = (-given[i][0], size + given[i][1]) if counts_pads else (0, size)
        ends = np.minimum(starts + window.kernel[i], high)
        counted = np.maximum(1, ends - np.maximum(starts, low))
        rows.append(window.kernel[i] / counted)
    return np.asarray((rows[0][:, None] * rows[1][None, :])[None, :, :, None], np.float32)


def read_window_pads(node: Node, value: Value) -> list[tuple[int, int]]:
    """Return the pads as the node gives them, without those that ceil_mode adds."""
    flat = node.get("pads", [0] * 4)
    return [(flat[0], flat[2]), (flat[1], flat[3])]


def global_average_pool(e: Emitter, node: Node) -> Value:
    """GlobalAveragePool: MEAN over the spatial dimensions."""
    return _global(e, node, "MEAN")


def global_max_pool(e: Emitter, node: Node) -> Value:
    """GlobalMaxPool: REDUCE_MAX over the spatial dimensions."""
    return _global(e, node, "REDUCE_MAX")


def _global(e: Emitter, node: Node, kind: str) -> Value:
    value = e.input(node, 0)
    order = channels_last(value.rank)
    axes = e.numbers(range(1, value.rank - 1))
    shape = (*value.shape[:2], *[1] * (value.rank - 2))
    inputs = [e.tensor(value, order), axes]
    name = node.outputs[0]
    return e.emit(kind, inputs, shape, "float32", name, "ReducerOptions", order, keepDims=True)


def _window(e: Emitter, node: Node) -> tuple[Value, Window]:
    value = e.input(node, 0)
    if value.rank != 4:
        raise OnnxError(f"{node.where()}: got rank {value.rank}, expected 4.")
    if max(node.get("dilations", [1, 1])) > 1:
        raise OnnxError(f"{node.where()}: dilations are not supported.")
    return value, read_window(node, value.shape[2:], node.get("kernel_shape", []))


def _pool(
    e: Emitter,
    node: Node,
    kind: str,
    value: Value,
    tensor: int,
    padding: int,
    window: Window,
    name: str,
) -> Value:
    shape = (*value.shape[:2], *window.output)
    return e.emit(
        kind,
        [tensor],
        shape,
        "float32",
        name,
        "Pool2DOptions",
        channels_last(4),
        padding=padding,
        strideH=window.strides[0],
        strideW=window.strides[1],
        filterHeight=window.kernel[0],
        filterWidth=window.kernel[1],
    )


OPERATORS = {
    "MaxPool": max_pool,
    "AveragePool": average_pool,
    "GlobalAveragePool": global_average_pool,
    "GlobalMaxPool": global_max_pool,
}
