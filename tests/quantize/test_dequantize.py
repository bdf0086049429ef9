# SPDX-License-Identifier: Apache-2.0
"""``octet dequantize``: twins in LiteRT beside the quantized models they come from."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from octet.cli import main
from octet.errors import OctetError
from octet.quantize.dequantize import dequantize
from octet.tflite.model import Model
from octet.tflite.runtime import Session
from octet.tflite.types import Array
from tests.tflite.cases import all_cases
from tests.tflite.cases.case import Case
from tests.tflite.tiny_models import Operator, Tensor, constant, write_model

EXTRA_STEPS = 1.0
"""What a rounded value differs from the real one by, on top of what LiteRT's own kernels do."""

TIGHT = 1e-5
"""Twins of one network made in two ways differ by the order of sums."""


def quantized_cases() -> dict[str, Case]:
    """The small models that have quantized tensors; what detectors leave behind is undefined."""
    found = {}
    for name, case in all_cases().items():
        if case.per_detection:
            continue
        model = Model.parse(case.model, name)
        quantized = [
            t for t in model.tensors if t.quantization and t.quantization.scale is not None
        ]
        if quantized:
            found[name] = case
    return found


CASES = quantized_cases()


def real(array: Array, tensor: Any) -> Array:
    """The numbers that a stored array stands for."""
    if array.dtype == np.float32 or tensor.quantization is None:
        return array
    if tensor.quantization.scale is None:
        return array
    scale = np.float32(tensor.quantization.scale[0])
    return (array.astype(np.float32) - int(tensor.quantization.zeroPoint[0])) * scale


def run_both(model: Model, arrays: list[Array]) -> list[tuple[Array, Array, Any]]:
    """Outputs of the model, as real numbers, and of its twin, with the output's tensor."""
    twin = dequantize(model).model
    inputs = [real(a, model.tensors[i]) for a, i in zip(arrays, model.inputs, strict=True)]
    outputs = Session(model.to_bytes(), "model", kernels="builtin").run(arrays)
    floats = Session(twin.to_bytes(), "twin", kernels="builtin").run(inputs)
    tensors = [model.tensors[index] for index in model.outputs]
    return [
        (real(a, tensor), b, tensor) for a, b, tensor in zip(outputs, floats, tensors, strict=True)
    ]


@pytest.mark.parametrize("name", CASES)
def test_operators(name: str) -> None:
    case = CASES[name]
    model = Model.parse(case.model, name)
    for want, got, tensor in run_both(model, list(case.inputs)):
        assert got.dtype == want.dtype
        assert got.shape == want.shape
        if tensor.quantization is None or tensor.quantization.scale is None:
            np.testing.assert_allclose(got, want, rtol=1e-5, atol=1e-5)
            continue
        # Where the float result leaves the range, the integers say where the range ends.
        scale, zero_point = tensor.quantization.scale[0], int(tensor.quantization.zeroPoint[0])
        info = np.iinfo(np.dtype(model.dtype(model.outputs[0])))
        inside = np.clip(got, (info.min - zero_point) * scale, (info.max - zero_point) * scale)
        assert np.abs(inside - want).max() / scale <= case.steps + EXTRA_STEPS


def conv(output: Tensor, activation: int = 0) -> Model:
    """A convolution of 1x1 whose results reach from -12 to 12 or so."""
    tensors = {
        "x": Tensor((1, 4, 4, 2), "uint8", 1 / 16, 128),
        "w": constant(np.arange(6).reshape(3, 1, 1, 2) * 40, "uint8", scale=1 / 64, zero_point=100),
        "b": constant([10, -20, 30], scale=1 / 1024),
        "y": output,
    }
    fields = {"strideW": 1, "strideH": 1, "fusedActivationFunction": activation}
    operator = Operator("CONV_2D", ("x", "w", "b"), ("y",), "Conv2DOptions", fields)
    return Model.parse(write_model(tensors, [operator], ("x",), ("y",)), "conv")


@pytest.mark.parametrize(
    ("scale", "zero_point", "dtype", "activation"),
    [
        (6 / 255, 0, "uint8", "RELU6"),
        (0.0235, 0, "uint8", "RELU6"),
        (6 / 255, -128, "int8", "RELU6"),
        (0.09, 0, "uint8", "RELU"),
        (0.01, -128, "int8", "RELU"),
        (2 / 255, 128, "uint8", "RELU_N1_TO_1"),
        (2 / 255, 0, "int8", "RELU_N1_TO_1"),
        (0.1, 128, "uint8", None),
        (6 / 255, 1, "uint8", None),
    ],
)
def test_a_range_says_the_activation(
    scale: float, zero_point: int, dtype: str, activation: str | None
) -> None:
    output = Tensor((1, 4, 4, 3), dtype, scale, zero_point)
    twin = dequantize(conv(output))
    assert twin.clamps == ({"y": activation} if activation else {})
    codes = {None: 0, "RELU": 1, "RELU_N1_TO_1": 2, "RELU6": 3}
    [operator] = twin.model.operators
    assert operator.builtinOptions.fusedActivationFunction == codes[activation]


def test_an_activation_of_the_file_stays() -> None:
    twin = dequantize(conv(Tensor((1, 4, 4, 3), "uint8", 6 / 255, 0), activation=1))
    assert twin.clamps == {}
    assert twin.model.operators[0].builtinOptions.fusedActivationFunction == 1


