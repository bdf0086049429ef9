# SPDX-License-Identifier: Apache-2.0
"""Classify, detect and segment over tiny networks: what they say, show and save."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from octet.toolchain import pages
from octet.web.runner import Runner
from tests.browser import tiny_site
from tests.browser.demo_page import DemoPage, plain

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
    assert re.match(r"Median of \d+ runs on relaxed SIMD", lane.status)


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
    tiny.answer()
    inputs, outputs = tiny.saved("inputs"), tiny.saved("outputs")
    with octet_run.load(tiny_data / f"models/{task}_{precision}.tflite") as model:
        expected = model.run(inputs)
    assert list(outputs) == list(expected)
    for name, array in expected.items():
        np.testing.assert_array_equal(outputs[name], array)


def test_quantized_input_is_the_picture_itself(tiny: DemoPage) -> None:
    tiny.open("segment.html?sample=halves&compare=0&a=uint8")
    tiny.answer()
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


PIXEL = """([selector, x, y]) => {
  const canvas = document.querySelector(selector);
  const copy = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
  copy.drawImage(canvas, -Math.floor(x * canvas.width), -Math.floor(y * canvas.height));
  return [...copy.getImageData(0, 0, 1, 1).data].slice(0, 3);
}"""

GREY_AT, BLUE_AT = (0.5, 0.1), (0.83, 0.5)
"""Where the sample "blocks" is background, and where it is not."""


def pixel(visitor: DemoPage, at: tuple[float, float]) -> list[int]:
    """A colour on the first lane's canvas, at parts of its width and height."""
    colour: list[int] = visitor.page.evaluate(PIXEL, ["#lane-0 canvas", *at])
    return colour


def test_masks_are_shown_in_several_ways(tiny: DemoPage) -> None:
    tiny.open("segment.html?sample=blocks")
    tiny.answer()
    page = tiny.page

    def show(mode: str) -> tuple[list[int], list[int]]:
        page.check(f"[name=mode][value={mode}]", force=True)
        return pixel(tiny, GREY_AT), pixel(tiny, BLUE_AT)

    grey, blue = show("colours")
    np.testing.assert_allclose(grey, tiny_site.GREY, atol=3)
    page.fill("#alpha", "0.1")
    assert np.abs(np.subtract(pixel(tiny, BLUE_AT), tiny_site.BLUE)).max() < 40
    page.fill("#alpha", "1")
    assert pixel(tiny, BLUE_AT) != blue
    page.hover("#lane-0 .legend li:has-text('red')")
    assert sum(pixel(tiny, GREY_AT)) < sum(grey) / 2
    page.mouse.move(0, 0)
    # Both networks say the same: nothing but the faded picture.
    grey, blue = show("difference")
    np.testing.assert_allclose(blue, np.add(np.multiply(tiny_site.BLUE, 0.45), 140), atol=4)
    grey, blue = show("replace")
    assert grey == [255, 255, 255]
    np.testing.assert_allclose(blue, tiny_site.BLUE, atol=4)
    page.fill("#colour", "#12ef56")
    assert pixel(tiny, GREY_AT) == [0x12, 0xEF, 0x56]
    grey, blue = show("blur")
    np.testing.assert_allclose(grey, tiny_site.GREY, atol=6)


def test_boxes_that_one_network_found_alone_are_dashed(tiny: DemoPage) -> None:
    tiny.open("detect.html?sample=blocks&b=blind")
    tiny.answer()
    assert tiny.lane(1).headline == "Red thing"
    assert tiny.tile("agreement").startswith("1 of 2 boxes")
    dashed = tiny.page.locator(".box.alone").all_inner_texts()
    assert [plain(text).rstrip("0123456789 %") for text in dashed] == ["blue thing"]
    assert tiny.page.locator("#lane-0 .found .alone").count() == 1
