# SPDX-License-Identifier: Apache-2.0
"""The Python reader on files that lie: it says what is wrong, or gives a model that can be read."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import flatbuffers  # type: ignore[import-untyped]
import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema

from octet.node import node_command
from octet.tflite.files import IDENTIFIER, ModelFileError
from octet.tflite.model import Model
from octet.toolchain.paths import ROOT
from tests.tflite.cases import all_cases

ROUNDS = 1500
SLOW_SECONDS = 2.0
"""Of the processor, for a file."""


def test_mutants(tmp_path: Path) -> None:
    script = Path(__file__).with_name("write_mutants.js")
    subprocess.run(node_command(script, tmp_path, "20240607", str(ROUNDS)), cwd=ROOT, check=True)
    refused = read = 0
    for path in sorted(tmp_path.iterdir()):
        start = time.process_time()
        try:
            model = Model.read(path)
            for index in range(len(model.tensors)):
                model.constant(index)
            model.producers(), model.consumers()
            read += 1
        except ModelFileError as error:
            assert str(error).startswith(f"{path.name}: ")
            refused += 1
        assert time.process_time() - start < SLOW_SECONDS
    assert refused > 400
    assert read > 400


def bias(tree: Any) -> Any:
    """The bias of the convolution, tensor 2."""
    return tree.subgraphs[0].tensors[2]


def per_channel(tree: Any, scales: int, axis: int) -> None:
    """Give the filter, [3, 2, 3, 4] or so, several scales."""
    quantization = tree.subgraphs[0].tensors[1].quantization
    quantization.scale = [1.0] * scales
    quantization.zeroPoint = [0] * scales
    quantization.quantizedDimension = axis


RULES: dict[str, tuple[Callable[[Any], object], str]] = {
    "version": (lambda tree: setattr(tree, "version", 2), "version 2, expected 3"),
    "no subgraph": (lambda tree: setattr(tree, "subgraphs", []), "it has no subgraph"),
    "operator": (
        lambda tree: setattr(tree.operatorCodes[0], "builtinCode", 5000),
        "operator code 0: no operator 5000",
    ),
    "negative shape": (
        lambda tree: setattr(tree.subgraphs[0].tensors[0], "shape", [1, -4, 4, 2]),
        "tensor 0: shape [1, -4, 4, 2]",
    ),
    "huge shape": (
        lambda tree: setattr(tree.subgraphs[0].tensors[0], "shape", [65536, 65536, 0, 9]),
        "tensor 0: shape [65536, 65536, 0, 9], expected at most 2147483647 elements",
    ),
    "rank": (
        lambda tree: setattr(tree.subgraphs[0].tensors[0], "shape", [1] * 17),
        "tensor 0: 17 dimensions, expected at most 16",
    ),
    "shape signature": (
        lambda tree: setattr(tree.subgraphs[0].tensors[0], "shapeSignature", [-1, 2]),
        "tensor 0: shape signature [-1, 2] of shape",
    ),
    "element type": (
        lambda tree: setattr(tree.subgraphs[0].tensors[0], "type", 99),
        "tensor 0: no element type 99",
    ),
    "buffer": (lambda tree: setattr(bias(tree), "buffer", 77), "tensor 2: no buffer 77"),
    "data": (
        lambda tree: setattr(tree.buffers[bias(tree).buffer], "data", np.zeros(7, np.uint8)),
        "tensor 2: bytes: got 7, expected",
    ),
    "scale 0": (
        lambda tree: setattr(bias(tree).quantization, "scale", [0.0]),
        "tensor 2: scale 0.0, expected finite and at least 1.18e-38",
    ),
    "scale NaN": (
        lambda tree: setattr(bias(tree).quantization, "scale", [float("nan")]),
        "tensor 2: scale nan",
    ),
    "denormal scale": (
        lambda tree: setattr(bias(tree).quantization, "scale", [2.0**-130]),
        "tensor 2: scale 7.34",
    ),
    "zero point": (
        lambda tree: setattr(bias(tree).quantization, "zeroPoint", [1]),
        "tensor 2: zero point 1, expected 0 to 0 for int32",
    ),
    "zero points": (
        lambda tree: setattr(bias(tree).quantization, "zeroPoint", [0, 0]),
        "tensor 2: 2 zero points for 1 scales",
    ),
    "axis": (lambda tree: per_channel(tree, 3, 4), "tensor 1: quantized dimension 4 of shape"),
    "scales": (lambda tree: per_channel(tree, 99, 0), "tensor 1: 99 scales for dimension 0"),
    "operator code": (
        lambda tree: setattr(tree.subgraphs[0].operators[0], "opcodeIndex", 9),
        "operator 0: no code 9",
    ),
    "dangling tensor": (
        lambda tree: tree.subgraphs[0].operators[0].inputs.append(99),
        "operator 0: no tensor 99",
    ),
    "dangling output": (
        lambda tree: setattr(tree.subgraphs[0], "outputs", [99]),
        "outputs: no tensor 99",
    ),
    "input twice": (
        lambda tree: setattr(tree.subgraphs[0], "inputs", [0, 0]),
        "inputs: [0, 0], expected each once",
    ),
    "two origins": (
        lambda tree: setattr(tree.subgraphs[0].operators[0], "outputs", [0]),
        "operator 0: tensor 0 has its value already",
    ),
    "no origin": (
        lambda tree: setattr(tree.subgraphs[0], "inputs", []),
        "operator 0: tensor 0 has no value yet",
    ),
}


@pytest.mark.parametrize("name", RULES)
def test_rules(name: str) -> None:
    change, message = RULES[name]
    tree = Model.parse(all_cases()["conv2d_u8_0"].model, "good").tree
    change(tree)
    builder = flatbuffers.Builder()
    builder.Finish(tree.Pack(builder), IDENTIFIER)
    with pytest.raises(ModelFileError) as caught:
        Model.parse(bytes(builder.Output()), "bad")
    assert str(caught.value).startswith("bad: a broken TFLite file: ")
    assert message in str(caught.value)


def test_objects_shared_over_and_over() -> None:
    """2000 subgraphs that are one, with 2000 tensors that are one: four million in 16 kB."""
    builder = flatbuffers.Builder()
    tensor = schema.TensorT(shape=[1], name="x").Pack(builder)
    schema.SubGraphStartTensorsVector(builder, 2000)
    for _ in range(2000):
        builder.PrependUOffsetTRelative(tensor)
    tensors = builder.EndVector()
    schema.SubGraphStart(builder)
    schema.SubGraphAddTensors(builder, tensors)
    graph = schema.SubGraphEnd(builder)
    schema.ModelStartSubgraphsVector(builder, 2000)
    for _ in range(2000):
        builder.PrependUOffsetTRelative(graph)
    graphs = builder.EndVector()
    schema.ModelStart(builder)
    schema.ModelAddVersion(builder, 3)
    schema.ModelAddSubgraphs(builder, graphs)
    builder.Finish(schema.ModelEnd(builder), IDENTIFIER)
    start = time.process_time()
    with pytest.raises(ModelFileError, match="shared over and over"):
        Model.parse(bytes(builder.Output()), "bomb")
    assert time.process_time() - start < SLOW_SECONDS
