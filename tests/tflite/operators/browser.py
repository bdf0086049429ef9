# SPDX-License-Identifier: Apache-2.0
"""Runs many small models in one page of headless Chromium, through the built bundle."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from playwright.sync_api import Browser, Page

from octet.toolchain.paths import DIST
from octet.web.browser import open_page
from octet.web.server import Server
from tests.tflite.tiny_models import Array

BATCH = 100
"""Models a page is given at a time."""

LARGE = 1 << 15
"""Bytes from which on the page fetches a model."""

HTML = b"<!doctype html><title>operators</title><script type=module src=/tests/page.js></script>"


@dataclass(frozen=True)
class Outcome:
    """What became of a model.

    Attributes:
        outputs: in the model's order; empty where it failed.
        calls: the builder's methods, in order of their calls.
        steps: the kernel steps of a dispatch.
        notes: by operator label, why it stayed in float.
        error: the exception's name and message, "" without.
    """

    outputs: Sequence[Array] = ()
    calls: Sequence[str] = ()
    steps: Sequence[Mapping[str, Any]] = ()
    notes: Mapping[str, str] = field(default_factory=dict)
    error: str = ""


@dataclass(frozen=True)
class Run:
    """A model, its inputs in order, and options of ``loadModel``."""

    name: str
    model: bytes
    inputs: Sequence[Array]
    options: Mapping[str, Any] = field(default_factory=dict)


class OperatorPage:
    """A page with one context; made by `operator_page`."""

    def __init__(self, page: Page, server: Server) -> None:
        self._page = page
        self._server = server

    def run(self, runs: Sequence[Run]) -> list[Outcome]:
        """Load and run the models in order."""
        outcomes: list[Outcome] = []
        for start in range(0, len(runs), BATCH):
            batch = [self._encoded(run) for run in runs[start : start + BATCH]]
            answers = self._page.evaluate("(cases) => octetOperators.run(cases)", batch)
            outcomes.extend(_outcome(answer) for answer in answers)
        return outcomes

    def _encoded(self, run: Run) -> dict[str, Any]:
        inputs = [_base64(np.ascontiguousarray(array).tobytes()) for array in run.inputs]
        case = {"name": run.name, "inputs": inputs, "options": dict(run.options)}
        if len(run.model) <= LARGE:
            return {**case, "model": _base64(run.model)}
        url = f"/model/{len(self._server.blobs)}"
        self._server.blobs[url] = run.model
        return {**case, "url": url}


@contextmanager
def operator_page(browser: Browser) -> Iterator[OperatorPage]:
    """Open a page over the built bundle."""
    with ExitStack() as stack:
        folders = {"/dist": DIST, "/tests": Path(__file__).parent, "/": DIST}
        server = stack.enter_context(Server(folders))
        server.blobs["/operators/"] = HTML
        page = open_page(browser)
        stack.callback(page.close)
        page.goto(f"{server.url}/operators/")
        page.wait_for_function("globalThis.octetOperators !== undefined")
        page.evaluate("() => octetOperators.start()")
        yield OperatorPage(page, server)


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _outcome(answer: Mapping[str, Any]) -> Outcome:
    if "error" in answer:
        return Outcome(error=answer["error"])
    outputs = [
        np.frombuffer(base64.b64decode(o["base64"]), o["dataType"]).reshape(o["shape"])
        for o in answer["outputs"]
    ]
    return Outcome(outputs, answer["calls"], answer["steps"], answer["notes"])
