# SPDX-License-Identifier: Apache-2.0
"""Real networks in headless Chromium against TFLite's interpreter on the same input."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from octet.commands.inspect import operator_reports
from octet.web.runner import Runner, runner
from tests.models.reference import (
    PHOTOS,
    Array,
    Litert,
    intersection_over_union,
    largest_difference,
    photo_input,
)

CLASSIFIERS = (
    "tflite-uint8/mobilenet_v2_1.0_224_quant",
    "tflite-uint8/mobilenet_v1_0.25_128_quant",
    "tflite-int8/tf2_mobilenet_v2_1.0_224_ptq",
    "tflite-derived/mobilenet_v2_1.0_224_f32",
)
TINY = (
    "tflite-int8/vww_96_int8",
    "tflite-int8/resnet8_cifar_int8",
)
QUANTIZED = (
    *CLASSIFIERS[:3],
    *TINY,
    "tflite-int8/kws_ref_model_int8",
    "tflite-uint8/ssd_mobilenet_v1_coco_quant_detect",
    "tflite-uint8/deeplabv3_mnv2_pascal_quant",
)
KEYWORD = "tflite-int8/kws_ref_model_int8"
DETECTOR = "tflite-uint8/ssd_mobilenet_v1_coco_quant_detect"
SEGMENTER = "tflite-uint8/deeplabv3_mnv2_pascal_quant"
FLOAT_SEGMENTER = "tflite-f32/deeplabv3_257_mv_gpu"

TOP1_PHOTOS = 20
FLOAT_TOLERANCE = 1e-4
"""Of the largest output: float32 sums in another order."""


@pytest.fixture(scope="module")
def session() -> Iterator[Runner]:
    with runner() as running:
        yield running


def model_path(data: Path, name: str) -> Path:
    return data / f"models/{name}.tflite"


def assert_as_close_as_litert_to_itself(got: Array, xnnpack: Array, builtin: Array) -> None:
    """Assert the bound that TFLite's own kernels set: how far they are apart."""
    assert largest_difference(got, xnnpack) <= largest_difference(xnnpack, builtin)


