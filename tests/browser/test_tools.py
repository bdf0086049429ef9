# SPDX-License-Identifier: Apache-2.0
"""Profile, benchmark and model: their numbers, tables and files."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Page

from octet.commands.inspect import operator_reports
from octet.web.runner import Runner
from tests.browser.demo_page import DemoPage, plain
from tests.tflite.tiny_models import Operator, Tensor, write_model


def work(visitor: DemoPage) -> None:
    """Press the page's button and wait for the end."""
    visitor.page.click("#run")
    settled(visitor.page)


def settled(page: Page) -> None:
    page.wait_for_selector("main[aria-busy=false]")


def saved(page: Page, selector: str) -> bytes:
    with page.expect_download() as download:
        page.click(selector)
    return Path(download.value.path()).read_bytes()


def table(page: Page, selector: str) -> list[list[str]]:
    """A table's rows as texts."""
    rows = page.locator(f"{selector} tbody tr").all()
    return [[plain(text) for text in row.locator("th,td").all_inner_texts()] for row in rows]


class TestProfile:
    def test_float_against_eight_bit(self, tiny: DemoPage) -> None:
        tiny.page.goto(f"{tiny.visit.url}/profile.html?network=detect")
        work(tiny)
        names = tiny.page.locator(".run-name").all_inner_texts()
        assert names == ["Tiny detecer, uint8", "Tiny detecer, float32"]
        rows = table(tiny.page, "#layers")
        assert [row[1] for row in rows[:2]] == ["AVERAGE_POOL_2D", "CONV_2D"]
        assert rows[-1][1] == "TFLite_Detection_PostProcess"
        assert rows[1][7] == "integer / float"
        assert "100 % of the time in integers" in plain(tiny.page.inner_text(".run-card.first"))

    def test_files(self, tiny: DemoPage) -> None:
        tiny.page.goto(f"{tiny.visit.url}/profile.html?network=classify")
        work(tiny)
        report = json.loads(saved(tiny.page, "#save-json"))
        assert [len(run["layers"]) for run in report["runs"]] == [3, 3]
        lines = list(csv.DictReader(io.StringIO(saved(tiny.page, "#save-csv").decode())))
        assert [line["operator"] for line in lines[:3]] == [
            "AVERAGE_POOL_2D",
            "FULLY_CONNECTED",
            "SOFTMAX",
        ]
        assert float(lines[0]["ms"]) >= 0
        canvas = tiny.page.locator("#chart canvas").evaluate(
            "({ width, height }) => ({ width, height })"
        )
        with Image.open(io.BytesIO(saved(tiny.page, "#save-png"))) as image:
            assert image.size == (canvas["width"], canvas["height"] + 32)
            colours = image.convert("RGB").getcolors(1 << 20)
        assert colours is not None
        assert len(colours) > 5

    def test_history_outlives_the_page(self, tiny: DemoPage) -> None:
        tiny.page.goto(f"{tiny.visit.url}/profile.html?network=segment")
        work(tiny)
        before = table(tiny.page, "#layers")
        tiny.page.reload()
        assert table(tiny.page, "#layers")[0][1] == before[0][1]
        tiny.page.click("#history summary")
        assert len(table(tiny.page, "#history")) == 2
        tiny.page.click("#history tbody tr:first-child button")
        assert len(table(tiny.page, "#history")) == 1


class TestBenchmark:
    def test_settings_are_in_the_address(self, tiny: DemoPage) -> None:
        address = "benchmark.html?network=classify&models=f32&runs=7&warmup=1&threads=1"
        tiny.page.goto(f"{tiny.visit.url}/{address}")
        work(tiny)
        (row,) = table(tiny.page, "#results")
        assert row[0] == "Tiny classifer, float32"
        assert row[-1] == "7"
        machine = tiny.page.inner_text("#machine")
        assert "1 thread" in machine
        assert "simd128, relaxed-simd, atomics" in machine
        tiny.page.fill("#runs", "9")
        tiny.page.press("#runs", "Tab")
        assert "runs=9" in tiny.page.url

    def test_files(self, tiny: DemoPage) -> None:
        tiny.page.goto(f"{tiny.visit.url}/benchmark.html?network=segment&runs=5&warmup=0")
        work(tiny)
        report = json.loads(saved(tiny.page, "#save-json"))
        assert [len(one["times"]) for one in report["measurements"]] == [5, 5]
        lines = saved(tiny.page, "#save-csv").decode().splitlines()
        assert len(lines) == 6
        name = tiny.page.locator("#chart canvas").get_attribute("aria-label") or ""
        assert "Tiny segmener, uint8 and Tiny segmener, float32" in name


