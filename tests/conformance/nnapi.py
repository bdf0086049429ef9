# SPDX-License-Identifier: Apache-2.0
"""NNAPI's quantized operators as WebNN has them: dequantizeLinear → operator → quantizeLinear."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from octet.web.cases import Array, Case
from tests.conformance.recorder import Operand, Recorder

DTYPES = {
    "TENSOR_QUANT8_ASYMM": np.uint8,
    "TENSOR_QUANT8_ASYMM_SIGNED": np.int8,
    "TENSOR_QUANT8_SYMM_PER_CHANNEL": np.int8,
    "TENSOR_INT32": np.int32,
}

CLAMPS = {1: (0, None), 2: (-1, 1), 3: (0, 6)}
"""Fused activations: relu, relu1, relu6."""


class Operation:
    """One NNAPI operation on its way into a graph.

    Args:
        record: an entry of the vector file.
    """

    def __init__(self, record: Mapping[str, Any]) -> None:
        self.record = record
        self.to = Recorder()
        (operation,) = record["operations"]
        self.type: str = operation["type"]
        self.indices: list[int] = operation["inputs"]
        (self.result,) = operation["outputs"]

    def number(self, at: int) -> Any:
        """Scalar argument ``at``; the last ones by negative numbers."""
        (value,) = self.record["operands"][self.indices[at]]["value"]
        return value

    def array(self, at: int) -> Array:
        """The numbers of operand argument ``at`` as they are stored."""
        index = self.indices[at]
        operand = self.record["operands"][index]
        inputs = self.record["inputs"]
        fed = index in inputs
        data = self.record["inputData"][inputs.index(index)] if fed else operand["value"]
        array: Array = np.array(data, DTYPES[operand["type"]]).reshape(operand["dimensions"])
        return array

    def stored(self, at: int, array: Array | None = None) -> Operand:
        """Operand argument ``at``, input or constant, perhaps in another layout."""
        array = self.array(at) if array is None else array
        fed = self.indices[at] in self.record["inputs"]
        return self.to.input(array) if fed else self.to.constant(array)

    def real(self, at: int, array: Array | None = None) -> Operand:
        """Operand argument ``at``, dequantized."""
        array = self.array(at) if array is None else array
        scales, zero_point = self.scales(at), self._operand(at).get("zeroPoint") or 0
        shape = [1] * array.ndim
        if len(scales) > 1:
            shape[self.channel_axis(at)] = len(scales)
        scale = self.to.constant(np.array(scales, np.float32).reshape(shape))
        zero = self.to.constant(np.full(shape, zero_point, array.dtype))
        return self.to.call("dequantizeLinear", self.stored(at, array), scale, zero)

    def scales(self, at: int) -> list[float]:
        """One scale, or one for each channel; a bias may leave it to its summands."""
        operand = self._operand(at)
        per_channel = operand.get("channelQuant")
        if per_channel:
            return list(per_channel["scales"])
        if operand["type"] == "TENSOR_INT32" and not operand.get("scale"):
            (x,) = self.scales(0)
            return [float(np.float32(x) * np.float32(w)) for w in self.scales(1)]
        return [operand["scale"]]

    def channel_axis(self, at: int) -> int:
        """The axis along which the scales of argument ``at`` differ."""
        per_channel = self._operand(at).get("channelQuant")
        return per_channel["channelDim"] if per_channel else 0

    def _operand(self, at: int) -> Mapping[str, Any]:
        operand: Mapping[str, Any] = self.record["operands"][self.indices[at]]
        return operand

    def case(self) -> Case:
        """The graph of the operation, its output quantized as the operation's."""
        self.to = Recorder()
        operand = self.record["operands"][self.result]
        dtype = DTYPES[operand["type"]]
        value = OPERATORS[self.type](self)
        if dtype is not np.int32:
            ones = [1] * len(operand["dimensions"])
            scale = self.to.constant(np.full(ones, operand["scale"], np.float32))
            zero = self.to.constant(np.full(ones, operand["zeroPoint"], dtype))
            value = self.to.call("quantizeLinear", value, scale, zero)
        return self.to.case([value])

    def expected(self) -> Array:
        """What must come out, ± 1."""
        operand = self.record["operands"][self.result]
        numbers = np.array(self.record["expected"], DTYPES[operand["type"]])
        return numbers.reshape(operand["dimensions"])


def _activated(m: Operation, value: Operand, activation: int) -> Operand:
    if activation == 0:
        return value
    low, high = CLAMPS[activation]
    if high is None:
        return m.to.call("relu", value)
    return m.to.call("clamp", value, minValue=low, maxValue=high)


