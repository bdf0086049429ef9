# SPDX-License-Identifier: Apache-2.0
"""Writes a float model that rounds where the quantized one does.

Weights and biases are the real numbers that their integers stand for. Behind every tensor that
would be quantized a QUANTIZE and a DEQUANTIZE round it, so the model shows the loss of a plan in
any runtime that has float kernels, and each operator computes on exactly the numbers that its
integer form gets.
"""

from __future__ import annotations

from typing import Any

from octet.quantize.config import FLOAT
from octet.quantize.convert import Converted, parameters
from octet.quantize.plan import OperatorPlan, Plan
from octet.quantize.rules import DEQUANTIZE_VERSIONS, QUANTIZE_VERSIONS, RULES
from octet.quantize.schemes import (
    BY_ACTIVATION,
    Params,
    dequantize,
    quantize,
    quantize_bias,
    quantize_weights,
)
from octet.tflite.model import Model
from octet.tflite.simplify import drop_unused
from octet.tflite.types import TENSOR_TYPES


def fake_quantize(model: Model, plan: Plan) -> Converted:
    """Return a float model with the rounding of ``plan``; inputs and outputs stay float32."""
    return _Faker(model.copy(), plan).run()


class _Faker:
    def __init__(self, model: Model, plan: Plan) -> None:
        self._model = model
        self._plan = plan
        self._operators: list[Any] = []
        self._rounded: dict[tuple[int, Params], int] = {}

    def run(self) -> Converted:
        model = self._model
        tensors = range(len(model.tensors))
        for operator, own in zip(list(model.operators), self._plan.operators, strict=True):
            self._emit(operator, own)
        model.graph.operators = self._operators
        for tensor in model.tensors:
            quantization = tensor.quantization
            if quantization is not None:
                quantization.min = quantization.max = None
        new = drop_unused(model)
        return Converted(model, {index: new[index] for index in tensors if index in new})

    def _emit(self, operator: Any, own: OperatorPlan) -> None:
        originals = list(operator.inputs)
        for slot, params in own.inputs.items():
            operator.inputs[slot] = self._read(originals[slot], params)
        if own.dtype != FLOAT:
            self._round_weights(operator, originals, own)
        self._operators.append(operator)
        for slot, params in own.outputs.items():
            index = operator.outputs[slot]
            raw = self._twin(index, f"{self._model.tensor_name(index)}_unrounded")
            operator.outputs[slot] = raw
            self._round(raw, params, index)
            self._rounded[(index, params)] = index

    def _read(self, index: int, params: Params) -> int:
        """Return a tensor with the numbers of ``index`` rounded to ``params``."""
        key = (index, params)
        if key not in self._rounded:
            value = self._model.constant(index)
            name = f"{self._model.tensor_name(index)}_rounded"
            if value is not None:
                real = dequantize(quantize(value, params), params)
                self._rounded[key] = self._model.add_constant(name, real)
            else:
                target = self._twin(index, name)
                self._round(index, params, target)
                self._rounded[key] = target
        return self._rounded[key]

    def _round(self, source: int, params: Params, target: int) -> None:
        model = self._model
        step = self._twin(source, f"{model.tensor_name(target)}_{params.dtype}")
        model.tensors[step].type = TENSOR_TYPES[params.dtype]
        model.tensors[step].quantization = parameters(params)
        version = QUANTIZE_VERSIONS[params.dtype]
        down = model.make_operator("QUANTIZE", [source], [step], "QuantizeOptions", version=version)
        version = DEQUANTIZE_VERSIONS[params.dtype]
        up = model.make_operator(
            "DEQUANTIZE", [step], [target], "DequantizeOptions", version=version
        )
        self._operators += [down, up]

    def _round_weights(self, operator: Any, originals: list[int], own: OperatorPlan) -> None:
        model = self._model
        rule = RULES[model.operator_name(operator)]
        if rule.weights is None or rule.values is None:
            return
        scheme = BY_ACTIVATION[own.dtype]
        has_bias = rule.bias is not None and len(originals) > rule.bias
        bias_index = originals[rule.bias] if has_bias and rule.bias is not None else -1
        bias = model.constant(bias_index) if bias_index >= 0 else None
        weights = model.constant(originals[rule.weights])
        assert weights is not None
        scale = own.inputs[rule.values[0]].scale
        axis = rule.axis if own.granularity == "channel" else None
        made = quantize_weights(weights, scheme, axis, bias, scale)
        name = model.tensor_name(originals[rule.weights])
        operator.inputs[rule.weights] = model.add_constant(name, made.real())
        if bias is not None and rule.bias is not None:
            real = quantize_bias(bias, scale, made, scheme).real()
            operator.inputs[rule.bias] = model.add_constant(model.tensor_name(bias_index), real)

    def _twin(self, index: int, name: str) -> int:
        """Return a new float tensor with the shape of ``index``."""
        tensor = self._model.tensors[index]
        new = self._model.add_tensor(name, tensor.shape, FLOAT)
        self._model.tensors[new].shapeSignature = tensor.shapeSignature
        self._model.tensors[new].hasRank = tensor.hasRank
        return new