@pytest.mark.parametrize("name", CLASSIFIERS)
def test_classifiers_name_the_same(session: Runner, octet_data: Path, name: str) -> None:
    path = model_path(octet_data, name)
    photos = sorted((octet_data / "models/data/imagenet1000_256").glob("*.jpg"))
    xnnpack, builtin = Litert(path, "xnnpack"), Litert(path, "builtin")
    with session.load(path) as model:
        info = model.inputs[0]
        for photo in photos[:: len(photos) // TOP1_PHOTOS][:TOP1_PHOTOS]:
            inputs = {info.name: photo_input(photo, info)}
            (got,) = model.run(inputs).values()
            (expected,) = xnnpack.run(inputs).values()
            assert got.argmax() == expected.argmax(), photo.name
            if info.dtype == "float32":
                scale = np.abs(expected).max()
                assert largest_difference(got, expected) <= FLOAT_TOLERANCE * scale
            else:
                (other,) = builtin.run(inputs).values()
                bound = max(1.0, largest_difference(expected, other))
                assert largest_difference(got, expected) <= bound, photo.name


@pytest.mark.parametrize("name", TINY)
def test_tiny_networks(session: Runner, octet_data: Path, name: str) -> None:
    path = model_path(octet_data, name)
    xnnpack, builtin = Litert(path, "xnnpack"), Litert(path, "builtin")
    with session.load(path) as model:
        info = model.inputs[0]
        for photo in PHOTOS:
            inputs = {info.name: photo_input(octet_data / "models/images" / photo, info)}
            (got,) = model.run(inputs).values()
            (expected,) = xnnpack.run(inputs).values()
            (other,) = builtin.run(inputs).values()
            assert_as_close_as_litert_to_itself(got, expected, other)


def test_keyword_spotting(session: Runner, octet_data: Path) -> None:
    path = model_path(octet_data, KEYWORD)
    data = np.load(octet_data / "models/data/kws01_1000.npz")
    xnnpack = Litert(path, "xnnpack")
    with session.load(path) as model:
        info = model.inputs[0]
        for record in data["x_int8"][:50]:
            inputs = {info.name: record.reshape(info.shape).astype(np.int8)}
            (got,) = model.run(inputs).values()
            (expected,) = xnnpack.run(inputs).values()
            assert largest_difference(got, expected) <= 1


def test_detector_finds_the_same(session: Runner, octet_data: Path) -> None:
    path = model_path(octet_data, DETECTOR)
    xnnpack = Litert(path, "xnnpack")
    with session.load(path) as model:
        info = model.inputs[0]
        for photo in PHOTOS:
            inputs = {info.name: photo_input(octet_data / "models/images" / photo, info)}
            boxes, classes, scores, _ = (a[0] for a in model.run(inputs).values())
            expected_boxes, expected_classes, expected_scores, _ = (
                a[0] for a in xnnpack.run(inputs).values()
            )
            count = int((expected_scores > 0.5).sum())
            assert count == int((scores > 0.5).sum()), photo
            for i in range(count):
                assert classes[i] == expected_classes[i]
                assert abs(scores[i] - expected_scores[i]) <= 0.02
                assert intersection_over_union(boxes[i], expected_boxes[i]) >= 0.98


@pytest.mark.parametrize("name", [SEGMENTER, FLOAT_SEGMENTER])
def test_segmenters_colour_the_same(session: Runner, octet_data: Path, name: str) -> None:
    path = model_path(octet_data, name)
    xnnpack = Litert(path, "xnnpack")
    with session.load(path) as model:
        info = model.inputs[0]
        for photo in ("bird_segmentation.png", "pets.jpg"):
            inputs = {info.name: photo_input(octet_data / "models/images" / photo, info)}
            (got,) = model.run(inputs).values()
            (expected,) = xnnpack.run(inputs).values()
            if got.ndim == 4:
                scale = np.abs(expected).max()
                assert largest_difference(got, expected) <= FLOAT_TOLERANCE * scale
                got, expected = got.argmax(-1), expected.argmax(-1)
            assert (got == expected).mean() >= 0.995, photo


@pytest.mark.parametrize("name", QUANTIZED)
def test_quantized_networks_run_in_integers(session: Runner, octet_data: Path, name: str) -> None:
    path = model_path(octet_data, name)
    facts = session.parse(path)
    with session.load(path) as model:
        reports = operator_reports(facts, model)
        outside = {"integer", "view", "script"}
        assert [report for report in reports if report.runs not in outside] == []
        assert all(not report.why for report in reports)


@pytest.mark.parametrize("name", [CLASSIFIERS[0], CLASSIFIERS[2]])
def test_variants_and_threads_give_the_same_bytes(
    session: Runner, octet_data: Path, name: str
) -> None:
    path = model_path(octet_data, name)
    results = []
    for variant, threads in (
        ("scalar", 1),
        ("simd", 1),
        ("simd", 2),
        ("relaxed", 1),
        ("relaxed", 4),
    ):
        with session.load(path, variant=variant, threads=threads) as model:
            info = model.inputs[0]
            photo = octet_data / "models/images/grace_hopper.png"
            (got,) = model.run({info.name: photo_input(photo, info)}).values()
            results.append(got.tobytes())
    assert len(set(results)) == 1


def test_float_io_modes(session: Runner, octet_data: Path) -> None:
    path = model_path(octet_data, CLASSIFIERS[0])
    photo = octet_data / "models/images/cat.png"
    with session.load(path) as model:
        info = model.inputs[0]
        pixels = photo_input(photo, info)
        (quantized,) = model.run({info.name: pixels}).values()
        scale, zero_point = info.scale[0], info.zero_point[0]
        out = model.outputs[0]
    with session.load(path, float_io=True) as model:
        assert model.inputs[0].dtype == model.outputs[0].dtype == "float32"
        real = ((pixels.astype(np.float32) - zero_point) * np.float32(scale)).astype(np.float32)
        (got,) = model.run({info.name: real}).values()
    expected = (quantized.astype(np.float32) - out.zero_point[0]) * np.float32(out.scale[0])
    np.testing.assert_array_equal(got, expected)
