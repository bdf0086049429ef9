# SPDX-License-Identifier: Apache-2.0
"""Tiny float networks, written tensor by tensor, and what tests ask of any network."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from octet.quantize.data.source import RandomSource, Source
from octet.quantize.quantize import Quantized, QuantizeOptions, quantize_model
from octet.quantize.record import RecordOptions, model_inputs
from octet.tflite.model import Model
from octet.tflite.runtime import Session
from octet.tflite.types import Array

SAME, VALID = schema.Padding.SAME, schema.Padding.VALID
ONE_JOB = RecordOptions(jobs=1, threads=1)


class Net:
    """Appends operators to a model; every method returns the index of the tensor it makes."""

    def __init__(self, name: str = "tiny", seed: int = 1) -> None:
        self.model = Model.empty(name)
        self._random = np.random.default_rng(seed)

    def input(self, name: str, *shape: int, dtype: str = "float32") -> int:
        index = self.model.add_tensor(name, shape, dtype)
        self.model.graph.inputs.append(index)
        return index

    def constant(self, name: str, value: Any, dtype: str = "float32") -> int:
        return self.model.add_constant(name, np.asarray(value, dtype))

    def weights(self, name: str, *shape: int) -> int:
        size = 1 / np.sqrt(np.prod(shape[1:]))
        return self.constant(name, self._random.normal(0, size, shape))

    def conv(self, name: str, x: int, channels: int, kernel: int = 3, relu: str = "NONE") -> int:
        _, height, width, depth = self.model.shape(x)
        w = self.weights(f"{name}_w", channels, kernel, kernel, depth)
        b = self.weights(f"{name}_b", channels)
        fields = {"padding": SAME, "strideH": 1, "strideW": 1}
        shape = (1, height, width, channels)
        return self.op("CONV_2D", name, [x, w, b], shape, "Conv2DOptions", relu, **fields)

    def depthwise(self, name: str, x: int, relu: str = "NONE") -> int:
        depth = self.model.shape(x)[3]
        w = self.constant(f"{name}_w", self._random.normal(0, 0.5, (1, 3, 3, depth)))
        b = self.weights(f"{name}_b", depth)
        fields = {"padding": SAME, "strideH": 1, "strideW": 1, "depthMultiplier": 1}
        table = "DepthwiseConv2DOptions"
        shape = self.model.shape(x)
        return self.op("DEPTHWISE_CONV_2D", name, [x, w, b], shape, table, relu, **fields)

    def dense(self, name: str, x: int, units: int, relu: str = "NONE") -> int:
        w = self.weights(f"{name}_w", units, self.model.shape(x)[-1])
        b = self.weights(f"{name}_b", units)
        return self.op(
            "FULLY_CONNECTED", name, [x, w, b], (1, units), "FullyConnectedOptions", relu
        )

    def pool(self, kind: str, name: str, x: int, size: int) -> int:
        _, height, width, depth = self.model.shape(x)
        fields = {
            "padding": VALID,
            "strideH": size,
            "strideW": size,
            "filterHeight": size,
            "filterWidth": size,
        }
        shape = (1, height // size, width // size, depth)
        return self.op(kind, name, [x], shape, "Pool2DOptions", "NONE", **fields)

    def add(self, name: str, x: int, y: int, relu: str = "NONE") -> int:
        return self.op("ADD", name, [x, y], self.model.shape(x), "AddOptions", relu)

    def concat(self, name: str, *parts: int) -> int:
        shapes = [self.model.shape(part) for part in parts]
        shape = (*shapes[0][:-1], sum(s[-1] for s in shapes))
        table = "ConcatenationOptions"
        return self.op("CONCATENATION", name, parts, shape, table, "NONE", axis=len(shape) - 1)

    def flatten(self, name: str, x: int) -> int:
        shape = (1, int(np.prod(self.model.shape(x))))
        to = self.constant(f"{name}_shape", shape, "int32")
        return self.op("RESHAPE", name, [x, to], shape, "ReshapeOptions", newShape=list(shape))

    def softmax(self, name: str, x: int) -> int:
        return self.op("SOFTMAX", name, [x], self.model.shape(x), "SoftmaxOptions", beta=1.0)

    def op(
        self,
        kind: str,
        name: str,
        inputs: Sequence[int],
        shape: Sequence[int],
        table: str | None = None,
        activation: str | None = None,
        /,
        **fields: Any,
    ) -> int:
        """Append any operator with one output."""
        if activation is not None:
            code = getattr(schema.ActivationFunctionType, activation)
            fields["fusedActivationFunction"] = code
        out = self.model.add_tensor(name, shape, "float32")
        operator = self.model.make_operator(kind, inputs, [out], table, fields)
        self.model.operators.append(operator)
        return out

    def finish(self, *outputs: int) -> Model:
        self.model.graph.outputs = list(outputs)
        return Model.parse(self.model.to_bytes(), self.model.name)


def classifier() -> Model:
    """Convolutions, a residual addition, pooling, a dense layer and softmax."""
    net = Net("classifier")
    x = net.input("image", 1, 8, 8, 3)
    stem = net.conv("stem", x, 8, relu="RELU6")
    depthwise = net.depthwise("depthwise", stem, relu="RELU6")
    point = net.conv("point", depthwise, 8, 1)
    added = net.add("added", stem, point)
    pooled = net.pool("AVERAGE_POOL_2D", "pooled", added, 4)
    logits = net.dense("logits", net.flatten("flat", pooled), 5)
    return net.finish(net.softmax("scores", logits))


def additions() -> Model:
    """Additions that LiteRT runs in place, in a chain, over the outputs of convolutions."""
    net = Net("additions", seed=2)
    x = net.input("x", 1, 6, 6, 4)
    first = net.conv("first", x, 4)
    second = net.conv("second", first, 4)
    once = net.add("once", second, first)
    twice = net.add("twice", once, first, "RELU")
    third = net.conv("third", twice, 4)
    return net.finish(net.add("thrice", third, twice))


def branches() -> Model:
    """Operators that keep one scale, between branches with ranges of their own."""
    net = Net("branches", seed=3)
    x = net.input("x", 1, 8, 8, 4)
    wide = net.conv("wide", x, 4)
    narrow = net.op("LOGISTIC", "narrow", [net.conv("gate", x, 4)], (1, 8, 8, 4))
    joined = net.concat("joined", wide, narrow)
    peaks = net.pool("MAX_POOL_2D", "peaks", joined, 2)
    pads = net.constant("pads", [[0, 0], [1, 1], [1, 1], [0, 0]], "int32")
    padded = net.op("PAD", "padded", [peaks, pads], (1, 6, 6, 8), "PadOptions")
    size = net.constant("size", [12, 12], "int32")
    fields = {"halfPixelCenters": True}
    table = "ResizeBilinearOptions"
    large = net.op("RESIZE_BILINEAR", "large", [padded, size], (1, 12, 12, 8), table, **fields)
    return net.finish(net.conv("last", large, 3, 1))


def random_records(model: Model, count: int = 12, seed: int = 5) -> Source:
    return RandomSource(model_inputs(model.to_bytes(), model), count, seed)


def quantized(model: Model, **options: Any) -> Quantized:
    """The model quantized over a few random records, with fields of QuantizeOptions."""
    wanted = QuantizeOptions(**{"record": ONE_JOB, **options})
    return quantize_model(model, wanted, random_records(model))


def outputs(model: Model, source: Source, kernels: str = "fast") -> list[list[Array]]:
    """What LiteRT makes of every record."""
    session = Session(model.to_bytes(), model.name, kernels=kernels)
    return [session.run(source.read(i)) for i in range(source.count)]


def tensor(model: Model, name: str) -> int:
    """The index of the only tensor called ``name``."""
    found = [i for i in range(len(model.tensors)) if model.tensor_name(i) == name]
    assert len(found) == 1, f"{name}: {len(found)} tensors"
    return found[0]


def scales(model: Model, name: str) -> tuple[list[float], list[int]]:
    """Scales and zero points of a tensor."""
    quantization = model.tensors[tensor(model, name)].quantization
    return [float(s) for s in quantization.scale], [int(z) for z in quantization.zeroPoint]
