# SPDX-License-Identifier: Apache-2.0
"""For everybody: axe's rules, the keyboard alone, a phone's width, both colour schemes."""

from __future__ import annotations

from typing import Literal

import pytest
from playwright.sync_api import Page

from octet.toolchain.pages import read_pages
from octet.toolchain.paths import NODE_MODULES
from tests.browser.demo_page import DemoPage

PAGES = [page.name for page in read_pages()]

SCHEMES: tuple[Literal["light"], Literal["dark"]] = ("light", "dark")

PHONE = 390
"""Pixels."""

AXE = (NODE_MODULES / "axe-core/axe.min.js").read_text(encoding="utf-8")

RUN_AXE = """async () => (await axe.run()).violations.map(({ id, nodes }) =>
  `${id}: ${nodes.map(({ html, failureSummary }) => html + ' ' + failureSummary).join('; ')}`)"""


def violations(page: Page) -> list[str]:
    """What axe finds wrong."""
    page.evaluate(AXE)
    found: list[str] = page.evaluate(RUN_AXE)
    return found


@pytest.mark.parametrize("name", PAGES)
def test_rules_of_axe_and_a_phones_width(tiny: DemoPage, name: str) -> None:
    page = tiny.page
    tiny.visit_page(name)
    if name != "index":
        page.click("#engine summary")
    for scheme in SCHEMES:
        page.emulate_media(color_scheme=scheme)
        page.wait_for_selector(f"[data-colours={scheme}]")
        assert violations(page) == [], scheme
    page.set_viewport_size({"width": PHONE, "height": 844})
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE


def test_keyboard_alone(tiny: DemoPage) -> None:
    """From the first Tab to an answer of another network, and each stop can be seen."""
    page = tiny.page
    tiny.open("classify.html")
    reached = []
    for _ in range(30):
        page.keyboard.press("Tab")
        focus = page.evaluate(
            """() => {
              const element = document.activeElement;
              const shown = element.closest('label') ?? element;
              const style = [element, shown, element.nextElementSibling ?? element]
                .map((one) => getComputedStyle(one));
              return {
                name: element.id || element.name || element.textContent.trim(),
                visible: style.some(({ outlineStyle }) => outlineStyle !== 'none'),
              };
            }"""
        )
        reached.append(focus["name"])
        assert focus["visible"], focus
        if focus["name"] == "run":
            break
    assert reached[0] == "Skip to content"
    assert {"sample", "file", "camera", "compare", "theme"} <= set(reached)
    page.keyboard.press("Enter")
    tiny.wait()
    assert tiny.lane().headline == "Red"
    page.keyboard.press("Tab")
    page.keyboard.press("ArrowRight")
    page.wait_for_selector("#lane-0[aria-label='Tiny classifer in float32']")
    page.wait_for_selector("#lane-0 .headline:not(.waiting)")
    assert "a=f32" in page.url
    assert tiny.lane().headline == "Red"


def test_colours_are_remembered(tiny: DemoPage) -> None:
    page = tiny.page
    tiny.open("classify.html")
    assert page.get_attribute("html", "data-colours") == "light"
    page.click("#theme")
    page.click("#theme")
    assert page.get_attribute("html", "data-colours") == "dark"
    page.reload()
    assert page.get_attribute("html", "data-colours") == "dark"
    assert "dark" in (page.get_attribute("#theme", "aria-label") or "")


@pytest.mark.parametrize("name", PAGES)
def test_no_page_of_real_networks_scrolls_sideways(site: DemoPage, name: str) -> None:
    """With as many samples and models as the site has."""
    site.page.set_viewport_size({"width": PHONE, "height": 844})
    site.page.goto(f"{site.visit.url}/{name}.html")
    assert site.page.evaluate("document.documentElement.scrollWidth") <= PHONE
