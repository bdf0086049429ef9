# SPDX-License-Identifier: Apache-2.0
"""The README's example, run as it stands there."""

from __future__ import annotations

import re

from playwright.sync_api import Page

from octet.toolchain.paths import ROOT
from octet.web.browser import ConsoleLog
from octet.web.server import Server

PAGE = b"<!doctype html><link rel=icon href=data:,><script type=module src=readme.js></script>"


def test_example(server: Server, page: Page, console: ConsoleLog) -> None:
    example = re.search(r"```js\n(.+?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    assert example is not None
    expected = re.search(r"// (\S+)$", example[1].strip())
    assert expected is not None
    server.blobs |= {"/readme.html": PAGE, "/readme.js": example[1].encode()}
    with page.expect_console_message():
        page.goto(f"{server.url}/readme.html")
    assert console.lines == [f"log: {expected[1]}"]
