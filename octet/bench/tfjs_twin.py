# SPDX-License-Identifier: Apache-2.0
"""The TensorFlow.js twin of a float TFLite network: a graph model as its converter writes it.

Only the operators of MobileNetV2. The result is one file: the length of a JSON text in four bytes,
the text (``modelTopology`` and ``weightSpecs``), the weights.
"""

from __future__ import annotations

import base64
import json
import struct
from collections.abc import Sequence
from typing import Any

import numpy as np

from octet.errors import OctetError
from octet.tflite.model import Model
from octet.tflite.types import Array

ACTIVATIONS = {0: (), 1: ("Relu",), 3: ("Relu6",)}
PADDINGS = {0: "SAME", 1: "VALID"}
TYPES = {"float32": "DT_FLOAT", "int32": "DT_INT32"}


def _text(value: str) -> str:
    return base64.b64encode(value.encode()).decode()


def _string(value: str) -> dict[str, Any]:
    return {"s": _text(value)}


def _integers(values: Sequence[int]) -> dict[str, Any]:
    return {"list": {"i": [str(value) for value in values]}}


FLOAT = {"T": {"type": "DT_FLOAT"}}


class Converter:
    """Makes nodes of a TFLite model's operators, one after the other."""

    def __init__(self, model: Model) -> None:
        self._model = model
        self._nodes: list[dict[str, Any]] = []
        self._weights: list[tuple[str, Array]] = []

    def convert(self) -> bytes:
        """Return the file. Raises OctetError for an operator it does not know."""
        model = self._model
        for index in model.inputs:
            dims = [{"size": str(size)} for size in model.shape(index)]
            attributes = {"dtype": {"type": "DT_FLOAT"}, "shape": {"shape": {"dim": dims}}}
            self._node("Placeholder", self._name(index), [], attributes)
        for operator in model.operators:
            name = model.operator_name(operator)
            method = getattr(self, f"_{name.lower()}", None)
            if method is None:
                raise OctetError(f"{model.name}: no TensorFlow.js twin: {name} is not converted")
            method(operator, operator.builtinOptions)
        specs = [
            {"name": name, "shape": list(value.shape), "dtype": value.dtype.name}
            for name, value in self._weights
        ]
        topology = {"node": self._nodes, "versions": {"producer": 1882}}
        text = json.dumps({"modelTopology": topology, "weightSpecs": specs}).encode()
        data = b"".join(value.tobytes() for _, value in self._weights)
        return struct.pack("<I", len(text)) + text + data

    def _conv_2d(self, operator: Any, options: Any) -> None:
        filters = self._constant_of(operator, 1).transpose(1, 2, 3, 0)
        self._convolution("_FusedConv2D", operator, options, filters)

    def _depthwise_conv_2d(self, operator: Any, options: Any) -> None:
        multiplier = options.depthMultiplier
        filters = self._constant_of(operator, 1)[0]
        filters = filters.reshape(*filters.shape[:2], -1, multiplier)
        self._convolution("FusedDepthwiseConv2dNative", operator, options, filters)

    def _convolution(self, kind: str, operator: Any, options: Any, filters: Array) -> None:
        name = self._name(operator.outputs[0])
        fused = ["BiasAdd", *self._activation(options)]
        attributes = {
            **FLOAT,
            "data_format": _string("NHWC"),
            "padding": _string(PADDINGS[options.padding]),
            "strides": _integers([1, options.strideH, options.strideW, 1]),
            "dilations": _integers([1, options.dilationHFactor, options.dilationWFactor, 1]),
            "fused_ops": {"list": {"s": [_text(operation) for operation in fused]}},
            "num_args": {"i": "1"},
        }
        inputs = [
            self._name(operator.inputs[0]),
            self._constant(f"{name}/filter", filters),
            self._constant(f"{name}/bias", self._constant_of(operator, 2)),
        ]
        self._node(kind, name, inputs, attributes)

    def _add(self, operator: Any, options: Any) -> None:
        if self._activation(options):
            raise OctetError(f"{self._model.name}: no TensorFlow.js twin: ADD with activation")
        inputs = [self._name(index) for index in operator.inputs]
        self._node("AddV2", self._name(operator.outputs[0]), inputs, FLOAT)

    def _average_pool_2d(self, operator: Any, options: Any) -> None:
        attributes = {
            **FLOAT,
            "data_format": _string("NHWC"),
            "padding": _string(PADDINGS[options.padding]),
            "strides": _integers([1, options.strideH, options.strideW, 1]),
            "ksize": _integers([1, options.filterHeight, options.filterWidth, 1]),
        }
        source, output = operator.inputs[0], operator.outputs[0]
        self._node("AvgPool", self._name(output), [self._name(source)], attributes)

    def _reshape(self, operator: Any, _: Any) -> None:
        source, output = operator.inputs[0], operator.outputs[0]
        name = self._name(output)
        shape = self._constant(f"{name}/shape", np.array(self._model.shape(output), np.int32))
        attributes = {**FLOAT, "Tshape": {"type": "DT_INT32"}}
        self._node("Reshape", name, [self._name(source), shape], attributes)

    def _softmax(self, operator: Any, _: Any) -> None:
        source, output = operator.inputs[0], operator.outputs[0]
        self._node("Softmax", self._name(output), [self._name(source)], FLOAT)

    def _activation(self, options: Any) -> tuple[str, ...]:
        return ACTIVATIONS[options.fusedActivationFunction]

    def _node(
        self, kind: str, name: str, inputs: Sequence[str], attributes: dict[str, Any]
    ) -> None:
        self._nodes.append({"name": name, "op": kind, "input": list(inputs), "attr": attributes})

    def _name(self, index: int) -> str:
        return f"tensor_{index}"

    def _constant_of(self, operator: Any, position: int) -> Array:
        value = self._model.constant(operator.inputs[position])
        if value is None:
            raise OctetError(f"{self._model.name}: no TensorFlow.js twin: weights vary")
        return value

    def _constant(self, name: str, value: Array) -> str:
        value = np.ascontiguousarray(value)
        self._weights.append((name, value))
        dims = [{"size": str(size)} for size in value.shape]
        kind = TYPES[value.dtype.name]
        tensor = {"dtype": kind, "tensorShape": {"dim": dims}}
        self._node("Const", name, [], {"dtype": {"type": kind}, "value": {"tensor": tensor}})
        return name


def convert(model: Model) -> bytes:
    """Return the TensorFlow.js twin of a float model.

    Raises:
        OctetError: naming what has no twin.
    """
    return Converter(model).convert()
