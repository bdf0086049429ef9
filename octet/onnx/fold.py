# SPDX-License-Identifier: Apache-2.0
"""Moves what follows a layer, channel by channel, into its weights and bias."""

from __future__ import annotations

import numpy as np

from octet.onnx.graph import Graph, Node, renamed
from octet.tflite.types import Array

LAYERS = {"Conv", "ConvTranspose", "Gemm", "MatMul", "MatMulBias"}


def fold_into_weights(graph: Graph) -> None:
    """Rewrite layer → BatchNormalization, Mul or Add by constants per channel → layer, in place."""
    while _fold_one(graph):
        pass


def _fold_one(graph: Graph) -> bool:
    consumers = graph.consumers()
    makers = {name: i for i, node in enumerate(graph.nodes) for name in node.outputs}
    for position, node in enumerate(graph.nodes):
        source = _layer_before(graph, node, makers, consumers)
        if source is None:
            continue
        layer = graph.nodes[source]
        change = _change(graph, node, layer)
        if change is None:
            continue
        folded = _folded(graph, layer, *change, node.outputs[0])
        if folded is None:
            continue
        graph.nodes[source] = folded
        del graph.nodes[position]
        return True
    return False


def _layer_before(
    graph: Graph, node: Node, makers: dict[str, int], consumers: dict[str, list[int]]
) -> int | None:
    """Return the layer whose output only ``node`` reads."""
    if node.op not in ("BatchNormalization", "Add", "Sub", "Mul", "Div"):
        return None
    for name in node.inputs[:2]:
        source = makers.get(name)
        if source is None or graph.nodes[source].op not in LAYERS or name in graph.outputs:
            continue
        if len(consumers.get(name, [])) == 1 and node.inputs.count(name) == 1:
            return source
    return None


def _change(graph: Graph, node: Node, layer: Node) -> tuple[Array, Array] | None:
    """Return factor and summand per output channel (or one for all), float64; None if it is not
    so.
    """
    if node.op == "BatchNormalization":
        known = [graph.constants.get(name) for name in node.inputs[1:5]]
        if len(node.outputs) > 1 or node.get("training_mode", 0) or len(known) < 4:
            return None
        if any(value is None for value in known):
            return None
        scale, bias, mean, variance = (np.asarray(value, np.float64) for value in known)
        factor = scale / np.sqrt(variance + node.get("epsilon", 1e-5))
        return factor, bias - mean * factor
    first = node.inputs[0] == layer.outputs[0]
    other = graph.constants.get(node.inputs[1 if first else 0])
    if other is None or other.dtype.kind != "f":
        return None
    value = _per_channel(other, layer)
    if value is None or (not first and node.op in ("Sub", "Div")):
        return None
    if node.op in ("Add", "Sub"):
        return np.ones(1), value if node.op == "Add" else -value
    return value if node.op == "Mul" else 1 / value, np.zeros(1)


def _per_channel(value: Array, layer: Node) -> Array | None:
    """Return a constant that broadcasts along the channels of a layer's output as a vector."""
    if value.ndim > (4 if layer.op in ("Conv", "ConvTranspose") else 2):
        return None  # the result has more dimensions than the layer's output
    if value.size == 1:
        return value.reshape(1).astype(np.float64)
    axis = value.ndim - 1
    if layer.op in ("Conv", "ConvTranspose"):
        # channels of [N, C, H, W] are third from the end; only images, whose rank is known to be 4
        axis = value.ndim - 3
    if axis < 0 or value.size != value.shape[axis]:
        return None
    return value.reshape(-1).astype(np.float64)


def _folded(graph: Graph, layer: Node, factor: Array, summand: Array, output: str) -> Node | None:
    """Return the layer with new weights and bias, whose output is ``output``."""
    weights = graph.constants.get(layer.inputs[1])
    if weights is None or weights.dtype.kind != "f":
        return None
    if layer.op in ("Conv", "ConvTranspose") and weights.ndim != 4:
        return None
    if layer.op in ("MatMul", "MatMulBias") and weights.ndim != 2:
        return None
    axis = _output_axis(layer)
    if layer.op == "ConvTranspose" and layer.get("group", 1) != 1:
        return None
    channels = weights.shape[axis]
    if factor.size not in (1, channels) or summand.size not in (1, channels):
        return None
    bias = np.zeros(channels)
    if len(layer.inputs) > 2 and layer.inputs[2]:
        known = graph.constants.get(layer.inputs[2])
        if known is None or known.size not in (1, channels):
            return None
        bias = np.broadcast_to(known.reshape(-1).astype(np.float64), channels)
    if layer.op == "Gemm" and (layer.get("alpha", 1.0) != 1 or layer.get("beta", 1.0) != 1):
        return None
    shape = [1] * weights.ndim
    shape[axis] = -1
    scaled = weights.astype(np.float64) * np.broadcast_to(factor, channels).reshape(shape)
    moved = bias * factor + summand
    names = (f"{output}/weights", f"{output}/bias")
    graph.constants[names[0]] = scaled.astype(np.float32)
    graph.constants[names[1]] = np.broadcast_to(moved, channels).astype(np.float32)
    if layer.op == "MatMul":
        # MatMul has no bias: an operator of our own, see operators_products
        return renamed(layer, op="MatMulBias", inputs=(layer.inputs[0], *names), outputs=(output,))
    return renamed(layer, inputs=(layer.inputs[0], *names), outputs=(output,))


def _output_axis(layer: Node) -> int:
    if layer.op == "Conv":
        return 0
    if layer.op == "Gemm":
        return 0 if layer.get("transB", 0) else 1
    return 1
