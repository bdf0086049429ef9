# SPDX-License-Identifier: Apache-2.0
"""The networks that the build quantizes for the pages."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from octet.quantize.verify import verify_model
from octet.tflite.model import Model as TfliteModel
from octet.toolchain import quantized
from octet.toolchain.assets import MADE, Finder
from octet.toolchain.models import Catalogue, Credit, Labels, Model, Network, Sample
from tests.quantize.networks import classifier


def catalogue() -> Catalogue:
    models = (
        Model(id="f32", file="float.tflite"),
        Model(id="octet", precision="int8", file="made.tflite", quantized_from="f32"),
    )
    network = Network(
        id="tiny", task="classify", title="Tiny", labels="all", fit="crop", models=models
    )
    samples = tuple(
        Sample(id=str(i), title="", file=f"{i}.png", tasks=("classify",), credit="me")
        for i in range(4)
    )
    labels = {"all": Labels(file="labels.txt")}
    return Catalogue((network,), labels, samples, {"me": Credit(author="me", licence="CC0")})


def test_a_network_is_quantized_from_the_pictures(tmp_path: Path) -> None:
    classifier().write(tmp_path / "float.tflite")
    finder = Finder([tmp_path], downloads=None)
    assert quantized.quantize_steps(catalogue(), finder) == []  # no pictures
    random = np.random.default_rng(1)
    for number in range(4):
        pixels = random.integers(0, 256, (20, 30, 3), np.uint8)
        Image.fromarray(pixels).save(tmp_path / f"{number}.png")
    [step] = quantized.quantize_steps(catalogue(), finder)
    assert step.outputs == [MADE / "made.tflite"]
    [network] = catalogue().networks
    target = tmp_path / "out/made.tflite"
    target.parent.mkdir()
    pictures = [tmp_path / f"{i}.png" for i in range(4)]
    source = tmp_path / "float.tflite"
    quantized.quantize_network(network, network.models[1], source, pictures, target)
    made = TfliteModel.read(target)
    assert not verify_model(made)
    assert b'"records": 16' in (made.metadata("octet_recording") or b"")
    first = target.read_bytes()
    quantized.quantize_network(network, network.models[1], source, pictures, target)
    assert target.read_bytes() == first
