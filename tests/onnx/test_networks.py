# SPDX-License-Identifier: Apache-2.0
"""Published ONNX networks: the float conversion, and its 8-bit forms in LiteRT and the browser."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from octet.onnx.convert import convert_onnx
from octet.quantize.config import Config
from octet.quantize.convert import Interface
from octet.quantize.quantize import Quantized, QuantizeOptions, quantize_model
from octet.tflite.model import Model
from octet.tflite.runtime import Session
from octet.tflite.types import Array
from octet.web.runner import Runner, runner
from tests.onnx.small_models import run_onnx, run_tflite
from tests.quantize.networks import ONE_JOB

FLOAT_TOLERANCE = 1e-4
"""Absolute: float32 sums in another order; what a user is promised."""

LIMITS = {"int8": (-128, 127), "uint8": (0, 255)}

PHOTOS = ("cat.png", "grace_hopper.png", "pets.jpg", "bird.png")


@dataclass(frozen=True)
class Network:
    """An ONNX file and what its images are.

    Attributes:
        file: its name.
        mean: taken off pixels of 0 to 255.
        scale: what they are divided by then.
        least: signal-to-noise ratio in dB that the first output of its 8-bit forms has at least:
            half a bit (3 dB) below what the photos gave as calibration and test.
    """

    file: str
    mean: float
    scale: float
    least: Mapping[str, float]


NETWORKS = {
    "squeezenet": Network("squeezenet1.1_f32.onnx", 118, 57, {"int8": 26, "uint8": 25}),
    "rfb": Network("version-RFB-320.onnx", 127, 128, {"int8": 44, "uint8": 37}),
    "yunet": Network("yunet_n_320_320.onnx", 0, 1, {"int8": 30, "uint8": 26.5}),
    "mnist": Network("mnist.onnx", 0, 255, {"int8": 31, "uint8": 29.5}),
    "mobilenet": Network(
        "mobilenet_v1_0.25_128_deq_f32.onnx", 127.5, 127.5, {"int8": 10, "uint8": 12}
    ),
}


@pytest.fixture(scope="module")
def session() -> Iterator[Runner]:
    with runner() as running:
        yield running


@cache
def network_bytes(folder: Path, name: str) -> bytes:
    return (folder / "models/onnx" / NETWORKS[name].file).read_bytes()


@cache
def converted(folder: Path, name: str) -> Model:
    return convert_onnx(network_bytes(folder, name), NETWORKS[name].file)


@cache
def photos(folder: Path, name: str) -> list[Array]:
    """Return the photos as the converted network takes them."""
    network, model = NETWORKS[name], converted(folder, name)
    _, height, width, channels = model.shape(model.inputs[0])
    found = []
    for photo in PHOTOS:
        image = Image.open(folder / "models/images" / photo).convert(
            "RGB" if channels == 3 else "L"
        )
        pixels = np.asarray(image.resize((width, height)), np.float32)
        pixels = pixels.reshape(1, height, width, channels)
        found.append(((pixels - network.mean) / network.scale).astype(np.float32))
    return found


class Photos:
    """A source of records."""

    def __init__(self, arrays: Sequence[Array]) -> None:
        self.name, self.count, self._arrays = "photos", len(arrays), arrays

    def read(self, index: int) -> list[Array]:
        return [self._arrays[index]]

    def place(self, index: int) -> str:
        return f"photos: record {index}"

    def title(self, index: int) -> str:
        return PHOTOS[index]

    def fingerprint(self) -> str:
        return "photos"


@cache
def quantized(folder: Path, name: str, dtype: str, interface: Interface) -> Quantized:
    options = QuantizeOptions(record=ONE_JOB, config=Config(dtype=dtype), interface=interface)
    return quantize_model(converted(folder, name), options, Photos(photos(folder, name)))


@pytest.mark.parametrize("name", NETWORKS)
def test_float_conversion_equals_onnx_runtime(octet_data: Path, name: str) -> None:
    model = converted(octet_data, name)
    (image,) = [model.tensor_name(index) for index in model.inputs]
    for photo in photos(octet_data, name)[:2]:
        feeds = {image: np.ascontiguousarray(np.moveaxis(photo, -1, 1))}
        expected = run_onnx(network_bytes(octet_data, name), feeds)
        for a, b in zip(expected, run_tflite(model, feeds), strict=True):
            assert a.shape == b.shape
            np.testing.assert_allclose(b, a, rtol=0, atol=FLOAT_TOLERANCE * max(1, np.abs(a).max()))


@pytest.mark.parametrize("dtype", ["int8", "uint8"])
@pytest.mark.parametrize("name", NETWORKS)
def test_quantized_networks_are_near_float(octet_data: Path, name: str, dtype: str) -> None:
    made = quantized(octet_data, name, dtype, Interface())
    assert {layer.type for layer, _ in made.in_float()} <= {"EXP", "DIV"}
    floats = Session(converted(octet_data, name).to_bytes(), name)
    integers = Session(made.model.to_bytes(), name)
    signal = noise = 0.0
    for photo in photos(octet_data, name):
        expected, found = floats.run([photo])[0], integers.run([photo])[0]
        signal += float((expected.astype(np.float64) ** 2).sum())
        noise += float(((expected.astype(np.float64) - found) ** 2).sum())
    assert 10 * np.log10(signal / noise) >= NETWORKS[name].least[dtype]


@pytest.mark.parametrize("dtype", ["int8", "uint8"])
@pytest.mark.parametrize("name", NETWORKS)
def test_quantized_networks_in_the_browser(
    session: Runner, octet_data: Path, tmp_path: Path, name: str, dtype: str
) -> None:
    made = quantized(octet_data, name, dtype, Interface(dtype, dtype))
    data = made.model.to_bytes()
    path = tmp_path / f"{name}.tflite"
    path.write_bytes(data)
    fast, builtin = (Session(data, name, kernels=kind) for kind in ("fast", "builtin"))
    with session.load(path) as model:
        info = model.inputs[0]
        for photo in photos(octet_data, name)[:2]:
            steps = np.rint(photo / np.float32(info.scale[0])) + info.zero_point[0]
            record = np.clip(steps, *LIMITS[dtype]).astype(dtype)
            got = list(model.run({info.name: record}).values())
            results = zip(fast.run([record]), builtin.run([record]), got, strict=True)
            for expected, other, found in results:
                assert found.dtype == expected.dtype
                # As far apart as LiteRT's own kernels are, or a step.
                bound = max(1, largest_difference(expected, other))
                assert largest_difference(found, expected) <= bound


def largest_difference(a: Array, b: Array) -> float:
    return float(np.abs(a.astype(np.float64) - b.astype(np.float64)).max())
