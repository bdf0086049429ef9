# SPDX-License-Identifier: Apache-2.0
"""Every page as it was when somebody looked at it and found it right.

The pictures in screenshots/ are small: they show layout and colours, not letters. After a change
that is meant, look at the pages, then write the pictures anew, by running this file with
OCTET_WRITE_SCREENSHOTS=1.
"""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser

from octet.toolchain.pages import read_pages
from octet.web.server import Server
from tests.browser.demo_page import DemoPage, Visit

FOLDER = Path(__file__).with_name("screenshots")

SHRINK = 4
"""A stored picture's pixel stands for a square of this many pixels across."""

BLOCK = 8
"""Colours are compared as means of squares of this many stored pixels across."""

TOLERANCE = 24
"""Of a mean, in 255ths: twice what storing as WebP changes at most, which is 11."""

PAGES = {page.name: page for page in read_pages()}

CHANGING = "[data-fact=time], [data-tile=speed], #chart, .time, .number, .run-card, #machine, #ran"
"""What shows times: covered."""


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
@pytest.mark.parametrize("name", PAGES)
def test_looks(browser: Browser, tiny_server: Server, name: str, width: int, scheme: Any) -> None:
    size = {"width": width, "height": 800}
    options: dict[str, Any] = {"viewport": size, "color_scheme": scheme, "reduced_motion": "reduce"}
    with Visit(browser, tiny_server.url, **options) as visit:
        demo = DemoPage(visit)
        visit.page.goto(f"{visit.url}/{name}.html?sample=blocks")
        if PAGES[name].task:
            visit.page.wait_for_selector("#run:enabled")
            demo.run()
        elif name != "index":
            visit.page.click("#run")
            visit.page.wait_for_selector("#result:visible")
            visit.page.wait_for_selector("main[aria-busy=false]")
        visit.page.mouse.move(0, 0)
        shot = visit.page.screenshot(mask=[visit.page.locator(CHANGING)], mask_color="#808080")
    with Image.open(io.BytesIO(shot)) as image:
        small = image.convert("RGB").reduce(SHRINK)
    path = FOLDER / f"{name}-{width}-{scheme}.webp"
    if os.environ.get("OCTET_WRITE_SCREENSHOTS"):
        FOLDER.mkdir(exist_ok=True)
        small.save(path, quality=70, method=6)
    with Image.open(path) as stored:
        difference = np.abs(means(small) - means(stored.convert("RGB"))).max(axis=2)
    wrong = (np.argwhere(difference > TOLERANCE)[:, ::-1] * BLOCK * SHRINK).tolist()
    assert wrong == [], f"{path.name}: other colours around (x, y)"


def means(image: Image.Image) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Mean colours [rows, columns, 3] of squares of BLOCK pixels."""
    height, width = (side // BLOCK * BLOCK for side in (image.height, image.width))
    pixels = np.asarray(image, np.float64)[:height, :width]
    squares = pixels.reshape(height // BLOCK, BLOCK, width // BLOCK, BLOCK, 3)
    return np.asarray(squares.mean(axis=(1, 3)))