def _same_padding(extent: int, window: int, stride: int, dilation: int = 1) -> tuple[int, int]:
    reach = (window - 1) * dilation + 1
    total = max((-(-extent // stride) - 1) * stride + reach - extent, 0)
    return total // 2, total - total // 2


def _geometry(m: Operation, at: int, window: tuple[int, int] | None) -> dict[str, Any]:
    """Padding and strides that begin at argument ``at``: explicit, or a scheme (1 same, 2 valid).

    A ``window`` of None follows the strides: width, then height.
    """
    explicit = len(m.indices) >= 10
    after = at + 4 if explicit else at + 1
    strides = [m.number(after + 1), m.number(after)]
    if window is None:
        window = (m.number(after + 3), m.number(after + 2))
    if explicit:
        left, right, top, bottom = (m.number(at + i) for i in range(4))
    elif m.number(at) == 2:
        left = right = top = bottom = 0
    else:
        height, width = m.array(0).shape[1:3]
        top, bottom = _same_padding(height, window[0], strides[0])
        left, right = _same_padding(width, window[1], strides[1])
    return {"padding": [top, bottom, left, right], "strides": strides, "window": list(window)}


def _convolution(m: Operation, *, depthwise: bool) -> Operand:
    filters = m.array(1)
    geometry = _geometry(m, 3, filters.shape[1:3])
    layout = "ihwo" if depthwise else "ohwi"
    groups = m.array(0).shape[3] if depthwise else 1
    value = m.to.call(
        "conv2d",
        m.real(0),
        m.real(1),
        padding=geometry["padding"],
        strides=geometry["strides"],
        groups=groups,
        inputLayout="nhwc",
        filterLayout=layout,
        bias=m.real(2),
    )
    return _activated(m, value, m.number(-1))


def _pool(op: str) -> Callable[[Operation], Operand]:
    def pool(m: Operation) -> Operand:
        geometry = _geometry(m, 1, None)
        value = m.to.call(
            op,
            m.real(0),
            windowDimensions=geometry["window"],
            padding=geometry["padding"],
            strides=geometry["strides"],
            layout="nhwc",
        )
        return _activated(m, value, m.number(-1))

    return pool


def _fully_connected(m: Operation) -> Operand:
    x, weights = m.array(0), m.array(1)
    rows = m.real(0, x.reshape(-1, weights.shape[1]))
    value = m.to.call("gemm", rows, m.real(1), c=m.real(2), bTranspose=True)
    return _activated(m, value, m.number(3))


def _softmax(m: Operation) -> Operand:
    value = m.to.call("linear", m.real(0), alpha=m.number(1))
    return m.to.call("softmax", value, m.array(0).ndim - 1)


def _concatenation(m: Operation) -> Operand:
    parts = [m.real(i) for i in range(len(m.indices) - 1)]
    return m.to.call("concat", parts, m.number(-1))


def _arg_max(m: Operation) -> Operand:
    return m.to.call("argMax", m.real(0), m.number(1) % m.array(0).ndim)


def _transpose(m: Operation) -> Operand:
    return m.to.call("transpose", m.real(0), permutation=m.array(1).tolist())


def _batch_to_space(m: Operation) -> Operand:
    batch, height, width, channels = m.array(0).shape
    down, across = m.array(1).tolist()
    n = batch // (down * across)
    split = m.to.call("reshape", m.real(0), [down, across, n, height, width, channels])
    turned = m.to.call("transpose", split, permutation=[2, 3, 0, 4, 1, 5])
    return m.to.call("reshape", turned, [n, height * down, width * across, channels])


OPERATORS: Mapping[str, Callable[[Operation], Operand]] = {
    "ADD": lambda m: _activated(m, m.to.call("add", m.real(0), m.real(1)), m.number(2)),
    "MUL": lambda m: _activated(m, m.to.call("mul", m.real(0), m.real(1)), m.number(2)),
    "PRELU": lambda m: m.to.call("prelu", m.real(0), m.real(1)),
    "LOGISTIC": lambda m: m.to.call("sigmoid", m.real(0)),
    "CONV_2D": lambda m: _convolution(m, depthwise=False),
    "DEPTHWISE_CONV_2D": lambda m: _convolution(m, depthwise=True),
    "AVERAGE_POOL_2D": _pool("averagePool2d"),
    "MAX_POOL_2D": _pool("maxPool2d"),
    "FULLY_CONNECTED": _fully_connected,
    "SOFTMAX": _softmax,
    "CONCATENATION": _concatenation,
    "ARGMAX": _arg_max,
    "TRANSPOSE": _transpose,
    "BATCH_TO_SPACE_ND": _batch_to_space,
}
