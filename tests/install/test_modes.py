# SPDX-License-Identifier: Apache-2.0
"""The modes auto, force and off, beside a native WebNN that works, refuses or is not there."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page

from octet.toolchain.paths import DIST
from octet.web.browser import chromium, open_page
from octet.web.server import Server

OCTETS = {"octet": True, "native": False, "instances": [True, True], "nativeBuilder": False}
NATIVES = {"octet": False, "native": True, "instances": [True, True], "nativeBuilder": True}

CHECKS: dict[str, Any] = {
    "absent": [False, OCTETS],
    # Importing asks the native implementation for nothing, but stands before it.
    "lazy": [0, False],
    "works": [NATIVES, [{"powerPreference": "low-power"}]],
    "notSupported": [OCTETS, OCTETS, 2],
    "perContext": [NATIVES, OCTETS, NATIVES],
    "otherErrors": [
        "SecurityError: native",
        "TypeError: native",
        "UnknownError: native",
        "InvalidStateError: native",
    ],
    "subclass": [[2], True, False],
    "force": [OCTETS, 0],
    "off": True,
    "restored": ["[object Object]", None, True, None],
    "removed": [False] * 7,
    "unknown": 'TypeError: install: unknown mode "always"; there are auto, force, off.',
    "gpu": "NotSupportedError: createContext: octet computes on the CPU, not on a GPUDevice.",
    "options": [
        [True, False, True],
        'TypeError: createContext: powerPreference: got "much", expected one of "default", '
        '"high-performance", "low-power".',
        "TypeError: createContext: options: expected an object.",
    ],
}

RUN = "name => import('/page/modes.js').then(({ checks }) => checks[name]())"


@pytest.mark.parametrize("name", CHECKS)
def test_mode(name: str, site: Server, page: Page) -> None:
    page.goto(f"{site.url}/empty.html")
    assert page.evaluate(RUN, name) == CHECKS[name]


def test_junk_is_for_the_native_builder(site: Server, page: Page) -> None:
    page.goto(f"{site.url}/empty.html")
    wrong, missing, called = page.evaluate(RUN, "junk")
    assert wrong == missing == "TypeError: parameter 1 is no MLContext"
    assert called.startswith("TypeError: ")


@pytest.mark.parametrize("query", ["?octet=off", "?a=b&octet=off"])
def test_the_page_asks_for_a_mode(query: str, site: Server, page: Page) -> None:
    page.goto(f"{site.url}/empty.html{query}")
    assert page.evaluate(RUN, "mode") is False


@pytest.mark.parametrize("query", ["", "?octet=", "?octet=never"])
def test_auto_otherwise(query: str, site: Server, page: Page) -> None:
    page.goto(f"{site.url}/empty.html{query}")
    assert page.evaluate(RUN, "mode") is True


def test_nothing_in_an_insecure_context(page: Page) -> None:
    bundle = (DIST / "octet.js").read_bytes()
    page.route("**/*", lambda route: route.fulfill(body="", content_type="text/html"))
    page.route(
        "**/octet.js", lambda route: route.fulfill(body=bundle, content_type="text/javascript")
    )
    page.goto("http://insecure.test/")
    assert page.evaluate("isSecureContext") is False
    assert page.evaluate("import('/octet.js').then(() => 'ml' in navigator)") is False
    assert page.evaluate("typeof MLGraphBuilder") == "undefined"


REFUSED = """async () => {
  const frame = document.createElement("iframe");
  frame.allow = "webnn 'none'";
  frame.src = "/empty.html";
  const loaded = new Promise((resolve) => { frame.onload = resolve; });
  document.body.append(frame);
  await loaded;
  await frame.contentWindow.eval("import('/dist/octet.js')");
  const { ml } = frame.contentWindow.navigator;
  return ml.createContext().then(() => "made", ({ name }) => name);
}"""


def test_chromiums_own(site: Server) -> None:
    """Chromium with its flag has all interfaces, and no backend here: NotSupportedError."""
    with chromium(["--enable-features=WebMachineLearningNeuralNetwork"]) as browser:
        page = open_page(browser)
        page.goto(f"{site.url}/empty.html")
        assert page.evaluate("'ml' in navigator")
        native = page.evaluate("navigator.ml.createContext().catch(({ name }) => name)")
        assert native == "NotSupportedError"
        first = page.evaluate("import('/page/realm.js').then(({ report }) => report())")
        assert first["result"] == [0, 2, 3]
        # What is forbidden to a frame, octet does not do either.
        assert page.evaluate(REFUSED) == "SecurityError"
