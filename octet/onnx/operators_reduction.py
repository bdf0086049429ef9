# SPDX-License-Identifier: Apache-2.0
"""Reductions, softmax and normalizations."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from octet.onnx.emitter import Emitter, Order, Value, channels_last, natural
from octet.onnx.graph import Node, OnnxError
from octet.onnx.operators_elementwise import broadcast
from octet.onnx.operators_movement import reshaped


def reduction(kind: str) -> Callable[[Emitter, Node], Value]:
    """Return the function of a reduction over axes."""

    def function(e: Emitter, node: Node) -> Value:
        value = e.input(node, 0)
        found = e.constant(node, 1)
        given = node.get("axes", None) if found is None else found.tolist()
        if not given:
            if node.get("noop_with_empty_axes", 0):
                return value
            given = range(value.rank)
        axes = sorted({int(axis) % value.rank for axis in given})
        return reduce(e, kind, value, axes, bool(node.get("keepdims", 1)), node.outputs[0])

    return function


def reduce(e: Emitter, kind: str, value: Value, axes: list[int], keep: bool, name: str) -> Value:
    """Emit a reduction over ``axes``, in the order of its input."""
    order = value.order
    kept = [d for d in range(value.rank) if d not in axes]
    inputs = [e.tensor(value, order), e.numbers(sorted(order.index(axis) for axis in axes))]
    if keep:
        shape = [1 if d in axes else size for d, size in enumerate(value.shape)]
        result: Order = order
    else:
        shape = [value.shape[d] for d in kept]
        result = tuple(kept.index(d) for d in order if d in kept)
    return e.emit(kind, inputs, shape, value.dtype, name, "ReducerOptions", result, keepDims=keep)


def softmax(e: Emitter, node: Node) -> Value:
    """Softmax: SOFTMAX over the last dimension; before opset 13, over all from an axis on."""
    return _over_last(e, node, "SOFTMAX")


def log_softmax(e: Emitter, node: Node) -> Value:
    """LogSoftmax: LOG_SOFTMAX."""
    return _over_last(e, node, "LOG_SOFTMAX")


def _over_last(e: Emitter, node: Node, kind: str) -> Value:
    value, name = e.input(node, 0), node.outputs[0]
    flat = e.graph.opset < 13
    axis = node.get("axis", 1 if flat else -1) % value.rank
    table = "SoftmaxOptions" if kind == "SOFTMAX" else "LogSoftmaxOptions"
    fields: dict[str, Any] = {"beta": 1.0} if kind == "SOFTMAX" else {}
    if flat and axis != value.rank - 1 and int(np.prod(value.shape[axis + 1 :])) > 1:
        rows = int(np.prod(value.shape[:axis]))
        step = Node("Reshape", node.name, node.inputs, (f"{name}/rows",))
        table_2d = reshaped(e, value, (rows, int(np.prod(value.shape)) // rows), step)
        inputs = [e.tensor(table_2d)]
        made = e.emit(
            kind, inputs, table_2d.shape, "float32", f"{name}/{kind.lower()}", table, **fields
        )
        return reshaped(e, made, value.shape, node)
    order = value.order
    if order[-1] != axis:
        order = (*[d for d in natural(value.rank) if d != axis], axis)
    inputs = [e.tensor(value, order)]
    return e.emit(kind, inputs, value.shape, "float32", name, table, order, **fields)


def arg(kind: str, table: str) -> Callable[[Emitter, Node], Value]:
    """Return the function of ArgMax or ArgMin."""

    def function(e: Emitter, node: Node) -> Value:
        value, name = e.input(node, 0), node.outputs[0]
        if node.get("select_last_index", 0):
            raise OnnxError(f"{node.where()}: select_last_index is not supported.")
        axis = node.get("axis", 0) % value.rank
        order = value.order
        at = e.model.add_constant(e.new_name("axis"), np.array(order.index(axis), np.int32))
        kept = [d for d in range(value.rank) if d != axis]
        result = tuple(kept.index(d) for d in order if d != axis)
        inputs = [e.tensor(value, order), at]
        shape = [value.shape[d] for d in kept]
        keep = bool(node.get("keepdims", 1))
        inner = f"{name}/squeezed" if keep else name
        made = e.emit(kind, inputs, shape, "int64", inner, table, result, outputType=4)
        if not keep:
            return made
        return reshaped(e, made, [1 if d == axis else s for d, s in enumerate(value.shape)], node)

    return function


def batch_normalization(e: Emitter, node: Node) -> Value:
    """BatchNormalization that no layer precedes: MUL and ADD by numbers per channel."""
    value, name = e.input(node, 0), node.outputs[0]
    known = [e.constant(node, position) for position in range(1, 5)]
    if any(array is None for array in known):
        raise OnnxError(f"{node.where()}: its parameters have to be constants.")
    scale, bias, mean, variance = (np.asarray(array, np.float64) for array in known)
    factor = scale / np.sqrt(variance + node.get("epsilon", 1e-5))
    order = channels_last(value.rank) if value.rank != 2 else natural(2)
    inputs = [e.tensor(value, order), e.float_constant(factor, f"{name}/factor")]
    made = e.emit("MUL", inputs, value.shape, "float32", f"{name}/scaled", "MulOptions", order)
    inputs = [e.tensor(made, order), e.float_constant(bias - mean * factor, f"{name}/summand")]
    return e.emit("ADD", inputs, value.shape, "float32", name, "AddOptions", order)


def instance_normalization(e: Emitter, node: Node) -> Value:
    """InstanceNormalization: (x − mean) / sqrt(variance + epsilon) over places, per channel."""
    value = e.input(node, 0)
    scale, bias = e.input(node, 1), e.input(node, 2)
    axes = list(range(2, value.rank))
    grown = []
    for parameter in (scale, bias):
        if parameter.constant is None:
            raise OnnxError(f"{node.where()}: its parameters have to be constants.")
        shape = (1, value.shape[1], *[1] * len(axes))
        grown.append(Value(shape, "float32", parameter.constant.reshape(shape)))
    return _normalized(e, node, value, axes, grown[0], grown[1])


def layer_normalization(e: Emitter, node: Node) -> Value:
    """LayerNormalization: (x − mean) / sqrt(variance + epsilon) over the last dimensions."""
    value = e.input(node, 0)
    axis = node.get("axis", -1) % value.rank
    axes = list(range(axis, value.rank))
    return _normalized(e, node, value, axes, e.input(node, 1), e.optional(node, 2))


def _normalized(
    e: Emitter, node: Node, value: Value, axes: list[int], scale: Value, bias: Value | None
) -> Value:
    name = node.outputs[0]
    mean = reduce(e, "MEAN", value, axes, True, f"{name}/mean")
    centered = broadcast(e, "SUB", [value, mean], f"{name}/centered", "SubOptions")
    squared = broadcast(e, "MUL", [centered, centered], f"{name}/squared", "MulOptions")
    variance = reduce(e, "MEAN", squared, axes, True, f"{name}/variance")
    epsilon = Value((), "float32", np.array(node.get("epsilon", 1e-5), np.float32))
    safe = broadcast(e, "ADD", [variance, epsilon], f"{name}/safe", "AddOptions")
    order = safe.order
    inverse = e.emit(
        "RSQRT", [e.tensor(safe, order)], safe.shape, "float32", f"{name}/rsqrt", None, order
    )
    made = broadcast(e, "MUL", [centered, inverse], f"{name}/normalized", "MulOptions")
    last = name if bias is None else f"{name}/scaled"
    made = broadcast(e, "MUL", [made, scale], last, "MulOptions")
    if bias is not None:
        made = broadcast(e, "ADD", [made, bias], name, "AddOptions")
    return made


def local_response(e: Emitter, node: Node) -> Value:
    """LRN: LOCAL_RESPONSE_NORMALIZATION, whose alpha is per element."""
    value, size = e.input(node, 0), node.get("size", 1)
    if size % 2 == 0 or value.rank != 4:
        raise OnnxError(f"{node.where()}: only odd sizes on images are supported.")
    order = channels_last(4)
    return e.emit(
        "LOCAL_RESPONSE_NORMALIZATION",
        [e.tensor(value, order)],
        value.shape,
        "float32",
        node.outputs[0],
        "LocalResponseNormalizationOptions",
        order,
        radius=size // 2,
        bias=node.get("bias", 1.0),
        alpha=node.get("alpha", 1e-4) / size,
        beta=node.get("beta", 0.75),
    )


OPERATORS = {
    "ArgMax": arg("ARG_MAX", "ArgMaxOptions"),
    "ArgMin": arg("ARG_MIN", "ArgMinOptions"),
    "BatchNormalization": batch_normalization,
    "InstanceNormalization": instance_normalization,
    "LRN": local_response,
    "LayerNormalization": layer_normalization,
    "LogSoftmax": log_softmax,
    "ReduceMax": reduction("REDUCE_MAX"),
    "ReduceMean": reduction("MEAN"),
    "ReduceMin": reduction("REDUCE_MIN"),
    "ReduceProd": reduction("REDUCE_PROD"),
    "ReduceSum": reduction("SUM"),
    "Softmax": softmax,
}
