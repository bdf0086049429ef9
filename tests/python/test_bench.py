# SPDX-License-Identifier: Apache-2.0
"""The benchmark: what it is asked, what it makes of numbers, and that its page runs octet."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from playwright.sync_api import Browser

from octet.bench import latency, micro, onnx_twin, render, site, startup, targets
from octet.bench.engines import Entry
from octet.bench.models import find_models
from octet.bench.results import Failure, Latency, Machine, Memory, Micro, Results, Size, Startup
from octet.errors import OctetError, UsageError
from octet.tflite.model import Model
from octet.tflite.runtime import Session
from octet.toolchain import arguments

SMALL = "kws-int8"


def timed(engine: str, threads: int, *times: float, model: str = "mobilenet-v2-uint8") -> Latency:
    """What a run would have found if each round had one time."""
    median, least, greatest = sorted(times)[len(times) // 2], min(times), max(times)
    variant = "relaxed:pairs" if engine == "octet" else None
    facts = {"init_ms": 1.0, "compile_ms": 2.0, "first_ms": 3.0, "difference": None}
    return Latency(
        *(model, engine, "1.0", threads, variant, median, least, greatest, len(times)),
        **facts,  # type: ignore[arg-type]
        round_ms=times,
    )


@pytest.fixture
def results() -> Results:
    row = ("mobilenet-v2-uint8", "octet", "1.0", 1, None)
    peer = ("mobilenet-v2-uint8", "litert", "2.0", 1, None)
    parts = {"scripts": 1.0, "init": 1.0, "compile": 1.0, "first": 1.0}
    return Results(
        Machine("a CPU", 2, "156", "Linux", "2026-01-01"),
        latency=[
            timed("octet", 1, 5, 6, 5),
            timed("octet", 2, 3, 3, 3),
            timed("tfjs-tflite", 1, 10, 40, 10),
            timed("litert", 1, 20, 20, 20),
        ],
        startup=[
            Startup(*row, 50, 40, 60, 30, 20, 40, 3, parts),
            Startup(*peer, 200, 190, 210, 100, 90, 110, 3, parts),
        ],
        size=[Size(*row, 200_000, 90_000, 3_000_000, ("octet.js",)), Size(*peer, 9, 9, 9, ("a",))],
        memory=[Memory(*row, 100.0)],
        micro=[Micro("m", "simd", "qu8_gemm", (1, 7, 7, 64), 32, 2, 0.1, 30.0, 60.0)],
        ceilings={"i16 dot, add": 60.0},
        failed=[Failure(*peer, error="a | b\nc"), Failure("m", *peer[1:], error="a | b\nc")],
    )


def test_takes_what_there_is_to_measure() -> None:
    words = ["bench", SMALL, "--threads", "1,4", "--variants", "simd,relaxed:none", "--rounds", "0"]
    options = arguments.parse(words)
    assert (options.models, options.threads, options.rounds) == ([SMALL], [1, 4], 0)
    assert options.variants == ["simd", "relaxed:none"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--threads", "0"], "got '0', expected numbers above 0"),
        (["--threads", "1,x"], "got '1,x'"),
        (["--variants", "relaxed:fast"], "got 'relaxed:fast', expected some of scalar,simd"),
    ],
)
def test_refuses(words: list[str], message: str) -> None:
    with pytest.raises(UsageError) as error:
        arguments.parse(["bench", *words])
    assert message in str(error.value)


def test_unknown_models() -> None:
    with pytest.raises(UsageError, match=r"'ssd-unit8'. Did you mean 'ssd-uint8'"):
        find_models(["ssd-unit8"])
    with pytest.raises(OctetError, match="there is no nowhere/x.tflite"):
        find_models(["nowhere/x.tflite"])


def test_a_ratio_is_of_rounds(results: Results) -> None:
    octet, _, peer, _ = results.latency
    assert results.reference_of(octet) is peer, "the peer with the least median"
    assert octet.ratio_to(peer) == 0.5
    assert results.reference_of(results.latency[1]) is None, "no peer on two threads"


def test_results_survive_json(results: Results, tmp_path: Path) -> None:
    results.save(tmp_path / "new/results.json")
    assert Results.load(tmp_path / "new/results.json") == results
    with pytest.raises(OctetError, match="no.json"):
        Results.load(tmp_path / "no.json")


def test_targets(results: Results) -> None:
    found = {check.name: (round(check.got, 3), check.is_met) for check in targets.checks(results)}
    assert found == {
        "mobilenet-v2-uint8, 1T: octet / tfjs-tflite": (0.5, True),
        "mobilenet-v2-uint8: two threads for one": (1.667, False),
        "mobilenet-v2-uint8: start, first visit": (0.25, True),
        "mobilenet-v2-uint8: start, second visit": (0.3, True),
        "kB of a page, brotli": (90.0, True),
    }


def test_the_page_of_results(results: Results) -> None:
    page = render.render(results)
    assert "| octet 1.0 (relaxed:pairs) | 5.00 (5.00–6.00) | **0.50** | 3.00" in page
    assert "| litert 2.0 | mobilenet-v2-uint8, m | a \\| b c |" in page
    assert "| mobilenet-v2-uint8: two threads for one | ≥ 1.85 | 1.67 | missed by 10% |" in page
    assert "| `qu8_gemm` | 1×7×7×64 | 32 | 2 | 0.200 | 30.0 | 50% |" in page
    for table in page.split("\n\n"):
        rows = [line for line in table.splitlines() if line.startswith("|")]
        columns = {line.replace("\\|", "").count("|") for line in rows}
        assert len(columns) <= 1, f"a ragged table:\n{table}"


def test_onnx_twin(octet_data: Path, tmp_path: Path) -> None:
    del octet_data
    model = Model.read(find_models(["mobilenet-v2-f32"])[0].path)
    image = np.random.default_rng(1).uniform(-1, 1, (1, 224, 224, 3)).astype(np.float32)
    onnx.save(onnx_twin.convert(model), tmp_path / "twin.onnx")
    [got] = onnx_twin.run(tmp_path / "twin.onnx", [image])
    [expected] = Session(model.to_bytes(), model.name).run([image])
    np.testing.assert_allclose(got, expected, atol=1e-5)


def test_octet_in_the_page(octet_data: Path, browser: Browser) -> None:
    del octet_data
    [model] = find_models([SMALL])
    entries = [Entry("octet", 1, "simd"), Entry("octet", 1, "scalar")]
    said: list[str] = []
    with site.serve([model], with_peers=False) as server:
        found, failed = latency.measure(browser, server, model, entries, 2, said.append)
        rows = micro.measure(browser, server, model, "simd", {"i16 dot, add": 50.0})
    assert not failed
    assert [(row.variant, row.runs, row.difference) for row in found] == [
        ("simd", 6, None),
        ("scalar", 6, 0.0),
    ]
    assert len(said) == latency.steps(entries, 2)
    assert any(row.ceiling_gmacs == 50.0 and row.gmacs > 0 for row in rows)


def test_an_engine_that_fails_is_reported(octet_data: Path, browser: Browser) -> None:
    del octet_data
    [model] = find_models([SMALL])
    with site.serve([model], with_peers=False) as server:
        server.blobs[site.url_of(model, "tflite")] = b"not a model"
        found, failed = latency.measure(
            browser, server, model, [Entry("octet", 1)], 1, lambda _: None
        )
    assert found == []
    assert [(row.engine, row.error != "") for row in failed] == [("octet", True)]


def test_a_start(octet_data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    del octet_data
    monkeypatch.setattr(startup, "REPETITIONS", 1)
    [model] = find_models([SMALL])
    with site.serve([model], with_peers=False) as server:
        starts, sizes, memory, failed = startup.measure(
            server, model, [Entry("octet", 2)], lambda _: None
        )
    assert failed == []
    assert starts[0].cold_ms > 0
    assert starts[0].warm_ms > 0
    assert {"octet.js", "octet_worker.js"} < set(sizes[0].files)
    assert 0 < sizes[0].brotli_bytes < sizes[0].raw_bytes
    assert memory == [] or memory[0].peak_mb > 10
