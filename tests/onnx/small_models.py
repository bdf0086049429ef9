# SPDX-License-Identifier: Apache-2.0
"""ONNX models of one operator or a few, and what ONNX Runtime makes of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import onnx
import onnxruntime
from onnx import helper, numpy_helper

from octet.onnx.convert import convert_onnx
from octet.tflite.model import Model
from octet.tflite.runtime import Session
from octet.tflite.types import Array

OLDEST_IR = 7
"""An IR version that every ONNX Runtime in use reads."""


@dataclass(frozen=True)
class Constant:
    """An input of a node that is stored in the file."""

    value: Array


Input = Array | Constant | None


@dataclass(frozen=True)
class OneOperator:
    """A model of one node.

    Attributes:
        op: its type.
        inputs: arrays that go in, constants, and None for one left out.
        attributes: of the node.
        outputs: how many.
        opset: version of ONNX's operators.
    """

    op: str
    inputs: Sequence[Input]
    attributes: Mapping[str, Any] = field(default_factory=dict)
    outputs: int = 1
    opset: int = 17

    def model(self) -> bytes:
        """Return the file."""
        names = ["" if array is None else f"in{i}" for i, array in enumerate(self.inputs)]
        outputs = [f"out{i}" for i in range(self.outputs)]
        node = helper.make_node(self.op, names, outputs, name="node", **self.attributes)
        constants = {
            name: array.value
            for name, array in zip(names, self.inputs, strict=True)
            if isinstance(array, Constant)
        }
        return model_bytes([node], self.feeds(), constants, outputs, self.opset)

    def feeds(self) -> dict[str, Array]:
        """Return what goes in, by name."""
        return {f"in{i}": a for i, a in enumerate(self.inputs) if isinstance(a, np.ndarray)}


def model_bytes(
    nodes: Sequence[Any],
    inputs: Mapping[str, Array],
    constants: Mapping[str, Array],
    outputs: Sequence[str],
    opset: int = 17,
) -> bytes:
    """Return an ONNX file whose inputs have the shapes and types of ``inputs``."""
    graph = helper.make_graph(
        list(nodes),
        "small",
        [
            helper.make_tensor_value_info(n, helper.np_dtype_to_tensor_dtype(a.dtype), a.shape)
            for n, a in inputs.items()
        ],
        [helper.make_empty_tensor_value_info(name) for name in outputs],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)])
    model.ir_version = OLDEST_IR
    # ONNX Runtime infers the outputs' types, but wants to be told the elements'.
    inferred = onnx.shape_inference.infer_shapes(model)
    data: bytes = inferred.SerializeToString()
    return data


def run_onnx(data: bytes, feeds: Mapping[str, Array]) -> list[Array]:
    """Return the outputs that ONNX Runtime computes."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    return [np.asarray(array) for array in session.run(None, dict(feeds))]


def convert_and_run(
    data: bytes, feeds: Mapping[str, Array], *, keep_layout: bool
) -> tuple[Model, list[Array]]:
    """Return the converted model, and its outputs in LiteRT."""
    model = convert_onnx(data, "small.onnx", keep_layout=keep_layout)
    return model, run_tflite(model, feeds)


def run_tflite(model: Model, feeds: Mapping[str, Array]) -> list[Array]:
    """Return the outputs of a converted model in LiteRT for the ONNX model's inputs."""
    session = Session(model.to_bytes(), model.name)
    arrays = {spec.name: spec for spec in session.inputs}
    given = [stored_as(feeds[name], spec.shape) for name, spec in arrays.items()]
    return session.run(given)


def stored_as(array: Array, shape: tuple[int, ...]) -> Array:
    """Return an ONNX input as the converted model takes it: as it is, or with channels last."""
    if array.shape != shape:
        array = np.moveaxis(array, 1, -1)
    assert array.shape == shape
    return np.ascontiguousarray(array)
