# SPDX-License-Identifier: Apache-2.0
"""The ONNX twin of a float TFLite network: the same layers and weights, channels first.

Only the operators of MobileNetV2. ``quantize`` makes of it what ONNX Runtime's own quantizer makes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from octet.errors import OctetError
from octet.tflite.model import Model
from octet.tflite.types import Array

OPSET = 17
IR_VERSION = 9
"""Read by every ONNX Runtime since 1.15."""

NCHW = (0, 3, 1, 2)
ACTIVATIONS = {1: (0.0, np.inf), 3: (0.0, 6.0)}
"""TFLite's RELU and RELU6 as bounds."""


class Converter:
    """Makes ONNX nodes of a TFLite model's operators, one after the other."""

    def __init__(self, model: Model) -> None:
        self._model = model
        self._nodes: list[onnx.NodeProto] = []
        self._constants: dict[str, onnx.TensorProto] = {}

    def convert(self) -> onnx.ModelProto:
        """Return the ONNX model. Raises OctetError for an operator it does not know."""
        model = self._model
        for operator in model.operators:
            name = model.operator_name(operator)
            method = getattr(self, f"_{name.lower()}", None)
            if method is None:
                raise OctetError(f"{model.name}: no ONNX twin: {name} is not converted")
            method(operator, operator.builtinOptions)
        graph = helper.make_graph(
            self._nodes,
            "twin",
            [self._value(index) for index in model.inputs],
            [self._value(index) for index in model.outputs],
            list(self._constants.values()),
        )
        made = helper.make_model(
            graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION
        )
        onnx.checker.check_model(made, full_check=True)
        return made

    def _conv_2d(self, operator: Any, options: Any) -> None:
        weights = self._constant_of(operator, 1).transpose(0, 3, 1, 2)
        self._convolution(operator, options, weights, group=1)

    def _depthwise_conv_2d(self, operator: Any, options: Any) -> None:
        weights = self._constant_of(operator, 1).transpose(3, 0, 1, 2)
        if options.depthMultiplier != 1:
            raise OctetError(f"{self._model.name}: no ONNX twin: a depth multiplier")
        self._convolution(operator, options, weights, group=len(weights))

    def _convolution(self, operator: Any, options: Any, weights: Array, group: int) -> None:
        source, output = operator.inputs[0], operator.outputs[0]
        strides = [options.strideH, options.strideW]
        dilations = [options.dilationHFactor, options.dilationWFactor]
        kernel = [
            (size - 1) * rate + 1 for size, rate in zip(weights.shape[2:], dilations, strict=True)
        ]
        name = self._name(output)
        inputs = [
            self._name(source),
            self._constant(f"{name}/weights", weights),
            self._constant(f"{name}/bias", self._constant_of(operator, 2)),
        ]
        attributes = {
            "kernel_shape": list(weights.shape[2:]),
            "strides": strides,
            "dilations": dilations,
            "group": group,
            "pads": self._pads(source, output, kernel, strides, options.padding),
        }
        self._activated("Conv", inputs, output, options.fusedActivationFunction, attributes)

    def _add(self, operator: Any, options: Any) -> None:
        inputs = [self._name(index) for index in operator.inputs]
        self._activated("Add", inputs, operator.outputs[0], options.fusedActivationFunction, {})

    def _average_pool_2d(self, operator: Any, options: Any) -> None:
        source, output = operator.inputs[0], operator.outputs[0]
        window = (options.filterHeight, options.filterWidth)
        if self._model.shape(source)[1:3] != window or options.padding != 1:
            raise OctetError(f"{self._model.name}: no ONNX twin: a pool that is not global")
        inputs = [self._name(source)]
        activation = options.fusedActivationFunction
        self._activated("GlobalAveragePool", inputs, output, activation, {})

    def _reshape(self, operator: Any, _: Any) -> None:
        source, output = operator.inputs[0], operator.outputs[0]
        if any(size != 1 for size in self._model.shape(source)[1:3]):
            raise OctetError(f"{self._model.name}: no ONNX twin: a reshape of pixels")
        name = self._name(output)
        shape = self._constant(f"{name}/shape", np.array(self._model.shape(output), np.int64))
        self._node("Reshape", [self._name(source), shape], name)

    def _softmax(self, operator: Any, _: Any) -> None:
        source, output = operator.inputs[0], operator.outputs[0]
        self._node("Softmax", [self._name(source)], self._name(output), axis=-1)

    def _activated(
        self,
        kind: str,
        inputs: Sequence[str],
        output: int,
        activation: int,
        attributes: dict[str, Any],
    ) -> None:
        """Add a node and, where TFLite has an activation in it, a Clip."""
        name = self._name(output)
        if activation == 0:
            self._node(kind, inputs, name, **attributes)
            return
        if activation not in ACTIVATIONS:
            raise OctetError(f"{self._model.name}: no ONNX twin: activation {activation}")
        least, most = ACTIVATIONS[activation]
        self._node(kind, inputs, f"{name}/linear", **attributes)
        bounds = [self._constant("clip/min", np.array(least, np.float32))]
        if most != np.inf:
            bounds.append(self._constant("clip/max", np.array(most, np.float32)))
        self._node("Clip", [f"{name}/linear", *bounds], name)

    def _pads(
        self,
        source: int,
        output: int,
        kernel: Sequence[int],
        strides: Sequence[int],
        padding: int,
    ) -> list[int]:
        """Top, left, bottom, right of TFLite's SAME (0) or VALID (1)."""
        if padding == 1:
            return [0, 0, 0, 0]
        sizes, results = self._model.shape(source)[1:3], self._model.shape(output)[1:3]
        totals = [
            max((result - 1) * stride + extent - size, 0)
            for size, result, extent, stride in zip(sizes, results, kernel, strides, strict=True)
        ]
        return [*(total // 2 for total in totals), *(total - total // 2 for total in totals)]

    def _node(self, kind: str, inputs: Sequence[str], output: str, **attributes: Any) -> None:
        self._nodes.append(helper.make_node(kind, inputs, [output], output, **attributes))

    def _name(self, index: int) -> str:
        return f"tensor_{index}"

    def _constant_of(self, operator: Any, position: int) -> Array:
        value = self._model.constant(operator.inputs[position])
        if value is None:
            raise OctetError(f"{self._model.name}: no ONNX twin: weights are not constant")
        return value

    def _constant(self, name: str, value: Array) -> str:
        made = numpy_helper.from_array(np.ascontiguousarray(value).reshape(value.shape), name)
        self._constants[name] = made
        return name

    def _value(self, index: int) -> onnx.ValueInfoProto:
        shape = self._model.shape(index)
        if len(shape) == 4:
            shape = tuple(shape[axis] for axis in NCHW)
        return helper.make_tensor_value_info(self._name(index), TensorProto.FLOAT, shape)


def convert(model: Model) -> onnx.ModelProto:
    """Return the ONNX twin of a float model.

    Raises:
        OctetError: naming what has no twin.
    """
    return Converter(model).convert()


def run(path: Path, images: Sequence[Array]) -> list[Array]:
    """Return the first output of an ONNX file for each NHWC image."""
    import onnxruntime

    session = onnxruntime.InferenceSession(path)
    name = session.get_inputs()[0].name
    return [session.run(None, {name: image.transpose(NCHW)})[0] for image in images]


def quantize(
    source: Path,
    target: Path,
    images: Sequence[Array],
    activations: str = "QUInt8",
    *,
    per_channel: bool = True,
) -> None:
    """Write the QDQ twin of an ONNX file: 8-bit activations and weights.

    Args:
        source: the float model.
        target: where the result goes.
        images: NHWC, to calibrate with.
        activations: ``QUInt8`` or ``QInt8``.
        per_channel: a scale per output channel of weights; else one per tensor, which are uint8.
    """
    from onnxruntime.quantization import (
        CalibrationDataReader,
        QuantFormat,
        QuantType,
        quantize_static,
    )

    name = onnx.load(source).graph.input[0].name

    class Images(CalibrationDataReader):  # type: ignore[misc]
        def __init__(self) -> None:
            self._left: Iterator[Array] = iter(images)

        def get_next(self) -> dict[str, Array] | None:
            image = next(self._left, None)
            return None if image is None else {name: image.transpose(NCHW)}

    quantize_static(
        source,
        target,
        Images(),
        quant_format=QuantFormat.QDQ,
        per_channel=per_channel,
        activation_type=QuantType[activations],
        weight_type=QuantType.QInt8 if per_channel else QuantType.QUInt8,
    )
