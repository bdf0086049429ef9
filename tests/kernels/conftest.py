# SPDX-License-Identifier: Apache-2.0
"""One browser page for all kernel tests; runners by name."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache

import pytest
from playwright.sync_api import Browser, Page

from octet.web.browser import open_page
from octet.web.server import Server

from .cases import SEED
from .runners import FOLDERS, KernelRunner, NativeRunner, WasmRunner


def pytest_report_header() -> str:
    return f"kernel cases: OCTET_TEST_SEED={SEED}"


@pytest.fixture(scope="session")
def kernel_server() -> Iterator[Server]:
    with Server(FOLDERS, accepts_uploads=True) as server:
        yield server


@pytest.fixture(scope="session")
def kernel_page(browser: Browser, kernel_server: Server) -> Iterator[Page]:
    page = open_page(browser)
    page.goto(f"{kernel_server.url}/")
    page.wait_for_function("() => globalThis.runPool !== undefined")
    yield page
    page.close()


@pytest.fixture(scope="session")
def wasm_runner(kernel_page: Page, kernel_server: Server) -> Callable[[str], WasmRunner]:
    return cache(lambda variant: WasmRunner(kernel_page, kernel_server, variant))


@pytest.fixture(scope="session")
def kernel_runner(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str], KernelRunner]:
    """Return runners by name; the browser starts with the first that needs it."""

    @cache
    def runner(name: str) -> KernelRunner:
        if name == "native":
            return NativeRunner(tmp_path_factory.mktemp("native"))
        by_variant: Callable[[str], WasmRunner] = request.getfixturevalue("wasm_runner")
        return by_variant(name)

    return runner
