# SPDX-License-Identifier: Apache-2.0
"""Runs small graphs, given as recorded builder calls, in headless Chromium through the bundle."""

from __future__ import annotations

import base64
import math
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
import numpy.typing as npt
from playwright.sync_api import Page

from octet.errors import OctetError
from octet.toolchain.paths import DIST
from octet.web.browser import chromium, evaluate, open_page
from octet.web.server import Server

Array = npt.NDArray[Any]

PAGE = (
    b"<!doctype html><title>octet cases</title><script type=module src=/runner/cases.js></script>"
)

BATCH = 200
"""Cases a page is given at a time."""

NIBBLES = {"int4": np.dtype(ml_dtypes.int4), "uint4": np.dtype(ml_dtypes.uint4)}
"""The types of which a byte holds two; their arrays have an element a byte."""


@dataclass(frozen=True)
class Repeated:
    """A large tensor of ``shape``: ``pattern``, one-dimensional, again and again."""

    pattern: Array
    shape: tuple[int, ...]


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
        inputs: arrays by operand name; float16 as NumPy's, int4 and uint4 as ml_dtypes' types.
        calls: in order.
        outputs: names of the operands to read back.
        constants: names of the inputs that are constants.
        limit: how many elements of an output come back at most, flat; None for all, in its shape.
    """

    inputs: Mapping[str, Array | Repeated]
    calls: Sequence[Call]
    outputs: Sequence[str]
    constants: frozenset[str] = field(default_factory=frozenset)
    limit: int | None = None


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
    """A page with a context; made by `case_runner`.

    Attributes:
        engine: what the context runs on: wasm variant, thread count, dot product of bytes.
    """

    engine: Mapping[str, Any]

    def __init__(self, page: Page) -> None:
        self._page = page

    def start(
        self,
        *,
        variant: str | None = None,
        dot: str | None = None,
        threads: int = 1,
        debug: bool = False,
        worker: bool = True,
    ) -> None:
        """Go on with a new context by these settings.

        Raises:
            OctetError: if there can be no such context.
        """
        settings = {"variant": variant, "dot": dot, "threads": threads, "debug": debug}
        start = "(settings) => octetCases.start(settings)"
        self.engine = evaluate(self._page, start, {**settings, "worker": worker})

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
    *,
    variant: str | None = None,
    dot: str | None = None,
    threads: int = 1,
    debug: bool = False,
    worker: bool = True,
) -> Iterator[CaseRunner]:
    """Start Chromium, a server over the built bundle and a context.

    Raises:
        OctetError: if nothing is built, no Chromium is found, or there can be no such context.
    """
    if not (DIST / "octet.js").is_file():
        raise OctetError("nothing is built yet. Run: python3 build.py")
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        folders = {"/dist": DIST, "/runner": Path(__file__).parent, "/": folder}
        server = stack.enter_context(Server(folders))
        server.blobs["/cases/"] = PAGE
        page = open_page(stack.enter_context(chromium()))
        page.goto(f"{server.url}/cases/")
        page.wait_for_function("globalThis.octetCases !== undefined")
        runner = CaseRunner(page)
        runner.start(variant=variant, dot=dot, threads=threads, debug=debug, worker=worker)
        yield runner


def _encode_case(case: Case) -> dict[str, Any]:
    inputs = {
        name: {**_encode_tensor(tensor), "constant": name in case.constants}
        for name, tensor in case.inputs.items()
    }
    calls = [
        {"op": call.op, "args": list(call.args), "outputs": list(call.outputs)}
        for call in case.calls
    ]
    return {"inputs": inputs, "calls": calls, "outputs": list(case.outputs), "limit": case.limit}


def _encode_tensor(tensor: Array | Repeated) -> dict[str, Any]:
    array = tensor.pattern if isinstance(tensor, Repeated) else tensor
    packed = _pack_nibbles(array) if array.dtype.name in NIBBLES else np.ascontiguousarray(array)
    return {
        "dataType": array.dtype.name,
        "shape": list(tensor.shape),
        "base64": base64.b64encode(packed.tobytes()).decode(),
        "times": math.prod(tensor.shape) // array.size if isinstance(tensor, Repeated) else 1,
    }


def _pack_nibbles(array: Array) -> Array:
    """Two elements a byte, the first in the low bits."""
    nibbles = array.astype(np.int8).ravel().view(np.uint8) & 15
    pairs = np.pad(nibbles, (0, nibbles.size % 2)).reshape(-1, 2)
    packed: Array = pairs[:, 0] | pairs[:, 1] << 4
    return packed


def _unpack_nibbles(packed: bytes, data_type: str, count: int) -> Array:
    both = np.frombuffer(packed, np.uint8)
    nibbles = np.stack([both & 15, both >> 4], axis=1).ravel()[:count]
    if data_type == "int4":
        nibbles = (nibbles ^ 8).astype(np.int8) - 8
    return nibbles.astype(NIBBLES[data_type])


def _decode_result(answer: Mapping[str, Any]) -> Result:
    if "error" in answer:
        error = answer["error"]
        return Result({}, [], "", f"{error['name']}: {error['message']}")
    outputs = {name: _decode_tensor(tensor) for name, tensor in answer["outputs"].items()}
    return Result(outputs, answer["kernels"], answer["text"], None)


def _decode_tensor(tensor: Mapping[str, Any]) -> Array:
    data, shape = base64.b64decode(tensor["base64"]), tensor["shape"]
    data_type = tensor["dataType"]
    if data_type in NIBBLES:
        return _unpack_nibbles(data, data_type, math.prod(shape)).reshape(shape)
    return np.frombuffer(data, data_type).reshape(shape).copy()
