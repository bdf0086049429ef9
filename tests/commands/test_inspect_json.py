# SPDX-License-Identifier: Apache-2.0
"""``octet inspect --json``: everything about a file and how it runs, for machines."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from octet.cli import main
from tests.tflite.cases import all_cases
from tests.tflite.tiny_models import Operator, Tensor, write_model


def test_a_quantized_model(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "conv.tflite"
    path.write_bytes(all_cases()["conv2d_i8_0"].model)
    assert main(["inspect", str(path), "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["file"] == "conv.tflite"
    assert report["version"] == 3
    assert report["subgraphs"] == 1
    assert report["problem"] == ""
    [operator] = report["operators"]
    assert operator["name"] == "CONV_2D"
    assert operator["runs"] == "integer"
    assert operator["inputs"] == [0, 1, 2]
    assert operator["outputs"] == report["outputs"]
    assert operator["kernels"]
    filter_tensor = report["tensors"][1]
    assert filter_tensor["type"] == "INT8"
    scales = filter_tensor["quantization"]["scale"]
    assert filter_tensor["scales"] == len(scales)
    assert len(filter_tensor["quantization"]["zeroPoint"]) == len(scales)


def test_a_model_that_does_not_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "custom.tflite"
    tensors = {"x": Tensor((4,)), "y": Tensor((4,))}
    operator = Operator("Mystery", ("x",), ("y",), custom_options=b"")
    path.write_bytes(write_model(tensors, [operator], ("x",), ("y",)))
    assert main(["inspect", str(path), "--json"]) == 1
    report = json.loads(capsys.readouterr().out)
    assert report["operators"][0]["runs"] == "unsupported"
    assert "Mystery" in report["problem"]
