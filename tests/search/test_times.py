# SPDX-License-Identifier: Apache-2.0
"""Milliseconds of operators: classes, rates from samples, the table, and times from a browser."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from octet.errors import OctetError
from octet.quantize.config import FLOAT, Config
from octet.search import measure as measuring
from octet.search import times as module
from octet.search.costs import cost
from octet.search.measure import measure, measured_times, variants
from octet.search.times import (
    TIMES,
    Sample,
    Times,
    elements_of,
    fit,
    multiplications,
    operator_class,
    standard_times,
)
from tests.quantize.networks import classifier, quantized

EIGHT = quantized(classifier()).model
FLOATS = quantized(classifier()).source


def sample(kind: str, products: float, elements: float, ms: float) -> Sample:
    return Sample(kind, f"{kind} {products} {elements}", products, elements, ms)


def test_classes() -> None:
    found = [operator_class(FLOATS, operator) for operator in FLOATS.operators]
    assert found == [
        "CONV_2D of pictures float32",
        "DEPTHWISE_CONV_2D float32",
        "CONV_2D 1x1 float32",
        "ADD float32",
        "AVERAGE_POOL_2D float32",
        "RESHAPE float32",
        "FULLY_CONNECTED float32",
        "SOFTMAX float32",
    ]
    sixteen = quantized(classifier(), config=Config(dtype="int16x8")).model
    for model, dtype in ((EIGHT, "8bit"), (sixteen, "int16")):
        kinds = {operator_class(model, operator) for operator in model.operators}
        assert {kind.rpartition(" ")[2] for kind in kinds} == {dtype}
        assert {f"QUANTIZE {dtype}", f"DEQUANTIZE {dtype}"} < kinds


def test_what_operators_do() -> None:
    counts = [(multiplications(FLOATS, o), elements_of(FLOATS, o)) for o in FLOATS.operators[:4]]
    picture, layer = 64 * 3, 64 * 8
    assert counts == [
        (layer * 27, picture + layer),
        (layer * 9, 2 * layer),
        (layer * 8, 2 * layer),
        (0, 3 * layer),
    ]


def test_rates_are_found_again() -> None:
    exact = [sample("a 8bit", p, e, (0.5 * p + 2 * e) / 1e6) for p, e in ((1e6, 1e4), (2e5, 9e5))]
    assert fit(exact, "", exact=False).rates["a 8bit"] == pytest.approx((0.5, 2))


@pytest.mark.parametrize(
    ("samples", "rates"),
    [
        ([(1e6, 1e3, 1.0), (1e6, 1e6, 0.5)], (0.75, 0)),  # more elements, less time
        ([(0, 1e4, 1.0), (0, 3e4, 3.0)], (0, 100)),
        ([(1e6, 1e4, 0.0)], (0, 0)),
    ],
)
def test_no_rate_is_below_zero(
    samples: list[tuple[float, float, float]], rates: tuple[float, float]
) -> None:
    found = fit([sample("a 8bit", *one) for one in samples], "", exact=False)
    assert found.rates["a 8bit"] == pytest.approx(rates, rel=1e-3)


def test_a_class_of_next_to_nothing_has_no_rate() -> None:
    assert fit([sample("a 8bit", 0, 999, 0.005)], "", exact=False).rates == {}


def test_what_was_measured_counts_then_the_class_then_all() -> None:
    stem, depthwise = FLOATS.operators[:2]
    key = module.operator_key(FLOATS, stem)
    products = multiplications(FLOATS, depthwise)
    times = Times({"products float32": (2.0, 0.0)}, {key: 7.0}, "test")
    assert times.operator(FLOATS, stem) == 7.0
    assert times.operator(FLOATS, depthwise) == pytest.approx(2 * products / 1e6)
    better = Times({"DEPTHWISE_CONV_2D float32": (1.0, 0.0)}, {}, "better").over(times)
    assert better.operator(FLOATS, depthwise) == pytest.approx(products / 1e6)
    assert better.operator(FLOATS, stem) == pytest.approx(2 * multiplications(FLOATS, stem) / 1e6)
    assert better.source == "better"


def test_the_table() -> None:
    times = standard_times()
    facts = json.loads(TIMES.read_text())
    assert set(times.rates) == set(facts["classes"])
    for dtype in ("float32", "8bit", "int16"):
        assert {f"products {dtype}", f"others {dtype}"} <= set(times.rates)
    assert all(rate >= 0 for pair in times.rates.values() for rate in pair)
    for kind in ("CONV_2D", "CONV_2D 1x1", "DEPTHWISE_CONV_2D"):  # what 8 bits are for
        assert times.rates[f"{kind} float32"][0] > 1.5 * times.rates[f"{kind} 8bit"][0] > 0


def test_a_broken_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "times.json"
    path.write_text('{"classes": {}}')
    monkeypatch.setattr(module, "TIMES", path)
    with pytest.raises(OctetError, match="times.json: not a table of times: 'machine'"):
        standard_times.__wrapped__()


def test_costs() -> None:
    times = standard_times()
    whole = cost(FLOATS, FLOATS, times)
    assert (whole.eight_bits, whole.speed) == (0, 1)
    eight = cost(EIGHT, FLOATS, times)
    assert eight.eight_bits == 1
    assert eight.size == len(EIGHT.to_bytes())
    assert eight.ms == pytest.approx(whole.ms / eight.speed)
    sixteen = cost(quantized(classifier(), config=Config(dtype="int16x8")).model, FLOATS, times)
    assert sixteen.eight_bits == 0


def test_times_of_a_network_in_the_browser() -> None:
    models = [FLOATS, EIGHT]
    found = measure(models, runs=2)
    operators = [(model, operator) for model in models for operator in model.operators]
    assert [one.kind for one in found] == [operator_class(m, o) for m, o in operators]
    assert all(one.ms >= 0 for one in found)
    times = measured_times(models, standard_times())
    exact = [times.exact[module.operator_key(FLOATS, o)] for o in FLOATS.operators]
    assert times.model(FLOATS) == pytest.approx(sum(exact))
    assert set(times.exact) == {module.operator_key(m, o) for m, o in operators}
    assert set(standard_times().rates) <= set(times.rates)


def test_the_table_is_made_of_every_form_of_a_network(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    types = [
        {model.dtype(o.outputs[0]) for o in model.operators} for model in variants(classifier())
    ]
    assert types == [{FLOAT}, {"int8", FLOAT}, {"int8", FLOAT}, {"int16", FLOAT}]
    network, table = tmp_path / "net.tflite", tmp_path / "times.json"
    classifier().write(network)
    monkeypatch.setattr(measuring, "TIMES", table)
    monkeypatch.setattr(
        measuring, "measure", lambda models: [sample("ADD 8bit", 0, 1e4, 2.0) for _ in models]
    )
    measuring.write_times([network])
    facts = json.loads(table.read_text())
    assert facts["networks"] == ["net.tflite"]
    assert facts["classes"] == {"ADD 8bit": [0, 200], "others 8bit": [0, 200]}