def test_clamped_results_are_near() -> None:
    rng = np.random.default_rng(3)
    x = rng.integers(0, 256, (1, 4, 4, 2), np.uint8)
    for want, got, tensor in run_both(conv(Tensor((1, 4, 4, 3), "uint8", 6 / 255, 0)), [x]):
        assert want.max() == pytest.approx(6)
        assert want.min() == 0
        assert np.abs(got - want).max() <= tensor.quantization.scale[0]


def test_conversions_go() -> None:
    """float -> uint8 -> uint8 of another scale, which clamps -> float."""
    tensors = {
        "x": Tensor((1, 8)),
        "a": Tensor((1, 8), "uint8", 1 / 16, 128),
        "b": Tensor((1, 8), "uint8", 6 / 255, 0),
        "y": Tensor((1, 8)),
    }
    operators = [
        Operator("QUANTIZE", ("x",), ("a",)),
        Operator("QUANTIZE", ("a",), ("b",)),
        Operator("DEQUANTIZE", ("b",), ("y",)),
    ]
    model = Model.parse(write_model(tensors, operators, ("x",), ("y",)), "conversions")
    twin = dequantize(model)
    assert twin.conversions == 3
    assert twin.clamps == {"b": "RELU6"}
    assert [twin.model.operator_name(op) for op in twin.model.operators] == ["RELU6"]
    assert [twin.model.tensor_name(i) for i in twin.model.outputs] == ["y"]
    x = np.linspace(-9, 9, 8, dtype=np.float32)[None]
    [(want, got, _)] = run_both(model, [x])
    np.testing.assert_allclose(got, want, atol=1 / 16)


def test_an_input_that_is_an_output() -> None:
    tensors = {"x": Tensor((2, 3), "int8", 0.5, 1), "y": Tensor((2, 3))}
    data = write_model(tensors, [Operator("DEQUANTIZE", ("x",), ("y",))], ("x",), ("y",))
    twin = dequantize(Model.parse(data, "direct")).model
    x = np.arange(6, dtype=np.float32).reshape(2, 3)
    np.testing.assert_array_equal(Session(twin.to_bytes(), "twin").run([x])[0], x)


def test_refusals(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    float_model = write_model(
        {"x": Tensor((4,)), "y": Tensor((4,))}, [Operator("RELU", ("x",), ("y",))], ("x",), ("y",)
    )
    (tmp_path / "f.tflite").write_bytes(float_model)
    out = tmp_path / "out.tflite"
    assert main(["dequantize", str(tmp_path / "f.tflite"), "-o", str(out)]) == 1
    assert "f.tflite: no tensor is quantized" in capsys.readouterr().err
    assert not out.exists()
    tensors = {"x": Tensor((4,), "int8", 0.5, 1), "y": Tensor((4,), "int32")}
    fields = {"inDataType": 9, "outDataType": 2}
    cast = Operator("CAST", ("x",), ("y",), "CastOptions", fields)
    model = Model.parse(write_model(tensors, [cast], ("x",), ("y",)), "cast")
    with pytest.raises(OctetError, match=r'CAST: tensor "x": its stored integers are taken'):
        dequantize(model)


def test_the_detector_gets_its_clamps_back(octet_data: Path, tmp_path: Path) -> None:
    source = octet_data / "models/tflite-uint8/ssd_mobilenet_v1_coco_quant_detect.tflite"
    twin = dequantize(Model.read(source))
    assert list(twin.clamps.values()) == ["RELU6"] * 27
    other = octet_data / "models/tflite-derived/ssd_mobilenet_v1_coco_deq_f32.tflite"
    x = np.random.default_rng(4).uniform(-1, 1, (1, 300, 300, 3)).astype(np.float32)
    mine = Session(twin.model.to_bytes(), "twin").run([x])
    theirs = Session(other.read_bytes(), "other").run([x])
    for got, want in zip(mine, theirs, strict=True):
        np.testing.assert_allclose(got, want, rtol=TIGHT, atol=TIGHT)


@pytest.mark.parametrize(
    "name",
    [
        "tflite-uint8/mobilenet_v2_1.0_224_quant",
        "tflite-uint8/mobilenet_v1_0.25_128_quant",
        "tflite-int8/tf2_mobilenet_v2_1.0_224_ptq",
    ],
)
def test_classifiers_see_the_same(octet_data: Path, tmp_path: Path, name: str) -> None:
    source, out = octet_data / f"models/{name}.tflite", tmp_path / "twin.tflite"
    assert main(["dequantize", str(source), "-o", str(out)]) == 0
    model = Model.read(source)
    _, height, width, _ = model.shape(model.inputs[0])
    with Image.open(octet_data / "models/images/cat.png") as opened:
        picture = np.asarray(opened.convert("RGB").resize((width, height)))[None]
    [want] = Session(source.read_bytes(), "model").run([picture])
    [got] = Session(out.read_bytes(), "twin").run([real(picture, model.tensors[model.inputs[0]])])
    # The outputs are probabilities; 8 bits of each layer move the largest by less than a tenth.
    probabilities = real(want, model.tensors[model.outputs[0]])
    assert probabilities.max() - probabilities[0, got.argmax()] < 0.1
    assert np.abs(got - probabilities).max() < 0.1
