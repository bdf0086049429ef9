# SPDX-License-Identifier: Apache-2.0
"""The built bundle, as a page gets it: modules load without a word, wasm compiles."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page

from octet.web.browser import ConsoleLog
from octet.web.server import Server

PAGE = b"<!doctype html><link rel=icon href=data:,><title>bundle</title>"


@pytest.fixture
def bundle_page(server: Server, page: Page) -> Page:
    server.blobs["/bundle.html"] = PAGE
    page.goto(f"{server.url}/bundle.html")
    return page


@pytest.mark.parametrize("name", ["octet.js", "octet_tflite.js"])
def test_modules_load_silently(name: str, bundle_page: Page, console: ConsoleLog) -> None:
    assert bundle_page.evaluate("crossOriginIsolated") is True
    bundle_page.evaluate(f"import('/{name}').then(() => undefined)")
    assert console.lines == []


@pytest.mark.parametrize("variant", ["scalar", "simd", "relaxed"])
def test_kernels_compile(variant: str, bundle_page: Page) -> None:
    bundle_page.evaluate(
        "name => WebAssembly.compileStreaming(fetch(name)).then(() => undefined)",
        f"/octet_{variant}.wasm",
    )
