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
from typing import Any, Literal

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, Page

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

CHANGING = "[data-fact=time], [data-tile=speed], #chart, .time, .number, .run-card, #machine, #ran"
"""What shows times: covered."""

SHOTS: tuple[tuple[int, Literal["light", "dark"]], ...] = ((1280, "light"), (390, "dark"))
"""Width and colours."""


@pytest.mark.parametrize("name", [page.name for page in read_pages()])
def test_looks(browser: Browser, tiny_server: Server, name: str) -> None:
    wrong: dict[str, list[tuple[int, int]]] = {}
    with Visit(browser, tiny_server.url, reduced_motion="reduce") as visit:
        DemoPage(visit).visit_page(name)
        visit.page.mouse.move(0, 0)
        for width, scheme in SHOTS:
            visit.page.set_viewport_size({"width": width, "height": 800})
            visit.page.emulate_media(color_scheme=scheme)
            visit.page.wait_for_selector(f"[data-colours={scheme}]")
            wrong |= differences(settled(visit.page), FOLDER / f"{name}-{width}-{scheme}.webp")
    assert wrong == {}, "other colours around (x, y)"


def settled(page: Page) -> bytes:
    """A screenshot that equals the one before: charts follow the page's width a frame later."""
    shots: list[bytes] = [b"", b"none"]
    while shots[-1] != shots[-2]:
        assert len(shots) < 100, "the page does not come to rest"
        page.evaluate("new Promise((seen) => requestAnimationFrame(() => setTimeout(seen)))")
        covered = [page.locator(CHANGING)]
        shots.append(page.screenshot(mask=covered, mask_color="#808080"))
    return shots[-1]


def differences(shot: bytes, path: Path) -> dict[str, list[tuple[int, int]]]:
    """Where a screenshot is not as it was stored; nothing if it is."""
    with Image.open(io.BytesIO(shot)) as image:
        small = image.convert("RGB").reduce(SHRINK)
    if os.environ.get("OCTET_WRITE_SCREENSHOTS"):
        FOLDER.mkdir(exist_ok=True)
        small.save(path, quality=70, method=6)
    with Image.open(path) as stored:
        difference = np.abs(means(small) - means(stored.convert("RGB"))).max(axis=2)
    squares = np.argwhere(difference > TOLERANCE) * BLOCK * SHRINK
    return {path.name: [(int(x), int(y)) for y, x in squares]} if len(squares) else {}


def means(image: Image.Image) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Mean colours [rows, columns, 3] of squares of BLOCK pixels."""
    height, width = (side // BLOCK * BLOCK for side in (image.height, image.width))
    pixels = np.asarray(image, np.float64)[:height, :width]
    squares = pixels.reshape(height // BLOCK, BLOCK, width // BLOCK, BLOCK, 3)
    return np.asarray(squares.mean(axis=(1, 3)))
