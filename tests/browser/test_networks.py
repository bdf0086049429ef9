# SPDX-License-Identifier: Apache-2.0
"""The pages over the real networks: known answers, and exactly the outputs of `octet run`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from octet.toolchain.assets import MADE
from octet.toolchain.models import MODELS, Model, read_catalogue
from octet.web.runner import Runner
from tests.browser.demo_page import DemoPage


def model_of(network: str, model: str) -> Model:
    """An entry of models.toml."""
    (found,) = (n for n in read_catalogue(MODELS).networks if n.id == network)
    (entry,) = (m for m in found.models if m.id == model)
    return entry


Box = tuple[float, float, float, float]
"""Left, top, width, height in percent of the picture."""


@dataclass(frozen=True)
class Record:
    """What a page said of a sample when somebody looked at it and found it right.

    Attributes:
        found: the first names of the answer, and their percents.
    """

    page: str
    network: str
    model: str
    sample: str
    found: Sequence[tuple[str, float]]
    boxes: Sequence[Box] = ()


RECORDS = (
    Record("classify", "mobilenet_v2", "uint8", "cat", [("Egyptian cat", 90.6), ("tabby", 4.3)]),
    Record("classify", "mobilenet_v2", "f32", "cat", [("Egyptian cat", 81.7), ("tiger cat", 6.9)]),
    Record("classify", "mobilenet_v2", "int8", "cat", [("Egyptian cat", 73.4), ("tabby", 7.4)]),
    Record("classify", "mobilenet_v1_025", "uint8", "sunflower", [("daisy", 83.6)]),
    Record("classify", "mobilenet_v1_025", "f32", "sunflower", [("daisy", 85.2)]),
    Record(
        *("detect", "ssd_mobilenet_v1", "uint8", "pets", [("dog", 79.3), ("dog", 75.0)]),
        boxes=[(23.7, 10.9, 25.3, 57.3), (67.1, 37.9, 29.6, 47.4)],
    ),
    Record(
        *("detect", "ssd_mobilenet_v1", "f32", "grace_hopper", [("person", 71.0), ("tie", 62.7)]),
        boxes=[(0.8, 4.1, 98.2, 94.4), (43.8, 71.4, 12.8, 18.9)],
    ),
    Record("segment", "deeplab_v3", "uint8", "bird_on_wall", [("bird", 21.2)]),
    Record("segment", "deeplab_v3", "f32", "bird_on_wall", [("bird", 20.6)]),
    Record("segment", "deeplab_v3", "f32-257", "bird_on_wall", [("bird", 20.5)]),
)

POINTS = 1.0
"""A percentage may differ by this: versions of Pillow and Chromium scale samples differently."""

READ_BOXES = """(boxes) => boxes.map(({ style }) =>
  ["left", "top", "width", "height"].map((side) => parseFloat(style[side])))"""


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: f"{record.network}-{record.model}")
def test_answers_as_recorded_and_outputs_as_of_octet_run(
    site: DemoPage, octet_run: Runner, octet_data: Path, record: Record
) -> None:
    settings = f"compare=0&network={record.network}&a={record.model}&sample={record.sample}"
    site.open(f"{record.page}.html?{settings}")
    site.answer()
    found = [item.rsplit(" ", 2) for item in site.lane().items[: len(record.found)]]
    assert [name for name, *_ in found] == [name for name, _ in record.found]
    percents = [float(percent) for _, percent, _ in found]
    np.testing.assert_allclose(percents, [percent for _, percent in record.found], atol=POINTS)
    boxes = site.page.locator(".box").evaluate_all(READ_BOXES)
    assert len(boxes) == len(record.boxes)
    np.testing.assert_allclose(boxes, record.boxes, atol=POINTS)
    inputs, outputs = site.saved("inputs"), site.saved("outputs")
    with octet_run.load(octet_data / model_of(record.network, record.model).file) as loaded:
        expected = loaded.run(inputs)
    assert list(outputs) == list(expected)
    for name, array in expected.items():
        np.testing.assert_array_equal(outputs[name], array)


def test_the_network_that_octet_quantized(site: DemoPage, octet_run: Runner) -> None:
    site.open("classify.html?a=octet&b=f32&sample=cat")
    site.answer()
    assert site.tile("agreement").startswith("Same answer")
    inputs, outputs = site.saved("inputs"), site.saved("outputs")
    with octet_run.load(MADE / model_of("mobilenet_v2", "octet").file) as loaded:
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
