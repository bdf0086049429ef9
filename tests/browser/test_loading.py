# SPDX-License-Identifier: Apache-2.0
"""Downloads: their progress, cancelling them, what happens when they fail, and the store."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Route

from tests.browser.demo_page import DemoPage

RECORD_STATUS = """() => {
  const status = document.querySelector("#lane-0 .status-text");
  globalThis.said = [];
  new MutationObserver(() => said.push(status.textContent))
    .observe(status, { childList: true, characterData: true, subtree: true });
}"""

MODELS = "**/models/*"


def test_progress_tells_bytes(tiny: DemoPage) -> None:
    tiny.open("classify.html?compare=0")
    tiny.page.evaluate(RECORD_STATUS)
    tiny.run()
    said: list[str] = tiny.page.evaluate("said.map((text) => text.replace(/\\s/g, ' '))")
    size = tiny.lane().facts["size"]
    assert f"Downloading, {size} of {size}" in said
    assert said[-1].startswith("Median of")


def test_cancel_and_run_again(tiny: DemoPage) -> None:
    held: list[Route] = []
    tiny.open("classify.html?compare=0&sample=red")
    tiny.page.route(MODELS, lambda route: held.append(route))
    tiny.page.click("#run")
    tiny.page.wait_for_selector("#run .label >> text=Cancel")
    tiny.page.wait_for_selector("#lane-0 .status >> text=Downloading")
    tiny.page.click("#run")
    tiny.page.wait_for_selector("#run .label >> text=/^Run/")
    assert tiny.lane().status == "Cancelled"
    assert tiny.problem() == ""
    tiny.page.unroute_all(behavior="ignoreErrors")
    tiny.answer()
    assert tiny.lane().headline == "Red"


@pytest.mark.parametrize(
    ("answer", "problem", "fix"),
    [
        (None, "cannot be reached", "Check the connection"),
        ({"status": 404}, "answers with 404", "Check the connection"),
        ({"body": "short"}, "not the file that this site published", "reload the page"),
        ({"body": "x" * 100_000}, "not the file that this site published", "reload the page"),
    ],
)
def test_failures_say_what_helps(
    tiny: DemoPage, answer: dict[str, Any] | None, problem: str, fix: str
) -> None:
    tiny.visit.expected.append("Failed to load resource")
    tiny.open("classify.html?sample=red&b=f32")

    def fail(route: Route) -> None:
        if answer is None:
            route.abort()
        else:
            route.fulfill(**answer)

    tiny.page.route("**/models/classify_uint8*", fail)
    tiny.run()
    assert problem in tiny.problem()
    assert fix in tiny.problem()
    assert tiny.problem().startswith("classify_uint8.")
    # One network's failure is not the other's.
    assert tiny.lane(1).headline == "Red"
    tiny.page.unroute_all()
    tiny.answer()
    assert tiny.lane(0).headline == "Red"
    assert tiny.problem() == ""


def test_networks_are_stored_once_and_forgotten_when_asked(tiny: DemoPage) -> None:
    tiny.open("classify.html?sample=red")
    tiny.answer()
    tiny.visit.requests.clear()
    tiny.page.goto(f"{tiny.visit.url}/classify.html?sample=red")
    tiny.page.wait_for_selector("#lane-1 .headline:not(.waiting)")
    assert not [url for url in tiny.visit.requests if "/models/" in url]
    tiny.wait()
    tiny.page.click("#engine summary")
    tiny.page.wait_for_selector("#stored >> text=kB")
    tiny.page.click("#clear-store")
    tiny.page.wait_for_selector("#run .detail >> text=downloads")
    assert tiny.page.inner_text("#stored") == "none"


def test_settings_are_in_the_address(tiny: DemoPage) -> None:
    tiny.open("classify.html?compare=0&a=f32&sample=red&variant=scalar&threads=1")
    tiny.run()
    assert tiny.lane().status.endswith("on plain wasm, 1 thread")
    assert tiny.page.get_attribute("#lane-0", "aria-label") == "Tiny classifer in float32"
    tiny.page.click("#engine summary")
    tiny.page.select_option("#variant", "simd")
    tiny.page.wait_for_selector("#lane-0 .status >> text=on SIMD, 1 thread")
    tiny.page.check("#compare", force=True)
    tiny.page.check("#lane-1 [value=f32]", force=True)
    address = tiny.page.url
    assert "variant=simd" in address
    assert "compare" not in address
    assert "b=f32" in address


def test_a_link_shows_the_same(tiny: DemoPage) -> None:
    tiny.open("segment.html?sample=halves&show=replace&a=f32&b=uint8")
    assert tiny.page.is_checked("[name=mode][value=replace]")
    assert tiny.page.is_checked("#lane-0 [value=f32]")
    assert tiny.page.is_checked("#lane-1 [value=uint8]")
    assert tiny.page.is_checked("[name=sample][value=halves]")
    tiny.page.check("[name=mode][value=blur]", force=True)
    assert "show=blur" in tiny.page.url
