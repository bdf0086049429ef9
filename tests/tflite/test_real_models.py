# SPDX-License-Identifier: Apache-2.0
"""Every published network on a photo against LiteRT, and post-processing by itself."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter, OpResolverType
from PIL import Image
from playwright.sync_api import Browser

from octet.node import node_command
from tests.conftest import data_folder
from tests.patience import SECONDS
from tests.tflite.litert_twins import TRANSPOSE_CONV_BIAS, without_transpose_conv_bias
from tests.tflite.operators.browser import OperatorPage, Run, operator_page
from tests.tflite.operators.litert import run_litert as run_small
from tests.tflite.tiny_models import Array

PHOTO = "images/grace_hopper.png"
POSTPROCESS = Path(__file__).with_name("run_postprocess.js")

FOLDERS = ("derived", "f32", "fp16", "int8", "uint8")
FLOAT = 1e-5
"""Of the largest output: sums of thousands of products differ in their order."""

DRAW = 2
"""How far two float implementations are apart is one draw of many: another pair may be further."""


def model_files() -> list[str]:
    """Every published model; none where there is no data."""
    models = data_folder() / "models"
    files = [path for name in FOLDERS for path in models.glob(f"tflite-{name}/*.tflite")]
    return sorted(str(path.relative_to(models)) for path in files)


def for_litert(model: Path) -> bytes:
    """The model as stock LiteRT takes it, which refuses two of the published ones."""
    if model.stem == "person_detect_int8":
        return (model.parents[1] / "tflite-derived/person_detect_int8_fixed.tflite").read_bytes()
    data = model.read_bytes()
    return without_transpose_conv_bias(data) if TRANSPOSE_CONV_BIAS in data else data


def model_input(detail: dict[str, Any], photo: Path) -> Array:
    """The photo where the model takes one, else noise; quantized as the model says."""
    shape = detail["shape"]
    if len(shape) == 4 and shape[3] == 3:
        image = Image.open(photo).convert("RGB").resize((shape[2], shape[1]))
        values = np.asarray(image, np.float32)[None] / 127.5 - 1
    else:
        values = np.random.default_rng(1).normal(size=shape).astype(np.float32)
    if detail["dtype"] == np.float32:
        return np.ascontiguousarray(values)
    scale, zero_point = detail["quantization"]
    info = np.iinfo(detail["dtype"])
    stored = np.clip(np.round(values / scale + zero_point), info.min, info.max)
    return np.ascontiguousarray(stored, info.dtype)


def run_litert(model: Path, photo: Path, **options: Any) -> tuple[Interpreter, Array]:
    """An interpreter that has run on the photo, and what it was given."""
    interpreter = Interpreter(model_path=str(model), num_threads=4, **options)
    interpreter.allocate_tensors()
    (detail,) = interpreter.get_input_details()
    given = model_input(detail, photo)
    interpreter.set_tensor(detail["index"], given)
    interpreter.invoke()
    return interpreter, given


@pytest.fixture(scope="module")
def networks(browser: Browser) -> Iterator[OperatorPage]:
    with operator_page(browser) as page:
        yield page


@pytest.mark.parametrize("name", model_files())
def test_like_litert(name: str, networks: OperatorPage, octet_data: Path) -> None:
    """Integers within a step of XNNPACK, float32 within 1e-5.

    Or, where XNNPACK and TFLite's own kernels are farther apart in float32, within twice their
    distance: each of two engines may be as far from the right number, on either side of it.
    """
    path = octet_data / "models" / name
    reference = for_litert(path)
    details = Interpreter(model_content=reference).get_input_details()
    inputs = [model_input(detail, octet_data / "models" / PHOTO) for detail in details]
    (outcome,) = networks.run([Run(path.name, path.read_bytes(), inputs)])
    assert not outcome.error
    expected = run_small(reference, inputs, xnnpack=True)
    others = run_small(reference, inputs)
    for got, wanted, other in zip(outcome.outputs, expected, others, strict=True):
        assert got.shape == wanted.shape
        if wanted.dtype == np.int64:
            np.testing.assert_array_equal(got, wanted)
            continue
        bound = 1.0
        if wanted.dtype.kind == "f":
            between = np.abs(wanted.astype(float) - other.astype(float)).max()
            bound = max(DRAW * between, FLOAT * np.abs(wanted).max())
        assert np.abs(got.astype(float) - wanted.astype(float)).max() <= bound
        if wanted.dtype.kind != "f":
            assert got.argmax() == wanted.argmax()


def test_the_two_that_litert_refuses(octet_data: Path) -> None:
    """Otherwise they need no twins."""
    for name in ("int8/person_detect_int8", "fp16/selfie_segmentation_fp16_customop"):
        model = octet_data / f"models/tflite-{name}.tflite"
        kernels = OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
        with pytest.raises((RuntimeError, ValueError)):
            Interpreter(str(model), experimental_op_resolver_type=kernels).allocate_tensors()


@pytest.mark.parametrize(
    "name",
    [
        "tflite-uint8/ssd_mobilenet_v1_coco_quant_detect",
        "tflite-derived/ssd_mobilenet_v1_coco_deq_f32",
    ],
)
@pytest.mark.parametrize("photo", ["kite_and_cold.jpg", "pets.jpg", "hot_dog.jpg"])
def test_detection_postprocess(name: str, photo: str, octet_data: Path, tmp_path: Path) -> None:
    """From the same heads, the same boxes to the last bit."""
    models = octet_data / "models"
    model = models / f"{name}.tflite"
    interpreter, _ = run_litert(
        model,
        models / "images" / photo,
        experimental_preserve_all_tensors=True,
        experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
    )
    heads = {}
    for detail in interpreter.get_tensor_details():
        if detail["name"] in ("Squeeze", "convert_scores"):
            file = tmp_path / detail["name"]
            file.write_bytes(interpreter.get_tensor(detail["index"]).tobytes())
            heads[detail["name"]] = str(file)
    listing = tmp_path / "heads.json"
    listing.write_text(json.dumps(heads))
    command = node_command(str(POSTPROCESS), str(model), str(listing))
    done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=SECONDS)
    outputs = json.loads(done.stdout)
    details = interpreter.get_output_details()
    assert [output["name"] for output in outputs] == [detail["name"] for detail in details]
    for i, (output, detail) in enumerate(zip(outputs, details, strict=True)):
        expected = interpreter.get_tensor(detail["index"])
        got = np.frombuffer((tmp_path / f"{i}.out").read_bytes(), np.float32)
        assert tuple(output["shape"]) == expected.shape
        np.testing.assert_array_equal(got.reshape(expected.shape), expected)
