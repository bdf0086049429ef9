# SPDX-License-Identifier: Apache-2.0
"""Headless Chromium, driven by Playwright: found on the machine, never downloaded."""

from __future__ import annotations

import os
import re
import signal
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from playwright.sync_api import (
    Browser,
    ConsoleMessage,
    Page,
    Playwright,
    sync_playwright,
)
from playwright.sync_api import Error as PlaywrightError

from octet.errors import OctetError
from octet.web.chromium import find_chromium

CHROMIUM_FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--disable-quic",
)

PATIENCE_MS = 300_000
"""A page that takes longer for anything hangs; on a loaded machine all takes long."""

CLOSING_S = 10
"""A browser that takes longer to end is killed."""


class _Driver:
    """Playwright's own process: a thread can run only one, so nested browsers share it."""

    def __init__(self) -> None:
        self._users = 0
        self._running: Playwright | None = None

    def __enter__(self) -> Playwright:
        if self._running is None:
            self._running = sync_playwright().start()
        self._users += 1
        return self._running

    def __exit__(self, *_: object) -> None:
        self._users -= 1
        if self._users == 0 and self._running is not None:
            self._running.stop()
            self._running = None


_driver = _Driver()


@contextmanager
def _starting(path: str) -> Iterator[None]:
    """Word what Playwright says, many lines of it, as one."""
    try:
        yield
    except PlaywrightError as error:
        said = re.findall(r"\[err\] (.+)|<process did exit: (.+)>", error.message)
        why = next((a or b for a, b in said), error.message.splitlines()[0])
        raise OctetError(f"{path} does not start: {why}") from None


@contextmanager
def chromium(flags: Sequence[str] = ()) -> Iterator[Browser]:
    """Launch headless Chromium with octet's flags and ``flags``; it closes with the context.

    Raises:
        BrowserMissingError: with what to install.
        OctetError: if it does not start.
    """
    path = find_chromium()
    with _driver as playwright:
        with _starting(path):
            browser = playwright.chromium.launch(
                executable_path=path, args=[*CHROMIUM_FLAGS, *flags], timeout=PATIENCE_MS
            )
        try:
            yield browser
        finally:
            browser.close()


def open_page(browser: Browser, **options: Any) -> Page:
    """Open a page in a context of its own, with ``options``; closing it closes both."""
    page = browser.new_page(**options)
    page.context.set_default_timeout(PATIENCE_MS)
    return page


@contextmanager
def chromium_by_itself(folder: Path, url: str) -> Iterator[None]:
    """Launch headless Chromium on ``url`` that keeps its caches in ``folder``, as a user's does.

    Nobody is attached to it, as Playwright would be: a debugger holds every worker at its start
    until it has seen it. What the page finds out it has to upload.

    Raises:
        BrowserMissingError: with what to install.
    """
    flags = [*CHROMIUM_FLAGS, "--headless=new", f"--user-data-dir={folder}"]
    browser = subprocess.Popen(
        [find_chromium(), *flags, url],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        yield
    finally:
        browser.terminate()
        with suppress(subprocess.TimeoutExpired):
            browser.wait(CLOSING_S)
        # Its helpers would outlive it for a moment, and write into the folder.
        with suppress(ProcessLookupError):
            os.killpg(browser.pid, signal.SIGKILL)
        browser.wait()


class ConsoleLog:
    """What a page wrote to its console, and its uncaught errors, as lines."""

    def __init__(self, page: Page) -> None:
        self.lines: list[str] = []
        page.on("console", self._on_console)
        page.on("pageerror", lambda error: self.lines.append(f"uncaught: {error}"))

    def _on_console(self, message: ConsoleMessage) -> None:
        self.lines.append(f"{message.type}: {message.text}")


class PageFailedError(OctetError):
    """A page's script threw; the message is its own."""


def evaluate(page: Page, script: str, argument: object) -> Any:
    """Return what ``script``, a function, returns for ``argument`` in the page.

    Raises:
        PageFailedError: if it throws.
    """
    try:
        return page.evaluate(script, argument)
    except PlaywrightError as error:
        raise PageFailedError(_plain_message(error.message)) from None


def _plain_message(message: str) -> str:
    """Take Playwright's prefix and the page's stack off an error."""
    text = re.sub(r"^Page\.evaluate: (?:\w*Error: )?", "", message)
    return re.split(r"\n\s+at ", text)[0].strip()
