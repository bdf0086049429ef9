# SPDX-License-Identifier: Apache-2.0
"""The service worker: without a network, without the host's headers, below a path."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from octet.web.server import Server
from tests.browser.demo_page import DemoPage, Visit

CONTROLLED = """async () => {
  const { serviceWorker } = navigator;
  await serviceWorker.ready;
  while (!serviceWorker.controller) await new Promise((resolve) => setTimeout(resolve, 20));
}"""

KEPT = """async () => {
  const seen = performance.getEntriesByType("resource").map(({ name }) => name);
  const wanted = ["engine/octet.js", "engine/octet_tflite.js", "engine/octet_worker.js"]
    .map((file) => String(new URL(file, document.baseURI)))
    .concat(seen.filter((name) => /(labels|samples).[^/]+$/.test(name)));
  const there = (await (await caches.open("octet-used")).keys()).map(({ url }) => url);
  return wanted.every((url) => there.includes(url)) && there.some((url) => url.endsWith(".wasm"));
}"""
"""Whether the service worker has all that a network which ran needs."""

PATH = "/some/path/"


@pytest.fixture
def plain_server(tiny_folder: Path, tmp_path: Path) -> Iterator[Server]:
    """A host that sends no headers, with the site below a path."""
    with Server({PATH.rstrip("/"): tiny_folder, "/": tmp_path}, isolated=False) as server:
        yield server


def test_offline(browser: Browser, tiny_folder: Path) -> None:
    with ExitStack() as network:
        server = network.enter_context(Server({"/": tiny_folder}))
        with Visit(browser, server.url, service_workers="allow") as visit:
            demo = DemoPage(visit)
            demo.open("classify.html?sample=red")
            visit.page.evaluate(CONTROLLED)
            demo.run()
            visit.page.wait_for_function(KEPT)
            before = demo.lane()
            network.close()
            visit.expected.append("net::ERR_")
            visit.page.reload()
            # Everything is stored, so it runs without being asked.
            visit.page.wait_for_selector("#lane-1[data-state=done]")
            demo.wait()
            assert demo.lane().items == before.items
            visit.page.click("nav >> text=Detect")
            visit.page.wait_for_selector("#run:enabled")
            demo.run()
            assert "cannot be" in demo.problem()


def test_isolation_without_the_hosts_headers(browser: Browser, plain_server: Server) -> None:
    with Visit(browser, plain_server.url, service_workers="allow") as visit:
        visit.page.goto(f"{plain_server.url}{PATH}classify.html?sample=red")
        # The page loads itself again as soon as its service worker is there.
        visit.page.wait_for_selector("#threads:enabled", state="attached")
        visit.page.wait_for_selector("#run:enabled")
        demo = DemoPage(visit)
        demo.run()
        assert demo.lane().status.endswith("threads")
        assert demo.lane().headline == "Red"


def test_one_thread_without_isolation(browser: Browser, plain_server: Server) -> None:
    with Visit(browser, plain_server.url + PATH.rstrip("/")) as visit:
        demo = DemoPage(visit)
        demo.open("classify.html?sample=red&threads=2")
        demo.run()
        assert demo.lane().status.endswith("1 thread")
        assert demo.lane().headline == "Red"
        visit.page.click("#engine summary")
        assert "not cross-origin isolated" in visit.page.inner_text("#engine")
