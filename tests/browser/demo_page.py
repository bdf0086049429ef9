# SPDX-License-Identifier: Apache-2.0
"""A visitor of the demo site: opens pages, runs networks, reads what the page says."""

from __future__ import annotations

import io
import re
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
import numpy.typing as npt
from playwright.sync_api import Browser, Page, Request

from octet.web.browser import ConsoleLog, open_page


class Visit:
    """A browser context for one test: its console and its requests have to be clean at the end."""

    def __init__(self, browser: Browser, url: str, **options: Any) -> None:
        self.url = url
        # A service worker would be installed anew for every test: those that need it allow it.
        options.setdefault("service_workers", "block")
        self.page = open_page(browser, accept_downloads=True, **options)
        self._context = self.page.context
        self.requests: list[str] = []
        self.foreign: list[str] = []
        self.expected = ["Service Worker registration blocked by Playwright"]
        """Parts of console lines that the test provokes."""
        self.context = self._context
        self._context.on("request", self._on_request)
        self.console = ConsoleLog(self.page)

    def _on_request(self, request: Request) -> None:
        self.requests.append(request.url)
        if not request.url.startswith((f"{self.url}/", f"blob:{self.url}/", "data:")):
            self.foreign.append(request.url)

    def unexpected_lines(self) -> list[str]:
        """What the console says beyond what the test expects."""
        lines = self.console.lines
        return [line for line in lines if not any(part in line for part in self.expected)]

    def __enter__(self) -> Visit:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        lines, foreign = self.unexpected_lines(), self.foreign
        self._context.close()
        if error is None:
            assert lines == [], lines
            assert foreign == [], foreign


@dataclass(frozen=True)
class LaneText:
    """What a lane of a demo page shows."""

    headline: str
    items: list[str]
    facts: dict[str, str]
    status: str


class DemoPage:
    """The pages classify, detect and segment."""

    def __init__(self, visit: Visit) -> None:
        self.visit = visit
        self.page: Page = visit.page

    def open(self, address: str) -> None:
        """Open a page by its address below the site's, and wait for its picture."""
        self.page.goto(f"{self.visit.url}/{address}")
        self.page.wait_for_selector("#run:enabled")

    def visit_page(self, name: str) -> None:
        """Open a page and press its button, if it has one; wait for the end."""
        self.page.goto(f"{self.visit.url}/{name}.html?sample=blocks")
        if self.page.locator("#bench").count():
            self.page.wait_for_selector("#run:enabled")
            self.run()
        elif self.page.locator("#run").count():
            self.page.click("#run")
            self.page.wait_for_selector("#result:visible")
            self.page.wait_for_selector("main[aria-busy=false]")

    def run(self) -> None:
        """Press Run and wait for the end."""
        self.page.click("#run")
        self.wait()

    def answer(self) -> None:
        """Press Run, and Cancel as soon as every lane has its answer: nothing is measured."""
        self.page.click("#run")
        for lane in self.page.locator(".lane:visible").all():
            lane.locator(".headline:not(.waiting)").wait_for()
        button = self.page.locator("#run .label")
        if button.inner_text() == "Cancel":
            button.click()
        self.wait()

    def wait(self) -> None:
        """Wait until nothing is under way."""
        self.page.wait_for_selector("#bench[aria-busy=false]")

    def lane(self, index: int = 0) -> LaneText:
        """Read a lane."""
        lane = self.page.locator(f"#lane-{index}")
        facts = {
            fact.get_attribute("data-fact") or "": fact.inner_text()
            for fact in lane.locator("[data-fact]").all()
        }
        items = [plain(text) for text in lane.locator(".answer li").all_inner_texts()]
        return LaneText(
            lane.locator(".headline").inner_text(),
            [item for item in items if item],
            {key: plain(text) for key, text in facts.items()},
            plain(lane.locator(".status").inner_text()),
        )

    def tile(self, name: str) -> str:
        """Read a tile of the comparison: its title and its detail."""
        return plain(self.page.locator(f"[data-tile={name}]").inner_text())

    def problem(self) -> str:
        """Read the errors that are shown."""
        return plain(" ".join(self.page.locator(".problem:visible").all_inner_texts()))

    def saved(self, which: str, index: int = 0) -> dict[str, npt.NDArray[Any]]:
        """Press a lane's button that saves ``inputs`` or ``outputs``, and load the file."""
        with self.page.expect_download() as download:
            self.page.click(f"#lane-{index} [data-save={which}]")
        content = Path(download.value.path()).read_bytes()
        with np.load(io.BytesIO(content)) as arrays:
            return dict(arrays)


def plain(text: str) -> str:
    """Text with single, ordinary spaces."""
    return re.sub(r"\s+", " ", text).strip()
