# SPDX-License-Identifier: Apache-2.0
"""The folders of examples/, served and used as a person would."""

from __future__ import annotations

import io
from collections.abc import Iterator

import pytest
from PIL import Image
from playwright.sync_api import FilePayload, Page, expect

from octet.toolchain.paths import DIST, ROOT
from octet.web.browser import ConsoleLog
from octet.web.server import Server
from tests.browser.tiny_site import COLOURS, PRECISIONS, RED, classifier


@pytest.fixture(scope="module")
def examples() -> Iterator[Server]:
    with Server({"/dist": DIST, "/examples": ROOT / "examples"}) as running:
        yield running


def file(name: str, kind: str, data: bytes) -> FilePayload:
    return {"name": name, "mimeType": kind, "buffer": data}


@pytest.mark.parametrize("precision", PRECISIONS)
def test_tflite(examples: Server, page: Page, console: ConsoleLog, precision: str) -> None:
    picture = io.BytesIO()
    Image.new("RGB", (50, 40), RED).save(picture, "png")
    page.goto(f"{examples.url}/examples/tflite/index.html")
    page.set_input_files("#file", file("tiny.tflite", "", classifier(precision)))
    page.set_input_files("#picture", file("red.png", "image/png", picture.getvalue()))
    red = COLOURS.index("red")
    expect(page.locator("#answers")).to_contain_text(f"class {red}: 0.")
    assert page.locator("#answers").inner_text().startswith(f"class {red}: 0.")
    page.set_input_files("#file", file("page.tflite", "", b"<!doctype html>"))
    expect(page.locator("#answers")).to_contain_text("TfliteError: page.tflite")
    assert console.lines == []
