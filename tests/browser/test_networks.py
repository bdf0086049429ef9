# SPDX-License-Identifier: Apache-2.0
"""The pages over the real networks: known answers, and exactly the outputs of `octet run`."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from octet.toolchain.models import MODELS, Model, read_catalogue
from octet.web.runner import Runner
from tests.browser.demo_page import DemoPage


def model_of(network: str, model: str) -> Model:
    """An entry of models.toml."""
    (found,) = (n for n in read_catalogue(MODELS).networks if n.id == network)
    (entry,) = (m for m in found.models if m.id == model)
    return entry


@pytest.mark.parametrize(
    ("page", "network", "model", "sample", "headline"),
    [
        ("classify", "mobilenet_v2", "uint8", "cat", "egyptian cat"),
        ("classify", "mobilenet_v2", "f32", "cat", "egyptian cat"),
        ("classify", "mobilenet_v2", "int8", "cat", "egyptian cat"),
        ("classify", "mobilenet_v1_025", "uint8", "sunflower", "daisy"),
        ("classify", "mobilenet_v1_025", "f32", "sunflower", "daisy"),
        ("detect", "ssd_mobilenet_v1", "uint8", "pets", "2 × dog"),
        ("detect", "ssd_mobilenet_v1", "f32", "grace_hopper", "person, tie"),
        ("segment", "deeplab_v3", "uint8", "bird_on_wall", "bird"),
        ("segment", "deeplab_v3", "f32", "bird_on_wall", "bird"),
        ("segment", "deeplab_v3", "f32-257", "bird_on_wall", "bird"),
    ],
)
def test_known_answers(
    site: DemoPage,
    octet_run: Runner,
    octet_data: Path,
    page: str,
    network: str,
    model: str,
    sample: str,
    headline: str,
) -> None:
    site.open(f"{page}.html?compare=0&network={network}&a={model}&sample={sample}")
    site.answer()
    assert site.lane().headline.lower() == headline
    inputs, outputs = site.saved("inputs"), site.saved("outputs")
    with octet_run.load(octet_data / model_of(network, model).file) as loaded:
        expected = loaded.run(inputs)
    for name, array in expected.items():
        np.testing.assert_array_equal(outputs[name], array)


def test_mask_covers_the_bird(site: DemoPage, octet_data: Path) -> None:
    site.open("segment.html?compare=0&a=uint8&sample=bird_on_wall")
    site.answer()
    (classes,) = site.saved("outputs").values()
    mask = np.asarray(Image.open(octet_data / "models/images/bird_segmentation_mask.png"))
    ours, theirs = classes[0] == 3, mask == 3
    assert (ours & theirs).sum() / (ours | theirs).sum() > 0.88


def test_compared(site: DemoPage) -> None:
    site.open("classify.html?sample=cat")
    site.run()
    assert site.tile("agreement").startswith("Same answer")
    assert site.tile("size") == "3.88× smaller 3.6 MB against 14.0 MB to download."
