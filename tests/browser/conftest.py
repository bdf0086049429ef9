# SPDX-License-Identifier: Apache-2.0
"""Sites to test: one over networks made here, and build/site over the real ones."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from octet.toolchain.paths import SITE
from octet.web.runner import Runner, runner
from octet.web.server import Server
from tests.browser import tiny_site
from tests.browser.demo_page import DemoPage, Visit


@pytest.fixture(scope="session")
def tiny_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data folder of the tiny site."""
    folder = tmp_path_factory.mktemp("tiny-data")
    tiny_site.write_data(folder)
    return folder


@pytest.fixture(scope="session")
def tiny_folder(tiny_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny site's files."""
    folder = tmp_path_factory.mktemp("tiny") / "site"
    tiny_site.build_site(tiny_data / "models.toml", tiny_data, folder)
    return folder


@pytest.fixture(scope="session")
def tiny_server(tiny_folder: Path) -> Iterator[Server]:
    with Server({"/": tiny_folder}) as server:
        yield server


@pytest.fixture(scope="session")
def site_server(octet_data: Path) -> Iterator[Server]:
    """build/site, with real networks."""
    with Server({"/": SITE}) as server:
        yield server


@pytest.fixture
def tiny(browser: Browser, tiny_server: Server) -> Iterator[DemoPage]:
    """A visitor of the tiny site, who leaves nothing on the console and asks no other server."""
    with Visit(browser, tiny_server.url) as visit:
        yield DemoPage(visit)


@pytest.fixture
def site(browser: Browser, site_server: Server) -> Iterator[DemoPage]:
    """The same, of build/site."""
    with Visit(browser, site_server.url) as visit:
        yield DemoPage(visit)


@pytest.fixture(scope="session")
def octet_run() -> Iterator[Runner]:
    """What `octet run` runs models with."""
    with runner() as running:
        yield running