class TestModel:
    @pytest.mark.parametrize("name", ["classify_uint8", "detect_f32", "segment_uint8"])
    def test_operators_as_octet_inspect_reports_them(
        self, tiny: DemoPage, tiny_data: Path, octet_run: Runner, name: str
    ) -> None:
        path = tiny_data / f"models/{name}.tflite"
        open_file(tiny, path)
        facts = octet_run.parse(path)
        with octet_run.load(path) as model:
            reports = operator_reports(facts, model)
        rows = table(tiny.page, "#operators")
        assert [row[4] for row in rows] == [report.runs for report in reports]
        assert [row[1] for row in rows] == [report.name for report in reports]

    def test_runs_on_npy(
        self, tiny: DemoPage, tiny_data: Path, octet_run: Runner, tmp_path: Path
    ) -> None:
        path = tiny_data / "models/classify_f32.tflite"
        image = np.random.default_rng(1).uniform(-1, 1, (1, 32, 32, 3)).astype(np.float32)
        np.save(tmp_path / "image.npy", image)
        open_file(tiny, path)
        tiny.page.set_input_files("#inputs input", tmp_path / "image.npy")
        tiny.page.wait_for_selector("text=image.npy")
        settled(tiny.page)
        with np.load(io.BytesIO(saved(tiny.page, "[data-save=outputs]"))) as arrays:
            outputs = dict(arrays)
        with octet_run.load(path) as model:
            expected = model.run({"image": image})
        np.testing.assert_array_equal(outputs["scores"], expected["scores"])

    def test_a_wrong_npy_is_refused(self, tiny: DemoPage, tiny_data: Path, tmp_path: Path) -> None:
        np.save(tmp_path / "image.npy", np.zeros((1, 32, 32, 3)))
        open_file(tiny, tiny_data / "models/classify_f32.tflite")
        tiny.page.set_input_files("#inputs input", tmp_path / "image.npy")
        tiny.page.wait_for_selector(".problem:visible")
        assert "element type: got <f8" in tiny.problem().lower()

    def test_runs_on_a_picture(self, tiny: DemoPage, tiny_data: Path) -> None:
        open_file(tiny, tiny_data / "models/classify_uint8.tflite")
        tiny.page.set_input_files("#inputs input", tiny_data / "images/red.png")
        tiny.page.wait_for_selector("text=red.png")
        settled(tiny.page)
        assert "Largest: 1 (0.9" in tiny.page.inner_text("#outputs")

    def test_says_what_is_missing(self, tiny: DemoPage, tmp_path: Path) -> None:
        (tmp_path / "strange.tflite").write_bytes(strange_model())
        open_file(tiny, tmp_path / "strange.tflite")
        assert "Missing: Unheard" in tiny.page.inner_text("#tiles")
        assert "It cannot be run here" in tiny.problem()
        assert "Unheard" in tiny.problem()
        rows = table(tiny.page, "#operators")
        assert [row[4] for row in rows] == ["", "unsupported"]

    @pytest.mark.parametrize(
        "content", [b"", b"not a model at all", b"\x1c\0\0\0TFL3" + b"\xff" * 99]
    )
    def test_refuses_what_is_no_model(self, tiny: DemoPage, tmp_path: Path, content: bytes) -> None:
        (tmp_path / "broken.tflite").write_bytes(content)
        open_file(tiny, tmp_path / "broken.tflite")
        assert "broken.tflite" in tiny.problem()
        assert tiny.page.is_hidden("#result")


def open_file(visitor: DemoPage, path: Path) -> None:
    visitor.page.goto(f"{visitor.visit.url}/model.html")
    visitor.page.set_input_files("#model-file", path)
    visitor.page.wait_for_selector(".problem:visible, #result:visible")
    settled(visitor.page)


def strange_model() -> bytes:
    tensors: dict[str, Any] = {name: Tensor((1, 4)) for name in ("x", "y", "z")}
    operators = [
        Operator("RELU", ("x",), ("y",)),
        Operator("Unheard", ("y",), ("z",), custom_options=b""),
    ]
    return write_model(tensors, operators, ("x",), ("z",))
