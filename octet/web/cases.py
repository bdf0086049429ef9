# SPDX-License-Identifier: Apache-2.0
"""Runs small graphs, given as recorded builder calls, in headless Chromium through the bundle."""

from __future__ import annotations

import base64
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from playwright.sync_api import Page

from octet.errors import OctetError
from octet.toolchain.paths import DIST
from octet.web.browser import chromium
from octet.web.server import Server

Array = npt.NDArray[Any]

PAGE = (
    b"<!doctype html><title>octet cases</title><script type=module src=/runner/cases.js></script>"
)

BATCH = 200
"""Cases a page is given at a time."""


@dataclass(frozen=True)
class Call:
    """One builder call.

    Attributes:
        op: the builder method.
        args: its arguments; ``{"$operand": name}`` stands for an operand, ``{"$bigint": "1"}`` and
            ``{"$number": "NaN"}`` for what JSON cannot say.
        outputs: names for what it returns.
    """

    op: str
    args: Sequence[Any]
    outputs: Sequence[str]


@dataclass(frozen=True)
class Case:
    """A graph and the numbers to run it on.

    Attributes:
        inputs: arrays by operand name; float16 as NumPy float16.
        calls: in order.
        outputs: names of the operands to read back.
        constants: names of the inputs that are constants.
    """

    inputs: Mapping[str, Array]
    calls: Sequence[Call]
    outputs: Sequence[str]
    constants: frozenset[str] = field(default_factory=frozenset)


@dataclass(frozen=True)
class Result:
    """What became of a case.

    Attributes:
        outputs: arrays by name; empty where it failed.
        kernels: the kernel steps of its dispatch.
        text: the compiled graph, under debug.
        error: ``ErrorName: message`` of the exception, else None.
    """

    outputs: Mapping[str, Array]
    kernels: Sequence[str]
    text: str
    error: str | None


class CaseRunner:
    """A page with a context; made by `case_runner`."""

    def __init__(self, page: Page) -> None:
        self._page = page

    def run(self, cases: Sequence[Case]) -> list[Result]:
        """Run the cases in order and return a result for each."""
        results: list[Result] = []
        for start in range(0, len(cases), BATCH):
            batch = [_encode_case(case) for case in cases[start : start + BATCH]]
            answers = self._page.evaluate("(cases) => octetCases.run(cases)", batch)
            results.extend(_decode_result(answer) for answer in answers)
        return results


@contextmanager
def case_runner(
    *, variant: str | None = None, threads: int = 1, debug: bool = False, worker: bool = True
) -> Iterator[CaseRunner]:
    """Start Chromium, a server over the built bundle and a context.

    Raises:
        OctetError: if nothing is built or no Chromium is found.
    """
    if not (DIST / "octet.js").is_file():
        raise OctetError("nothing is built yet. Run: python3 build.py")
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        folders = {"/dist": DIST, "/runner": Path(__file__).parent, "/": folder}
        server = stack.enter_context(Server(folders))
        server.blobs["/cases/"] = PAGE
        page = stack.enter_context(chromium()).new_page()
        page.goto(f"{server.url}/cases/")
        page.wait_for_function("globalThis.octetCases !== undefined")
        settings = {"variant": variant, "threads": threads, "debug": debug, "worker": worker}
        page.evaluate("(settings) => octetCases.start(settings)", settings)
        yield CaseRunner(page)


def _encode_case(case: Case) -> dict[str, Any]:
    inputs = {
        name: {
            "dataType": array.dtype.name,
            "shape": list(array.shape),
            "constant": name in case.constants,
            "base64": base64.b64encode(np.ascontiguousarray(array).tobytes()).decode(),
        }
        for name, array in case.inputs.items()
    }
    calls = [
        {"op": call.op, "args": list(call.args), "outputs": list(call.outputs)}
        for call in case.calls
    ]
    return {"inputs": inputs, "calls": calls, "outputs": list(case.outputs)}


def _decode_result(answer: Mapping[str, Any]) -> Result:
    if "error" in answer:
        error = answer["error"]
        return Result({}, [], "", f"{error['name']}: {error['message']}")
    outputs = {
        name: np.frombuffer(base64.b64decode(tensor["base64"]), tensor["dataType"])
        .reshape(tensor["shape"])
        .copy()
        for name, tensor in answer["outputs"].items()
    }
    return Result(outputs, answer["kernels"], answer["text"], None)
