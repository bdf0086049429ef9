# SPDX-License-Identifier: Apache-2.0
"""The folders of examples/, served and used as a person would."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator

import pytest
from onnx import TensorProto, helper
from PIL import Image
from playwright.sync_api import FilePayload, Page, expect

from octet.toolchain.serving import EXAMPLES
from octet.web.browser import ConsoleLog
from octet.web.server import Server
from tests.browser.tiny_site import COLOURS, PRECISIONS, RED, classifier
from tests.patience import MILLISECONDS

expect.set_options(timeout=MILLISECONDS)


@pytest.fixture(scope="module")
def examples() -> Iterator[Server]:
    with Server(EXAMPLES) as running:
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


def test_onnxruntime_web(examples: Server, page: Page, console: ConsoleLog) -> None:
    x, y = (helper.make_tensor_value_info(n, TensorProto.FLOAT, [1, 4]) for n in "xy")
    relu = helper.make_node("Relu", ["x"], ["y"])
    made = helper.make_model(
        helper.make_graph([relu], "relu", [x], [y]),
        opset_imports=[helper.make_opsetid("", 17)],
        ir_version=9,
    )
    page.goto(f"{examples.url}/examples/onnxruntime-web/index.html")
    page.set_input_files("#file", file("relu.onnx", "", made.SerializeToString()))
    said = re.compile(r"\d ms\ny \[1, 4\]: 0\.\d+, ")
    expect(page.locator("#answers")).to_contain_text(said)
    assert console.lines == []
