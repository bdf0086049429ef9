# SPDX-License-Identifier: Apache-2.0
"""Windows and workers: navigator.ml computes there, its interfaces are shaped as in IDL."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page

from octet.web.server import Server

SCOPES = {
    "window": "[object Window]",
    "dedicated worker": "[object DedicatedWorkerGlobalScope]",
    "shared worker": "[object SharedWorkerGlobalScope]",
    "service worker": "[object ServiceWorkerGlobalScope]",
}


@pytest.mark.parametrize("kind", SCOPES)
def test_realm(kind: str, site: Server, page: Page) -> None:
    page.goto(f"{site.url}/ask.html")
    report = page.evaluate("kind => ask(kind)", kind)
    assert report.get("error") is None
    assert report["scope"] == SCOPES[kind]
    assert report["violations"] == []
    assert report["result"] == [0, 2, 3]


def test_the_table_has_all_operators(site: Server, page: Page) -> None:
    page.goto(f"{site.url}/empty.html")
    names = page.evaluate(
        "import('/page/idl.js').then((m) => Object.keys(m.INTERFACES.MLGraphBuilder.operations))"
    )
    assert len(set(names) - {"build", "constant", "input"}) == 95
