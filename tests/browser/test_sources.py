# SPDX-License-Identifier: Apache-2.0
"""Where pictures come from: a file chosen, dropped or pasted, and the camera."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Browser

from octet.web.browser import chromium
from octet.web.server import Server
from tests.browser import tiny_site
from tests.browser.demo_page import DemoPage, Visit

FAKE_CAMERAS = (
    "--use-fake-ui-for-media-stream",
    "--use-fake-device-for-media-stream=device-count=2,fps=30",
)
"""Chromium's own: green pictures in which something yellow turns."""

GIVE = """([type, data, kind]) => {
  const bytes = Uint8Array.from(atob(data), (char) => char.charCodeAt(0));
  const transfer = new DataTransfer();
  transfer.items.add(new File([bytes], "a file", { type: kind }));
  const options = { bubbles: true, cancelable: true };
  const event = type === "drop"
    ? new DragEvent(type, { ...options, dataTransfer: transfer })
    : new ClipboardEvent(type, { ...options, clipboardData: transfer });
  document.body.dispatchEvent(event);
}"""

RECORD_CONSTRAINTS = """
const { mediaDevices } = navigator;
const getUserMedia = mediaDevices.getUserMedia.bind(mediaDevices);
globalThis.asked = [];
mediaDevices.getUserMedia = (constraints) => {
  asked.push(constraints.video.facingMode);
  return getUserMedia(constraints);
};
"""


def give(visitor: DemoPage, event: str, path: Path, kind: str = "image/png") -> None:
    """Drop or paste a file."""
    data = base64.b64encode(path.read_bytes()).decode()
    visitor.page.evaluate(GIVE, [event, data, kind])


@pytest.fixture
def blue(tmp_path: Path) -> Path:
    """A picture that is no sample."""
    path = tmp_path / "blue.png"
    Image.new("RGB", (50, 40), tiny_site.BLUE).save(path)
    return path


@pytest.fixture
def waiting(tiny: DemoPage) -> DemoPage:
    """A page that has answered for a sample."""
    tiny.open("classify.html?compare=0&sample=red")
    tiny.answer()
    return tiny


@pytest.mark.parametrize("event", ["drop", "paste"])
def test_a_file_that_is_given(waiting: DemoPage, blue: Path, event: str) -> None:
    give(waiting, event, blue)
    # The network is there: it answers at once.
    waiting.page.wait_for_selector("#lane-0 .headline >> text=blue")
    assert "sample=" not in waiting.page.url
    assert waiting.page.locator("input[name=sample]:checked").count() == 0


def test_a_file_that_is_chosen(waiting: DemoPage, blue: Path) -> None:
    waiting.page.set_input_files("#file", blue)
    waiting.page.wait_for_selector("#lane-0 .headline >> text=blue")
    waiting.page.check("input[value=red]", force=True)
    waiting.page.wait_for_selector("#lane-0 .headline >> text=red")
    assert "sample=red" in waiting.page.url


def test_what_is_no_picture(waiting: DemoPage, tiny_data: Path) -> None:
    give(waiting, "drop", tiny_data / "labels/colours.txt", "text/plain")
    waiting.page.wait_for_selector(".problem:visible")
    assert "not a picture" in waiting.problem()
    assert "Try a JPEG, PNG or WebP picture" in waiting.problem()
    assert waiting.lane().headline == "Red"


@pytest.fixture(scope="module")
def filming() -> Iterator[Browser]:
    """A browser with two cameras."""
    with chromium(FAKE_CAMERAS) as running:
        yield running


@pytest.mark.parametrize(
    ("address", "answers"),
    [
        ("classify.html", {"Green"}),
        ("segment.html?compare=0", {"Green", "Green, red", "Red, green"}),
    ],
)
def test_camera(filming: Browser, tiny_server: Server, address: str, answers: set[str]) -> None:
    with Visit(filming, tiny_server.url, permissions=["camera"]) as visit:
        demo = DemoPage(visit)
        visit.page.add_init_script(RECORD_CONSTRAINTS)
        demo.open(address)
        visit.page.click("#camera")
        visit.page.wait_for_selector("#rate >> text=/[1-9].* pictures a second/")
        assert demo.lane().headline in answers
        assert demo.lane().status.startswith("Live on")
        visit.page.wait_for_selector("#run .label >> text=Stop camera")
        visit.page.click("#facing")
        visit.page.wait_for_function("asked.length === 2")
        visit.page.wait_for_selector("#lane-0[data-state=live]")
        assert visit.page.evaluate("asked") == ["user", "environment"]
        visit.page.click("#run")
        visit.page.wait_for_selector("#run .label >> text=/^Run/")
        assert visit.page.is_hidden("#rate")
        # The sample's picture is back, and runs.
        demo.answer()
        assert demo.lane().headline != ""


def test_no_camera(tiny: DemoPage) -> None:
    tiny.open("classify.html?compare=0")
    tiny.page.click("#camera")
    tiny.page.wait_for_selector(".problem:visible")
    assert "camera" in tiny.problem()
    assert tiny.page.inner_text("#run .label") == "Run"
