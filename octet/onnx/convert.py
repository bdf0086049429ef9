# SPDX-License-Identifier: Apache-2.0
"""Converts an ONNX network of floats with static shapes to a TFLite model."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from octet.onnx import (
    operators_elementwise,
    operators_movement,
    operators_pooling,
    operators_products,
    operators_reduction,
    operators_resize,
)
from octet.onnx.emitter import Emitter, Value, channels_last, check_dtype, constant_value, natural
from octet.onnx.fold import fold_into_weights
from octet.onnx.graph import Graph, Node, OnnxError, evaluate, fold_constants, read_graph
from octet.tflite.model import Model
from octet.tflite.simplify import drop_unused, fuse_activations

OPERATORS: dict[str, Callable[[Emitter, Node], Any]] = {
    **operators_elementwise.OPERATORS,
    **operators_movement.OPERATORS,
    **operators_pooling.OPERATORS,
    **operators_products.OPERATORS,
    **operators_reduction.OPERATORS,
    **operators_resize.OPERATORS,
}
"""What is converted, by ONNX's name of it; each returns its output, or a list of them."""

FOLDED_ONLY = {"Shape", "Size", "ConstantOfShape", "Range", "NonZero", "EyeLike", "OneHot"}
"""Operators that are only known by their results, from constants and static shapes."""

SPATIAL = {
    "Conv",
    "ConvTranspose",
    "MaxPool",
    "AveragePool",
    "GlobalAveragePool",
    "GlobalMaxPool",
    "BatchNormalization",
    "Resize",
    "Upsample",
    "InstanceNormalization",
    "LRN",
}
"""Operators by which an input is known to be an image."""


def convert_onnx(
    data: bytes,
    name: str,
    *,
    shapes: Mapping[str, Sequence[int]] | None = None,
    folder: Path | None = None,
    keep_layout: bool = False,
) -> Model:
    """Return the TFLite model of an ONNX file.

    Images go in as [N, H, W, C]; outputs have the shapes that the ONNX file says.

    Args:
        data: the file.
        name: what messages call it.
        shapes: of inputs that the file leaves open.
        folder: where external data is.
        keep_layout: let images go in as [N, C, H, W], too.

    Raises:
        OnnxError: for a broken file, and naming every operator that is not supported.
    """
    graph = read_graph(data, name, shapes, folder)
    fold_constants(graph)
    fold_into_weights(graph)
    _check_supported(graph)
    emitter = Emitter(graph)
    for tensor, (shape, dtype) in graph.inputs.items():
        _define_input(emitter, tensor, shape, dtype, keep_layout)
    for node in graph.nodes:
        _convert(emitter, node)
    _define_outputs(emitter)
    model = emitter.model
    fuse_activations(model)
    drop_unused(model)
    return model


def _check_supported(graph: Graph) -> None:
    wrong: dict[str, list[str]] = {}
    for node in graph.nodes:
        if node.domain or (node.op not in OPERATORS and node.op not in FOLDED_ONLY):
            kind = f"{node.domain}.{node.op}" if node.domain else node.op
            wrong.setdefault(kind, []).append(node.name)
    if wrong:
        words = [f'{kind} ({len(names)}, first "{names[0]}")' for kind, names in wrong.items()]
        raise OnnxError(f"{graph.name}: operators that are not supported: {', '.join(words)}.")


def _define_input(
    e: Emitter, name: str, shape: tuple[int, ...], dtype: str, keep_layout: bool
) -> None:
    check_dtype(dtype, f'input "{name}"')
    image = len(shape) == 4 and dtype == "float32" and not keep_layout and _is_image(e.graph, name)
    order = channels_last(4) if image else natural(len(shape))
    index = e.model.add_tensor(e.new_name(name), [shape[d] for d in order], dtype)
    e.model.inputs.append(index)
    e.define(name, Value(shape, dtype, None, {order: index}))


def _is_image(graph: Graph, name: str) -> bool:
    """Return whether a value comes to a spatial operator through what keeps layouts."""
    keeps = {*operators_elementwise.OPERATORS, "Concat", "Pad", "Slice", "Split"}
    consumers = graph.consumers()
    seen, todo = set(), [name]
    while todo:
        value = todo.pop()
        for position in consumers.get(value, []):
            node = graph.nodes[position]
            if node.op in SPATIAL:
                return True
            if node.op in keeps and position not in seen:
                seen.add(position)
                todo += node.outputs
    return False


def _convert(e: Emitter, node: Node) -> None:
    inputs = [e.values.get(name) if name else None for name in node.inputs]
    missing = [n for n, v in zip(node.inputs, inputs, strict=True) if n and v is None]
    if missing:
        raise OnnxError(f'{node.where()}: input "{missing[0]}" is not computed before it.')
    if node.op in ("Shape", "Size") and inputs[0] is not None:
        shape = np.array(inputs[0].shape, np.int64)[node.get("start", 0) : node.get("end", None)]
        result = shape if node.op == "Shape" else np.array(shape.prod(), np.int64)
        e.define(node.outputs[0], constant_value(result))
        return
    constants = [None if value is None else value.constant for value in inputs]
    known = all(v is None or v.constant is not None for v in inputs)
    if known and node.op != "MatMulBias":
        for name, array in zip(
            node.outputs, evaluate(node, constants, e.graph.opset), strict=False
        ):
            e.define(name, constant_value(array))
        return
    if node.op not in OPERATORS:
        raise OnnxError(f"{node.where()}: only constants and static shapes are supported.")
    made = OPERATORS[node.op](e, node)
    for name, value in zip(node.outputs, made if isinstance(made, list) else [made], strict=False):
        e.define(name, value)


def _define_outputs(e: Emitter) -> None:
    """Store outputs in ONNX's own order under their own names."""
    for name in e.graph.outputs:
        if name not in e.values:
            raise OnnxError(f'{e.graph.name}: output "{name}" is not computed.')
        value = e.values[name]
        check_dtype(value.dtype, f'output "{name}"')
        index = e.tensor(value)
        if index in e.model.inputs or index in e.model.outputs or e.model.is_constant(index):
            shape = e.model.shape(index)
            copy = e.model.add_tensor(e.new_name(name), shape, value.dtype)
            inputs = [index, e.numbers(shape)]
            e.emit_raw("RESHAPE", inputs, [copy], "ReshapeOptions", newShape=list(shape))
            index = copy
        if e.model.tensors[index].name != name:
            for tensor in e.model.tensors:
                if tensor.name == name:
                    tensor.name = f"{name}/stored"
            e.model.tensors[index].name = name
        e.model.outputs.append(index)
