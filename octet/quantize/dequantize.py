# SPDX-License-Identifier: Apache-2.0
"""Makes the float twin of a quantized model: the network on the real numbers its integers mean.

Constants become what they stand for, conversions between scales go. What a quantized model gets
for nothing, that no value leaves the range of its tensor, a float model has to compute: an
activation that a converter left to saturation alone is put back.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from octet.errors import OctetError
from octet.quantize.prepare import make_float
from octet.quantize.rules import RULES
from octet.tflite.model import Model
from octet.tflite.simplify import TAKES_ACTIVATION, dequantized, drop_unused
from octet.tflite.types import type_name

ACTIVATIONS = {"RELU": 1, "RELU_N1_TO_1": 2, "RELU6": 3}
"""The operators that restore a clamp, and the fused activation that does the same."""

POOLS = {"AVERAGE_POOL_2D", "MAX_POOL_2D"}
"""They stay within the range of their input."""

CLAMPABLE = {"BATCH_MATMUL", "DIV", "QUANTIZE", "TRANSPOSE_CONV"}
"""Operators that may leave a range and have no fused activation in every runtime."""

CONVERSIONS = {"QUANTIZE", "DEQUANTIZE"}

STORED = {"CAST", "BITCAST"}
"""Operators that take the stored integers for numbers."""

STATEFUL = {"UNIDIRECTIONAL_SEQUENCE_LSTM", "LSTM", "BIDIRECTIONAL_SEQUENCE_LSTM", "SVDF"}

RANGES = {"uint8": (0, 255), "int8": (-128, 127), "int16": (-32768, 32767)}
"""The element types of activations, and the least and greatest integer of each."""


@dataclass
class Twin:
    """A float twin.

    Attributes:
        model: the twin; inputs and outputs have their names and places.
        constants: how many constants are float now.
        conversions: how many conversions are gone.
        clamps: by the name of an output, the activation that was put back.
    """

    model: Model
    constants: int = 0
    conversions: int = 0
    clamps: dict[str, str] = field(default_factory=dict)


def dequantize(model: Model) -> Twin:
    """Return the float twin of a quantized model, which stays as it is.

    Raises:
        OctetError: for a model without quantized tensors, or with a quantized operator whose float
            form takes other inputs.
    """
    twin = Twin(model.copy())
    made = twin.model
    _check(made)
    _restore_clamps(twin)
    _remove_conversions(twin)
    biases = _biases(made)
    for index, tensor in enumerate(made.tensors):
        if not _has_scale(tensor):
            continue
        if made.is_constant(index):
            if made.dtype(index) in RANGES or index in biases:
                _make_constant(made, index)
                twin.constants += 1
        elif made.dtype(index) in RANGES:
            tensor.type = schema.TensorType.FLOAT32
            tensor.quantization = None
    make_float(made)
    drop_unused(made)
    return twin


def _check(model: Model) -> None:
    """Raise OctetError for a model that has no twin."""
    if not any(map(_has_scale, model.tensors)):
        raise OctetError(f"{model.name}: no tensor is quantized: it has nothing to dequantize.")
    for position, operator in enumerate(model.operators):
        kind = model.operator_name(operator)
        indices = [index for index in (*operator.inputs, *operator.outputs) if index >= 0]
        real = [index for index in indices if _is_activation(model, index)]
        place = f"{model.name}: operator {position} {kind}"
        if kind in STATEFUL and real:
            raise OctetError(f"{place}: its float form has other states and inputs.")
        if kind in STORED and real:
            name = model.tensor_name(real[0])
            raise OctetError(f'{place}: tensor "{name}": its stored integers are taken as numbers.')
        for index in indices:
            if _has_scale(model.tensors[index]) and model.tensors[index].sparsity is not None:
                raise OctetError(f'{place}: tensor "{model.tensor_name(index)}" is sparse.')


def _is_activation(model: Model, index: int) -> bool:
    tensor = model.tensors[index]
    is_stored = model.dtype(index) in RANGES
    return is_stored and _has_scale(tensor) and not model.is_constant(index)


def _has_scale(tensor: Any) -> bool:
    quantization = tensor.quantization
    return bool(
        quantization is not None and quantization.scale is not None and len(quantization.scale)
    )


def _biases(model: Model) -> set[int]:
    """Return the tensors that are added to products, which are int32 or int64."""
    found = set()
    for operator in model.operators:
        rule = RULES.get(model.operator_name(operator))
        position = rule.bias if rule else None
        if position is not None and position < len(operator.inputs):
            found.add(operator.inputs[position])
    return found


def _make_constant(model: Model, index: int) -> None:
    """Let a constant hold the real numbers it stands for; it keeps its index."""
    tensor = model.tensors[index]
    value = dequantized(model, index)
    if value is None:
        name, dtype = model.tensor_name(index), type_name(tensor.type)
        raise OctetError(f'{model.name}: tensor "{name}": {dtype} constants cannot be read.')
    tensor.type = schema.TensorType.FLOAT32
    tensor.buffer = model.add_buffer(value)
    tensor.quantization = None


# Clamps ------------------------------------------------------------------------------------------


def _restore_clamps(twin: Twin) -> None:
    """Put back the activations that only the ranges of quantized outputs say."""
    model = twin.model
    operators = []
    for operator in model.operators:
        operators.append(operator)
        kind = model.operator_name(operator)
        if kind not in (TAKES_ACTIVATION - POOLS) | CLAMPABLE:
            continue
        index = operator.outputs[0]
        activation = implied_activation(model, index)
        if activation is None or not _leaves_range(model, operator, kind):
            continue
        options = operator.builtinOptions
        if kind in TAKES_ACTIVATION and options is not None:
            if options.fusedActivationFunction:
                continue
            options.fusedActivationFunction = ACTIVATIONS[activation]
        else:
            # The operator writes a copy; the activation writes the tensor that others know.
            source = model.tensors[index]
            before = model.add_tensor(
                f"{model.tensor_name(index)}_unclamped",
                source.shape,
                type_name(source.type),
                source.quantization,
            )
            operator.outputs = [before, *operator.outputs[1:]]
            operators.append(model.make_operator(activation, [before], [index]))
        twin.clamps[model.tensor_name(index)] = activation
    model.graph.operators = operators


def implied_activation(model: Model, index: int) -> str | None:
    """Return the activation whose range a quantized tensor has: a key of ACTIVATIONS, or None.

    A range that starts at 0 is that of RELU6 if it ends within a step of 6, else that of RELU.
    """
    found = _range(model, index)
    if found is None:
        return None
    low, high, step = found
    if low == 0:
        return "RELU6" if abs(high - 6) <= step else "RELU"
    return "RELU_N1_TO_1" if abs(low + 1) <= step and abs(high - 1) <= step else None


def _range(model: Model, index: int) -> tuple[float, float, float] | None:
    """Return the least and the greatest value of a tensor with one scale, and a step."""
    tensor = model.tensors[index]
    limits = RANGES.get(model.dtype(index))
    if limits is None or not _has_scale(tensor) or len(tensor.quantization.scale) != 1:
        return None
    scale = float(np.float32(tensor.quantization.scale[0]))
    points = tensor.quantization.zeroPoint
    zero_point = int(points[0]) if points is not None and len(points) else 0
    low, high = ((limit - zero_point) * scale for limit in limits)
    return low, high, scale


def _leaves_range(model: Model, operator: Any, kind: str) -> bool:
    """Return whether an operator's result may lie outside its output's range.

    A conversion's does if its input's range is wider; of floats nothing is known, and the inputs of
    a network are where they should be.
    """
    if kind != "QUANTIZE":
        return True
    source, target = _range(model, operator.inputs[0]), _range(model, operator.outputs[0])
    return bool(source and target and (source[0] < target[0] or source[1] > target[1] + target[2]))


# Conversions -------------------------------------------------------------------------------------


def _remove_conversions(twin: Twin) -> None:
    """Let what a conversion wrote be what it read; inputs and outputs of the graph keep names."""
    model = twin.model
    fixed = {*model.inputs, *model.outputs}
    produced = set(model.producers())
    kept = []
    for operator in model.operators:
        if model.operator_name(operator) not in CONVERSIONS:
            kept.append(operator)
            continue
        source, target = operator.inputs[0], operator.outputs[0]
        if model.dtype(source) == "float16":
            kept.append(operator)  # `make_float` folds it
            continue
        twin.conversions += 1
        if target not in fixed:
            _rename(model, target, source)
        elif source in produced and source not in fixed:
            _rename(model, source, target)
        else:
            kept.append(_copy(model, source, target))
    model.graph.operators = kept


def _rename(model: Model, old: int, new: int) -> None:
    """Let every operator that reads or writes ``old`` use ``new``."""
    for operator in model.operators:
        operator.inputs = _renamed(operator.inputs, old, new)
        operator.outputs = _renamed(operator.outputs, old, new)


def _renamed(indices: Iterable[int], old: int, new: int) -> list[int]:
    return [new if index == old else index for index in indices]


def _copy(model: Model, source: int, target: int) -> Any:
    """Return an operator that gives an output the value of an input."""
    shape = model.add_constant(
        f"{model.tensor_name(target)}_shape", np.array(model.shape(source), np.int32)
    )
    return model.make_operator("RESHAPE", [source, shape], [target])
