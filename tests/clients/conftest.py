# SPDX-License-Identifier: Apache-2.0
"""A page for a client, and what it did there."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from playwright.sync_api import Browser

from octet.toolchain.serving import EXAMPLES
from octet.web.browser import open_page
from octet.web.server import Server

Array = npt.NDArray[Any]

IMPORTS = {
    "octet": "/dist/octet.js",
    "onnxruntime-web/all": "/node_modules/onnxruntime-web/dist/ort.all.min.mjs",
    "@litertjs/core": "/node_modules/@litertjs/core/dist/index.js",
    "@litertjs/wasm-utils": "/node_modules/@litertjs/wasm-utils/dist/index.js",
}

PAGE = """<!doctype html><link rel=icon href=data:,>
<script type=importmap>{imports}</script><script type=module src=/page/{name}.js></script>"""


@dataclass(frozen=True)
class Answer:
    """What a client made of an input.

    Attributes:
        outputs: of the network, flat.
        operators: builder methods it called, with the data types of operands and results.
        kernels: octet's steps of a dispatch, of all graphs together.
        graphs: how many it built on octet.
        dispatches: how many it made.
        facts: all that the page said.
    """

    outputs: list[Array]
    operators: dict[str, list[str]]
    kernels: list[str]
    graphs: int
    dispatches: int
    facts: dict[str, Any]


class Client:
    """A client in a page of its own, which starts with the first run."""

    def __init__(self, name: str, browser: Browser, server: Server) -> None:
        self._server = server
        self._page = open_page(browser)
        html = PAGE.format(imports=json.dumps({"imports": IMPORTS}), name=name)
        server.blobs["/"] = html.encode()
        self._page.goto(f"{server.url}/")
        self._page.wait_for_function("globalThis.client !== undefined")

    def run(self, model: bytes, data: Array, *options: str) -> Answer:
        """Run a model on an input; ``options`` are the page's own."""
        self._server.blobs |= {"/model": model, "/input": data.tobytes()}
        facts = self._page.evaluate("args => client(...args)", ["/model", "/input", *options])
        outputs = [np.array(values) for values in facts["outputs"]]
        return Answer(outputs, **facts["record"], facts=facts)

    def close(self) -> None:
        self._page.close()


@pytest.fixture(scope="module")
def client(request: pytest.FixtureRequest, browser: Browser) -> Iterator[Client]:
    """The client that the test file's name says: ``page/<name>.js``."""
    name = request.path.stem.removeprefix("test_")
    with Server({**EXAMPLES, "/page": Path(__file__).parent / "page"}) as server:
        client = Client(name, browser, server)
        yield client
        client.close()
