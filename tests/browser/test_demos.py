# SPDX-License-Identifier: Apache-2.0
"""Classify, detect and segment over tiny networks: what they say, show and save."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from octet.toolchain import pages
from octet.web.runner import Runner
from tests.browser.demo_page import DemoPage

PRECISIONS = ("uint8", "f32")


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize(
    ("address", "headline", "items"),
    [
        ("classify.html?sample=red", "red", ["red 9", "background "]),
        ("detect.html?sample=blocks", "red thing, blue thing", ["red thing 9", "blue thing 9"]),
        ("detect.html?sample=halves", "3 × blue thing", 3 * ["blue thing 9"]),
        ("segment.html?sample=halves", "green, blue", ["green 49", "blue 49"]),
    ],
)
def test_answers(
    tiny: DemoPage, precision: str, address: str, headline: str, items: list[str]
) -> None:
    tiny.open(f"{address}&compare=0&a={precision}")
    tiny.run()
    lane = tiny.lane()
    assert lane.headline.lower() == headline
    assert all(map(str.startswith, lane.items, items))
    assert lane.facts["time"].endswith("ms")
    assert lane.status.startswith("Median of 15 runs on relaxed SIMD")


@pytest.mark.parametrize("page", ["classify", "detect", "segment"])
def test_side_by_side(tiny: DemoPage, page: str) -> None:
    tiny.open(f"{page}.html?sample=blocks")
    tiny.run()
    assert tiny.lane(0).headline == tiny.lane(1).headline
    assert tiny.tile("agreement").startswith("Same" if page != "segment" else "100 % the same")
    assert "against" in tiny.tile("speed")
    assert "against" in tiny.tile("size")


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("task", ["classify", "detect", "segment"])
def test_saved_tensors_are_what_octet_run_gives(
    tiny: DemoPage, tiny_data: Path, octet_run: Runner, task: str, precision: str
) -> None:
    tiny.open(f"{task}.html?sample=blocks&compare=0&a={precision}")
    tiny.run()
    inputs, outputs = tiny.saved("inputs"), tiny.saved("outputs")
    with octet_run.load(tiny_data / f"models/{task}_{precision}.tflite") as model:
        expected = model.run(inputs)
    assert list(outputs) == list(expected)
    for name, array in expected.items():
        np.testing.assert_array_equal(outputs[name], array)


def test_quantized_input_is_the_picture_itself(tiny: DemoPage) -> None:
    tiny.open("segment.html?sample=halves&compare=0&a=uint8")
    tiny.run()
    (image,) = tiny.saved("inputs").values()
    assert image.shape == (1, 65, 65, 3)
    # 130 × 65 pixels in a square of 65: 33 rows of them, grey above and below.
    assert (image[0, :16] == 127).all()
    assert (image[0, 49:] == 127).all()
    np.testing.assert_allclose(image[0, 32, 10], (20, 200, 20), atol=3)
    np.testing.assert_allclose(image[0, 32, 50], (20, 20, 230), atol=3)


def test_nothing_is_downloaded_before_it_is_asked_for(tiny: DemoPage) -> None:
    tiny.open("classify.html?sample=red")
    tiny.page.wait_for_timeout(300)
    asked = [url for url in tiny.visit.requests if "/models/" in url or "/engine/" in url]
    assert asked == []
    assert "downloads" in tiny.page.inner_text("#run")
    tiny.run()
    assert any("/models/" in url for url in tiny.visit.requests)


def test_a_page_without_networks_says_so(tiny: DemoPage, tiny_folder: Path) -> None:
    found = pages.Found(absent={"classify": ["models/missing.tflite"]})
    folder = tiny_folder.with_name("empty")
    engine = tiny_folder / "engine"
    stages = dict(pages.site_stages(found, engine, {}, folder))
    step = next(step for step in stages["site: pages"] if step.name.endswith("classify.html"))
    step.run()
    tiny.page.set_content((folder / "classify.html").read_text())
    text = tiny.page.inner_text("main")
    assert "no networks for this page" in text
    assert "models/missing.tflite" in text
    tiny.visit.expected += [""]
