# SPDX-License-Identifier: Apache-2.0
"""Where cases run: natively under sanitizers, and in each wasm variant in headless Chromium."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from playwright.sync_api import Page

from octet.toolchain.paths import DIST, NATIVE, POLYFILL
from octet.web.server import Server
from tests.patience import SECONDS

from .cases import SEED, Case
from .cases.filters import DOT_CLASSES
from .exchange import Result, decode, encode

VARIANTS = ("scalar", "simd", "relaxed")
RUNNERS = ("native", *VARIANTS)

PAGE = Path(__file__).with_name("page")
FOLDERS = {"/dist": DIST, "/polyfill": POLYFILL, "/": PAGE}


class RunnerError(AssertionError):
    """A runner ended early; the message names the case."""


class KernelRunner(Protocol):
    """Runs cases of one kernel.

    Attributes:
        dot_classes: the dot products that weights may be packed for.
    """

    dot_classes: frozenset[int]

    def run(self, cases: Sequence[Case]) -> list[tuple[Result, Result]]:
        """Return for each case its result when run whole, and in parts."""


class NativeRunner:
    """The kernels of this machine's compiler, every buffer at its exact size (native_runner.c).

    It has every CPU's dot products, written in C.
    """

    dot_classes = frozenset(DOT_CLASSES.values())

    def __init__(self, folder: Path) -> None:
        self._program = NATIVE / "kernel_runner"
        self._request = folder / "request"
        self._response = folder / "response"
        assert self._program.is_file(), f"{self._program} is missing: run python3 build.py native"

    def run(self, cases: Sequence[Case]) -> list[tuple[Result, Result]]:
        self._request.write_bytes(encode(cases, SEED))
        done = subprocess.run(
            [self._program, self._request, self._response],
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
        if done.returncode:
            raise RunnerError(_explain(cases, done.stderr))
        return decode(cases, self._response.read_bytes())


def _explain(cases: Sequence[Case], log: str) -> str:
    """Return the case that was running, and what the sanitizer said."""
    lines = log.splitlines()
    started = [line for line in lines if line.startswith("case ")]
    said = [line for line in lines if not line.startswith("case ")]
    case = cases[int(started[-1].removeprefix("case "))] if started else None
    name = f"{case.kernel}: {case.note}" if case else "before the first case"
    return "\n".join([name, *said[:25]])


class WasmRunner:
    """One wasm variant in a page (page/page.js), guard bytes around every buffer."""

    def __init__(self, page: Page, server: Server, variant: str) -> None:
        self._page = page
        self._server = server
        self._variant = variant
        module = DIST / f"octet_{variant}.wasm"
        assert module.is_file(), f"{module} is missing: run python3 build.py"
        names = page.evaluate("(variant) => dotClasses(variant)", variant)
        self.dot_classes = frozenset([0, *(DOT_CLASSES[name] for name in names)])

    def run(self, cases: Sequence[Case]) -> list[tuple[Result, Result]]:
        return decode(cases, self.exchange("runCases", encode(cases, SEED)))

    def run_pool(self, plans: bytes, threads: int, dispatches: int, seconds: float) -> bytes:
        """Run plans by a pool of threads and return the response of pool_worker.js."""
        return self.exchange("runPool", plans, threads, dispatches, seconds)

    def exchange(self, function: str, request: bytes, *arguments: float) -> bytes:
        """Call a function of page.js on a request and return what it uploads."""
        self._server.blobs["/request"] = request
        self._server.uploads.pop("/response", None)
        self._page.evaluate(
            "([name, ...rest]) => globalThis[name](...rest)",
            [function, self._variant, "/request", "/response", *arguments],
        )
        return self._server.uploads["/response"]
