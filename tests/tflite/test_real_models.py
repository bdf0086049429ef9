# SPDX-License-Identifier: Apache-2.0
"""Real networks on a real photo: octet's engine against LiteRT, and post-processing by itself."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter, OpResolverType
from PIL import Image

from tests.javascript import node_flags
from tests.tflite.test_litert import MISSING, RUNNER
from tests.tflite.tiny_models import Array

PHOTO = "images/grace_hopper.png"
POSTPROCESS = Path(__file__).with_name("run_postprocess.js")

# How far results may be from LiteRT's: a share of the range for floats, where sums of thousands of
# products differ in their order; steps for quantized ones, whose layers each may differ by one.
FLOAT, SOFTMAX_OF_STEPS = 1e-4, 4
MODELS = {
    "tflite-derived/mobilenet_v1_1.0_224_quant_joined": 2,
    "tflite-derived/mobilenet_v2_1.0_224_f32": FLOAT,
    "tflite-derived/person_detect_int8_fixed": 2,
    "tflite-f32/deeplabv3_257_mv_gpu": FLOAT,
    "tflite-f32/face_detection_front_f32": FLOAT,
    "tflite-f32/hand_landmark_224_f32": FLOAT,
    "tflite-f32/lstm_mnist_f32": FLOAT,
    "tflite-f32/resnet8_cifar_f32": FLOAT,
    "tflite-fp16/face_detection_short_range_fp16": FLOAT,
    "tflite-int8/ad01_toycar_int8": 2,
    "tflite-int8/kws_ref_model_int8": 2,
    # LiteRT keeps the cell state in 16 bits.
    "tflite-int8/lstm_mnist_int8": 8,
    "tflite-int8/resnet8_cifar_int8": 2,
    "tflite-int8/tf2_mobilenet_v2_1.0_224_ptq": SOFTMAX_OF_STEPS,
    "tflite-int8/vww_96_int8": 2,
    "tflite-uint8/mobilenet_v1_0.25_128_quant": 2 * SOFTMAX_OF_STEPS,
    "tflite-uint8/mobilenet_v2_1.0_224_quant": SOFTMAX_OF_STEPS,
    "tflite-uint8/ssd_mobilenet_v1_coco_quant_detect": FLOAT,
}


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


@pytest.mark.parametrize("name", MODELS)
def test_like_litert(name: str, octet_data: Path, tmp_path: Path) -> None:
    model = octet_data / "models" / f"{name}.tflite"
    interpreter, given = run_litert(model, octet_data / "models" / PHOTO)
    (tmp_path / "in").write_bytes(given.tobytes())
    case = {"name": model.stem, "model": os.path.relpath(model, tmp_path), "inputs": ["in"]}
    (tmp_path / "cases.json").write_text(json.dumps([case]))
    subprocess.run(["node", *node_flags(), str(RUNNER), str(tmp_path)], check=True, timeout=120)
    outcome = json.loads((tmp_path / "results.json").read_text())[model.stem]
    if any(words in outcome.get("error", "") for words in MISSING):
        pytest.skip(outcome["error"].splitlines()[0])
    assert "error" not in outcome, outcome["error"]
    details = interpreter.get_output_details()
    for output, detail in zip(outcome["outputs"], details, strict=True):
        expected = interpreter.get_tensor(detail["index"])
        got = np.frombuffer((tmp_path / output["file"]).read_bytes(), expected.dtype)
        difference = np.abs(got.reshape(expected.shape).astype(float) - expected)
        bound = MODELS[name] * (np.abs(expected).max() if expected.dtype.kind == "f" else 1)
        assert difference.max() <= bound, output["name"]
        if expected.dtype.kind != "f":
            assert got.argmax() == expected.argmax()


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
    command = ["node", str(POSTPROCESS), str(model), str(listing)]
    done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=60)
    outputs = json.loads(done.stdout)
    details = interpreter.get_output_details()
    assert [output["name"] for output in outputs] == [detail["name"] for detail in details]
    for i, (output, detail) in enumerate(zip(outputs, details, strict=True)):
        expected = interpreter.get_tensor(detail["index"])
        got = np.frombuffer((tmp_path / f"{i}.out").read_bytes(), np.float32)
        assert tuple(output["shape"]) == expected.shape
        np.testing.assert_array_equal(got.reshape(expected.shape), expected)
