# SPDX-License-Identifier: Apache-2.0
"""ResNet50 with random weights, 102 MB: the size of network that people record for minutes."""

from __future__ import annotations

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from octet.tflite.model import Model

STAGES = ((64, 3, 1), (128, 4, 2), (256, 6, 2), (512, 3, 2))
"""Width, blocks and first stride."""

RELU = schema.ActivationFunctionType.RELU
NONE = schema.ActivationFunctionType.NONE


class _Writer:
    def __init__(self) -> None:
        self.model = Model.empty("resnet50")
        self._random = np.random.default_rng(50)

    def conv(self, x: int, channels: int, kernel: int, stride: int, activation: int) -> int:
        model = self.model
        _, height, width, depth = model.shape(x)
        shape = (channels, kernel, kernel, depth)
        # As trained networks start (He et al., 2015): activations stay in bounds.
        size = np.float32(np.sqrt(2 / (kernel * kernel * depth)))
        weights = self._random.standard_normal(shape, np.float32) * size
        w = model.add_constant(f"w{len(model.tensors)}", weights)
        b = model.add_constant(f"b{len(model.tensors)}", np.zeros(channels, np.float32))
        out = (1, -(-height // stride), -(-width // stride), channels)
        y = model.add_tensor(f"conv{len(model.operators)}", out, "float32")
        fields = {"padding": schema.Padding.SAME, "strideH": stride, "strideW": stride}
        fields["fusedActivationFunction"] = activation
        self._append("CONV_2D", [x, w, b], y, "Conv2DOptions", fields)
        return y

    def add(self, x: int, y: int) -> int:
        model = self.model
        z = model.add_tensor(f"add{len(model.operators)}", model.shape(x), "float32")
        self._append("ADD", [x, y], z, "AddOptions", {"fusedActivationFunction": RELU})
        return z

    def mean(self, x: int) -> int:
        model = self.model
        _, height, width, depth = model.shape(x)
        y = model.add_tensor("mean", (1, 1, 1, depth), "float32")
        fields = {"padding": schema.Padding.VALID, "strideH": height, "strideW": width}
        fields |= {"filterHeight": height, "filterWidth": width}
        self._append("AVERAGE_POOL_2D", [x], y, "Pool2DOptions", fields)
        return y

    def flat(self, x: int) -> int:
        model = self.model
        shape = (1, model.shape(x)[-1])
        to = model.add_constant("shape", np.array(shape, np.int32))
        y = model.add_tensor("flat", shape, "float32")
        self._append("RESHAPE", [x, to], y, "ReshapeOptions", {"newShape": list(shape)})
        return y

    def softmax(self, x: int) -> int:
        y = self.model.add_tensor("scores", self.model.shape(x), "float32")
        self._append("SOFTMAX", [x], y, "SoftmaxOptions", {"beta": 1.0})
        return y

    def _append(
        self, kind: str, inputs: list[int], output: int, table: str, fields: dict[str, object]
    ) -> None:
        model = self.model
        model.operators.append(model.make_operator(kind, inputs, [output], table, fields))


def make() -> Model:
    """Return the network: 224 x 224 pixels, 25.6 million weights."""
    net = _Writer()
    x = net.model.add_tensor("input", (1, 224, 224, 3), "float32")
    net.model.graph.inputs = [x]
    y = net.conv(net.conv(x, 64, 7, 2, RELU), 64, 3, 2, RELU)  # a convolution for the max pool
    for width, blocks, stride in STAGES:
        for block in range(blocks):
            step = stride if block == 0 else 1
            side = y if block else net.conv(y, 4 * width, 1, step, NONE)
            inner = net.conv(net.conv(y, width, 1, 1, RELU), width, 3, step, RELU)
            y = net.add(net.conv(inner, 4 * width, 1, 1, NONE), side)
    logits = net.flat(net.conv(net.mean(y), 1000, 1, 1, NONE))
    net.model.graph.outputs = [net.softmax(logits)]
    return net.model
