# SPDX-License-Identifier: Apache-2.0
"""ONNX files as users have them: open dimensions, data beside the file, and files that are none."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper

from octet.cli import main
from octet.onnx.graph import OnnxError
from octet.quantize.load import load_model
from octet.tflite.model import Model
from tests.onnx.operator_cases import numbers
from tests.onnx.small_models import run_onnx, run_tflite

FLOAT = onnx.TensorProto.FLOAT


def open_model(*sizes: Any) -> onnx.ModelProto:
    """A convolution whose input has ``sizes``, names for open ones."""
    graph = helper.make_graph(
        [helper.make_node("Conv", ["x", "w"], ["y"])],
        "open",
        [helper.make_tensor_value_info("x", FLOAT, sizes)],
        [helper.make_tensor_value_info("y", FLOAT, None)],
        [numpy_helper.from_array(numbers(5, 4, 3, 3), "w")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 7
    return model


def test_an_open_batch_is_one(tmp_path: Path) -> None:
    path = tmp_path / "open.onnx"
    onnx.save(open_model("batch", 4, 7, 6), path)
    assert load_model(path).shape(0) == (1, 7, 6, 4)


def test_open_sizes_have_to_be_given(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path, made = tmp_path / "open.onnx", tmp_path / "made.tflite"
    onnx.save(open_model("batch", 4, "height", "width"), path)
    words = r'open.onnx: input "x": shape: got 1 x 4 x \? x \?, .* --input-shape x=1x3x224x224'
    with pytest.raises(OnnxError, match=words):
        load_model(path)
    with pytest.raises(OnnxError, match="got rank 2, expected 4"):
        load_model(path, {"x": (1, 4)})
    with pytest.raises(OnnxError, match=r'input shapes: got "z", expected \[\'x\'\]'):
        load_model(path, {"x": (1, 4, 8, 8), "z": (1,)})
    command = ["quantize", str(path), "-o", str(made), "--random", "2", "--no-cache"]
    assert main([*command, "--input-shape", "x=1x4x8x9"]) == 0
    model = Model.read(made)
    assert model.shape(model.inputs[0]) == (1, 8, 9, 4)
    assert main([*command, "--input-shape", "x=1x4x8x0"]) == 2
    assert "got 'x=1x4x8x0', expected NAME=1x3x224x224" in capsys.readouterr().err


def test_data_beside_the_file(tmp_path: Path) -> None:
    whole, path = tmp_path / "whole.onnx", tmp_path / "parts.onnx"
    onnx.save(open_model(1, 4, 7, 6), whole)
    onnx.save(
        open_model(1, 4, 7, 6),
        path,
        save_as_external_data=True,
        location="parts.bin",
        size_threshold=0,
        convert_attribute=False,
    )
    assert (tmp_path / "parts.bin").stat().st_size == 5 * 4 * 9 * 4
    feeds = {"x": numbers(1, 4, 7, 6)}
    (expected,) = run_onnx(whole.read_bytes(), feeds)
    (found,) = run_tflite(load_model(path), feeds)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-6 * np.abs(expected).max())
    (tmp_path / "parts.bin").unlink()
    with pytest.raises(OnnxError, match=r"parts.onnx: .*parts.bin"):
        load_model(path)


def test_data_elsewhere_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "secret.bin").write_bytes(bytes(5 * 4 * 9 * 4))
    model = open_model(1, 4, 7, 6)
    weights = model.graph.initializer[0]
    weights.ClearField("raw_data")
    weights.data_location = onnx.TensorProto.EXTERNAL
    weights.external_data.add(key="location", value="../secret.bin")
    folder = tmp_path / "models"
    folder.mkdir()
    (folder / "sly.onnx").write_bytes(model.SerializeToString())
    with pytest.raises(OnnxError, match="sly.onnx: a broken ONNX file"):
        load_model(folder / "sly.onnx")


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "not an ONNX file"),
        (b"\x89PNG\r\n", "a broken ONNX file"),
        (open_model(1, 4, 7, 6).SerializeToString()[:-40], "a broken ONNX file"),
    ],
)
def test_files_that_are_none(tmp_path: Path, data: bytes, words: str) -> None:
    path = tmp_path / "none.onnx"
    path.write_bytes(data)
    with pytest.raises(OnnxError, match=f"none.onnx: {words}"):
        load_model(path)
