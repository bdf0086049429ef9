# SPDX-License-Identifier: Apache-2.0
"""What every test may ask for: the data folder, the built bundle on a server, a browser, a page."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from octet.toolchain.paths import DIST, ROOT
from octet.web.browser import ConsoleLog, chromium, open_page
from octet.web.server import Server
from tests import javascript


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add ``--full``: the tests that compare samples then take many instead of a few."""
    parser.addoption("--full", action="store_true", help="many samples where tests take a few")


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """Collect ``*.test.js``: files for Node's own test runner."""
    if file_path.name.endswith(".test.js"):
        return javascript.JavaScriptFile.from_parent(parent, path=file_path)
    return None


def pytest_runtest_protocol(item: pytest.Item, nextitem: pytest.Item | None) -> bool | None:
    """Let JavaScript files report each of their tests."""
    if not isinstance(item, javascript.JavaScriptItem):
        return None
    javascript.run_protocol(item, nextitem)
    return True


def data_folder() -> Path:
    """Where models and vectors are: ``$OCTET_DATA``, else ``shared`` beside the checkout."""
    named = os.environ.get("OCTET_DATA")
    return Path(named) if named else ROOT.parent / "shared"


@pytest.fixture(scope="session")
def octet_data() -> Path:
    """The folder with models and vectors."""
    folder = data_folder()
    if not (folder / "models/manifest.json").is_file():
        pytest.skip(f"no test data: {folder} has no models/manifest.json (set OCTET_DATA)")
    return folder


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    """A server over build/dist; ``server.blobs`` may add pages."""
    assert DIST.is_dir(), "build/dist is missing; run: python3 build.py"
    with Server({"/": DIST}) as running:
        yield running


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Headless Chromium."""
    with chromium() as running:
        yield running


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A fresh page in a context of its own."""
    page = open_page(browser)
    try:
        yield page
    finally:
        page.close()


@pytest.fixture
def console(page: Page) -> ConsoleLog:
    """What ``page`` wrote to its console, as lines."""
    return ConsoleLog(page)
