# SPDX-License-Identifier: Apache-2.0
"""A server with the built bundle at /dist and pages at /page."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from octet.toolchain.paths import DIST
from octet.web.server import Server

EMPTY = b"<!doctype html><link rel=icon href=data:,>"


@pytest.fixture(scope="module")
def site() -> Iterator[Server]:
    with Server({"/dist": DIST, "/page": Path(__file__).parent / "page"}) as server:
        server.blobs["/empty.html"] = EMPTY
        server.blobs["/ask.html"] = EMPTY + b"<script src=/page/ask.js></script>"
        yield server
