# SPDX-License-Identifier: Apache-2.0
"""The timeline of contexts whose engine is in a worker: order, loss, what is left behind."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page

from octet.toolchain.paths import DIST
from octet.web.server import Server
from tests.patience import SECONDS


@pytest.fixture(scope="module")
def site() -> Iterator[Server]:
    with Server({"/dist": DIST, "/page": Path(__file__).parent / "page"}) as server:
        html = "<!doctype html><link rel=icon href=data:,><script type=module src=/page/engine.js>"
        server.blobs["/"] = f"{html}</script>".encode()
        yield server


def run(page: Page, site: Server, name: str, **settings: int) -> Any:
    page.goto(f"{site.url}/")
    page.wait_for_function("globalThis.run !== undefined")
    return page.evaluate("([name, settings]) => run(name, settings)", [name, settings])


@pytest.mark.parametrize("threads", [1, 2])
def test_order(site: Server, page: Page, threads: int) -> None:
    found = run(page, site, "order", threads=threads)
    assert found["threads"] == threads
    # x · 1 is 64 i, and 1 more; the second product has that in each place of its rows.
    assert found["numbers"] == [64 * (64 * i + 1) + 1 for i in range(1, 41)]


def test_shared_memory(site: Server, page: Page) -> None:
    assert run(page, site, "shared") is True


def test_what_waits_for_a_destroyed_context(site: Server, page: Page) -> None:
    found = run(page, site, "pending")
    assert found["names"] == ["InvalidStateError"] * 3
    assert found["message"] == "the context was destroyed"


def test_a_worker_that_fails_loses_the_context(site: Server, page: Page) -> None:
    found = run(page, site, "failing")
    assert "an accident" in found["message"]
    assert found["after"] == "InvalidStateError"


def test_a_graph_that_waits_is_run(site: Server, page: Page) -> None:
    assert run(page, site, "idle", threads=1) == {"first": 0, "count": 1}


def test_missing_files(site: Server, page: Page) -> None:
    wasm, worker, found = run(page, site, "missing")
    assert wasm.startswith("NotSupportedError: createContext: cannot load /nowhere/octet_")
    assert worker.startswith("NotSupportedError: createContext: cannot start the worker /nowhere/")
    assert found == "made"


@pytest.mark.parametrize("threads", [1, 2])
def test_destroyed_contexts_leave_no_worker(site: Server, page: Page, threads: int) -> None:
    assert run(page, site, "several", threads=threads) == [65, 129, 193]
    for second in range(SECONDS):
        if not page.workers:
            break
        page.wait_for_timeout(1000 if second else 100)
    assert page.workers == []
