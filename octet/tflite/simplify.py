# SPDX-License-Identifier: Apache-2.0
"""Rewrites that leave what a model computes unchanged."""

from __future__ import annotations

from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from octet.tflite.model import Model
from octet.tflite.types import Array

NONE = schema.ActivationFunctionType.NONE

FUSIBLE_ACTIVATIONS = {
    "RELU": schema.ActivationFunctionType.RELU,
    "RELU6": schema.ActivationFunctionType.RELU6,
    "RELU_N1_TO_1": schema.ActivationFunctionType.RELU_N1_TO_1,
}
"""Operators that other operators can do at the end of their own work."""

TAKES_ACTIVATION = {
    "ADD",
    "AVERAGE_POOL_2D",
    "CONV_2D",
    "DEPTHWISE_CONV_2D",
    "FULLY_CONNECTED",
    "MAX_POOL_2D",
    "MUL",
    "SUB",
}
"""Operators with a fused activation function that every runtime implements, integers included."""


def fuse_activations(model: Model) -> int:
    """Rewrite relu(op(x)) → op+relu(x) where nothing else reads op's output; return how many."""
    producers, consumers = model.producers(), model.consumers()
    outputs = set(model.outputs)
    fused = []
    for position, operator in enumerate(model.operators):
        activation = FUSIBLE_ACTIVATIONS.get(model.operator_name(operator))
        if activation is None:
            continue
        source = operator.inputs[0]
        if source in outputs or source not in producers or consumers[source] != [position]:
            continue
        producer = model.operators[producers[source]]
        options = producer.builtinOptions
        if model.operator_name(producer) not in TAKES_ACTIVATION or options is None:
            continue
        if options.fusedActivationFunction != NONE:
            continue
        options.fusedActivationFunction = activation
        producer.outputs = list(operator.outputs)
        producers[operator.outputs[0]] = producers[source]
        fused.append(position)
    _remove_operators(model, fused)
    return len(fused)


def fold_dequantize(model: Model) -> int:
    """Rewrite DEQUANTIZE(constant) → a float32 constant; return how many.

    This is how float16 models and models with 8-bit weights only keep their constants.
    """
    folded = []
    for position, operator in enumerate(model.operators):
        if model.operator_name(operator) != "DEQUANTIZE":
            continue
        value = dequantized(model, operator.inputs[0])
        if value is not None:
            model.tensors[operator.outputs[0]].buffer = model.add_buffer(value)
            folded.append(position)
    _remove_operators(model, folded)
    return len(folded)


def dequantized(model: Model, index: int) -> Array | None:
    """Return a float16 or quantized constant as float32; None for other tensors."""
    value = model.constant(index)
    if value is None:
        return None
    if value.dtype == np.float16:
        return value.astype(np.float32)
    quantization = model.tensors[index].quantization
    if value.dtype.kind not in "iu" or quantization is None or quantization.scale is None:
        return None
    scale = np.asarray(quantization.scale, np.float32)
    if scale.size == 0:
        return None
    zero_point = np.zeros(scale.size, np.int64)
    if quantization.zeroPoint is not None and len(quantization.zeroPoint):
        zero_point = np.asarray(quantization.zeroPoint, np.int64)
    if scale.size > 1:
        shape = [1] * value.ndim
        # A vector has one axis whatever the file says: biases in use carry that of their filter.
        shape[0 if value.ndim == 1 else quantization.quantizedDimension] = scale.size
        scale, zero_point = scale.reshape(shape), zero_point.reshape(shape)
    steps = (value.astype(np.int64) - zero_point).astype(np.float32)
    return np.asarray(steps * scale, np.float32)


def drop_unused(model: Model) -> dict[int, int]:
    """Remove the tensors, buffers and operator codes that nothing refers to.

    Returns the new index of each tensor of the first subgraph that is still there, by its old one.
    """
    maps = [
        _drop_tensors(model.tree, number, graph)
        for number, graph in enumerate(model.tree.subgraphs)
    ]
    _drop_buffers(model.tree)
    _drop_codes(model.tree)
    return maps[0]


def _remove_operators(model: Model, positions: list[int]) -> None:
    gone = set(positions)
    model.graph.operators = [
        operator for position, operator in enumerate(model.operators) if position not in gone
    ]


def _drop_tensors(tree: Any, number: int, graph: Any) -> dict[int, int]:
    used = {*graph.inputs, *graph.outputs}
    for operator in graph.operators:
        used.update(operator.inputs, operator.outputs, _numbers(operator.intermediates))
    signatures = [s for s in tree.signatureDefs or [] if s.subgraphIndex == number]
    maps = [entry for s in signatures for entry in [*(s.inputs or []), *(s.outputs or [])]]
    used.update(entry.tensorIndex for entry in maps)
    kept = [index for index in range(len(graph.tensors)) if index in used]
    new = {old: index for index, old in enumerate(kept)} | {-1: -1}
    graph.tensors = [graph.tensors[old] for old in kept]
    graph.inputs = [new[old] for old in graph.inputs]
    graph.outputs = [new[old] for old in graph.outputs]
    for operator in graph.operators:
        operator.inputs = [new[old] for old in operator.inputs]
        operator.outputs = [new[old] for old in operator.outputs]
        if operator.intermediates is not None:
            operator.intermediates = [new[old] for old in _numbers(operator.intermediates)]
    for entry in maps:
        entry.tensorIndex = new[entry.tensorIndex]
    return new


def _drop_buffers(tree: Any) -> None:
    """Keep what is referred to, and buffer 0, which is empty by convention."""
    users = [tensor for graph in tree.subgraphs for tensor in graph.tensors]
    users += tree.metadata or []
    used = {0, *(user.buffer for user in users), *_numbers(tree.metadataBuffer)}
    kept = [index for index in range(len(tree.buffers)) if index in used]
    new = {old: index for index, old in enumerate(kept)}
    tree.buffers = [tree.buffers[old] for old in kept]
    for user in users:
        user.buffer = new[user.buffer]
    if tree.metadataBuffer is not None:
        tree.metadataBuffer = [new[old] for old in _numbers(tree.metadataBuffer)]


def _drop_codes(tree: Any) -> None:
    operators = [operator for graph in tree.subgraphs for operator in graph.operators]
    used = {operator.opcodeIndex for operator in operators}
    kept = [index for index in range(len(tree.operatorCodes)) if index in used]
    new = {old: index for index, old in enumerate(kept)}
    tree.operatorCodes = [tree.operatorCodes[old] for old in kept]
    for operator in operators:
        operator.opcodeIndex = new[operator.opcodeIndex]


def _numbers(values: Any) -> list[int]:
    return [] if values is None else [int(value) for value in values]
