# SPDX-License-Identifier: Apache-2.0
"""octet search over tiny networks: what candidates are, what is lost, and which one is chosen."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from octet.cli import main
from octet.errors import OctetError
from octet.quantize.config import FLOAT, Config, LayerRule, load_config, parse_config
from octet.quantize.quantize import QuantizeOptions, Ready, make_ready, quantize_model
from octet.search.candidates import Candidates
from octet.search.scores import METRICS, Evaluator, Score, default_metric
from octet.search.search import SearchOptions, SearchResult, search_model
from octet.search.strategies import ORDERS
from octet.tflite.model import Model
from tests.quantize.networks import (
    ONE_JOB,
    branches,
    classifier,
    outputs,
    random_records,
    tensor,
)

QUANTIZE = QuantizeOptions(record=ONE_JOB, bias_correction="fast")


@cache
def ready(make: Any = classifier) -> Ready:
    return make_ready(make(), QUANTIZE, random_records(make()))


@cache
def candidates(make: Any = classifier, fallback: str = FLOAT) -> Candidates:
    return Candidates(ready(make), QUANTIZE, random_records(make()), fallback)


def evaluator(metric: str, labels: np.ndarray | None = None) -> Evaluator:
    source = random_records(classifier(), 6, seed=9)
    return Evaluator(ready().model, source, ready().inputs, metric, labels)


def position(name: str, make: Any = classifier) -> int:
    names = [layer.names[0] for layer in ready(make).layers]
    return names.index(name)


def search(**options: Any) -> SearchResult:
    wanted = SearchOptions(**{"metric": "nrmse", "quantize": QUANTIZE, **options})
    model = classifier()
    evaluation = random_records(model, 6, seed=9)
    return search_model(model, random_records(model), wanted, evaluation=evaluation)


# Candidates --------------------------------------------------------------------------------------


def test_nothing_left_out_is_the_quantized_model() -> None:
    made = candidates()
    assert made.model(()).to_bytes() == made.base.model.to_bytes()


def test_everything_left_out_is_the_float_model() -> None:
    made = candidates()
    model, source = made.model(made.positions), random_records(classifier())
    kinds = {model.operator_name(operator) for operator in model.operators}
    assert not kinds & {"QUANTIZE", "DEQUANTIZE"}
    np.testing.assert_array_equal(outputs(model, source), outputs(ready().model, source))


def test_pools_and_reshapes_are_no_candidates() -> None:
    kinds = {ready().layers[p].type for p in candidates().positions}
    assert kinds == {"CONV_2D", "DEPTHWISE_CONV_2D", "ADD", "FULLY_CONNECTED", "SOFTMAX"}


@pytest.mark.parametrize(
    ("left_out", "in_float"),
    [
        (["logits", "scores"], {"logits", "scores"}),
        (["added"], {"added"}),
        (["added", "logits"], {"added", "pooled", "flat", "logits"}),
    ],
)
def test_what_keeps_its_scale_follows_its_neighbours(
    left_out: list[str], in_float: set[str]
) -> None:
    model = candidates().model([position(name) for name in left_out])
    names = {"stem", "depthwise", "point", "added", "pooled", "flat", "logits", "scores"}
    written = {model.operators[p].outputs[0] for p in range(len(model.operators))}
    found = {name for name in names if _is_computed_in_float(model, tensor(model, name), written)}
    assert found == in_float


def _is_computed_in_float(model: Model, index: int, written: set[int]) -> bool:
    maker = model.operators[model.producers()[index]]
    return model.operator_name(maker) != "DEQUANTIZE" and model.dtype(index) == FLOAT


def test_biases_of_what_is_left_out_are_not_corrected() -> None:
    model = candidates().model([position("point")])
    operator = model.operators[model.producers()[tensor(model, "point")]]
    bias = model.constant(operator.inputs[2])
    exact = ready().model.constant(ready().model.operators[position("point")].inputs[2])
    np.testing.assert_array_equal(bias, exact)


def test_configurations_name_operators_or_count_them() -> None:
    config = candidates().config([position("point")])
    assert config.layers == (LayerRule(names=("point",), dtype=FLOAT),)
    twins = classifier()
    twins.tensors[tensor(twins, "point")].name = "stem"
    made = make_ready(twins, QUANTIZE, random_records(twins))
    two = Candidates(made, QUANTIZE, random_records(twins))
    config = two.config([2])
    assert config.layers == (LayerRule(index=2, dtype=FLOAT),)
    assert len([own for own in config.wanted(made.layers) if own.dtype == FLOAT]) == 1


def test_what_the_configuration_keeps_in_float_is_no_candidate() -> None:
    options = QuantizeOptions(
        record=ONE_JOB, config=Config(layers=(LayerRule(names=("stem",), dtype=FLOAT),))
    )
    made = Candidates(ready(), options, random_records(classifier()))
    assert position("stem") not in made.positions
    assert made.config([position("point")]).layers[0].names == ("stem",)


# Scores and costs --------------------------------------------------------------------------------


FIVE = sorted(set(METRICS) - {"top5"})
"""Metrics that five classes have."""


@pytest.mark.parametrize("metric", FIVE)
def test_the_float_model_loses_nothing(metric: str) -> None:
    with evaluator(metric, np.arange(6) % 5) as one:
        score = one.score(ready().model)
    assert score.drop == pytest.approx(0, abs=1e-6)
    assert score.noise == 0


@pytest.mark.parametrize("metric", FIVE)
def test_what_is_lost_equals_numpy(metric: str) -> None:
    source, labels = random_records(classifier(), 6, seed=9), np.arange(6) % 5
    model = candidates().base.model
    a = np.array(outputs(ready().model, source), np.float64).reshape(6, 5)
    b = np.array(outputs(model, source), np.float64).reshape(6, 5)
    e = np.abs(a - b)
    expected = {
        "accuracy": (a.argmax(1) == labels).mean() - (b.argmax(1) == labels).mean(),
        "top1": (a.argmax(1) != b.argmax(1)).mean(),
        "nrmse": np.sqrt((e**2).sum() / (a**2).sum()),
        "cosine": 1 - ((a * b).sum(1) / np.sqrt((a**2).sum(1) * (b**2).sum(1))).mean(),
        "mpeir": (e.max(1) / (np.ptp(a, axis=1) + 1e-6)).mean(),
        "mape": (e / np.maximum(a, 0.01 * a.max(1, keepdims=True))).mean(),
        "mae": e.mean(),
        "mse": (e**2).mean(),
    }
    with evaluator(metric, labels) as one:
        score = one.score(model)
    assert score.drop == pytest.approx(expected[metric], 1e-4, 1e-7)
    assert score.noise == pytest.approx(expected["nrmse"], 1e-4)


def test_some_of_the_records() -> None:
    labels, model = np.arange(6) % 5, candidates().base.model
    source = random_records(classifier(), 6, seed=9)
    right = [
        np.array(outputs(one, source)).reshape(6, 5).argmax(1) == labels
        for one in (ready().model, model)
    ]
    expected = right[0][[1, 4]].mean() - right[1][[1, 4]].mean()
    with evaluator("accuracy", labels) as one:
        assert one.score(model, [1, 4]).drop == pytest.approx(expected)


def test_metrics_that_do_not_suit() -> None:
    with pytest.raises(OctetError, match="metric: got 'f1', expected one of accuracy, top1"):
        evaluator("f1")
    with pytest.raises(OctetError, match="metric accuracy: needs the right classes"):
        evaluator("accuracy")
    with pytest.raises(OctetError, match="labels: got 2, expected 6, one per record"):
        evaluator("accuracy", np.arange(2))
    with pytest.raises(OctetError, match="metric top5: fewer than 6 classes in classifier"):
        evaluator("top5")
    made = ready(branches)
    rank_3 = made.model.copy()
    rank_3.tensors[rank_3.outputs[0]].shape = [1, 144, 3]
    with pytest.raises(OctetError, match="metric top1: branches has no output that is a row"):
        Evaluator(rank_3, random_records(branches()), made.inputs, "top1")
    assert default_metric(rank_3, None) == "nrmse"
    assert default_metric(classifier(), None) == "top1"
    assert default_metric(classifier(), np.arange(6)) == "accuracy"


# Searches ----------------------------------------------------------------------------------------


def test_nothing_is_left_out_where_nothing_has_to_be() -> None:
    found = search(max_drop=1.0)
    assert found.chosen.left_out == ()
    assert found.ranking == []
    assert found.met()


def test_greedy_leaves_out_until_it_is_enough() -> None:
    whole = search(max_drop=1.0).chosen.score.drop
    found = search(max_drop=whole / 2)
    assert found.met()
    assert 0 < len(found.chosen.left_out) < len(candidates().positions)
    values = [one.value() for one in found.ranking]
    assert values == sorted(values, reverse=True)
    for left in found.chosen.left_out:  # none of them can be put back
        fewer = {*found.chosen.left_out} - {left}
        assert [p for p in found.points if {*p.left_out} == fewer][0].score.drop > found.target


def test_no_loss_at_all_is_the_float_model() -> None:
    found = search(max_drop=0.0)
    assert found.met()
    assert found.chosen.score == Score(0, 0)
    assert len(found.points) < 60  # it ends, though nothing but the whole is enough
    frontier = found.frontier()
    for point in frontier:
        smaller = [other for other in found.points if other.cost.size <= point.cost.size]
        faster = [other for other in smaller if other.cost.ms <= point.cost.ms]
        assert not [other for other in faster if other.score.drop < point.score.drop]
    assert frontier == sorted(frontier, key=lambda point: point.cost.size)


@pytest.mark.parametrize("order", ORDERS)
def test_bisection_finds_the_shortest_prefix(order: str) -> None:
    found = search(ratio=0.5, order=order, refine=False)
    tried = {len(point.left_out): point.score.drop for point in found.points}
    count = len(found.chosen.left_out)
    assert found.target == pytest.approx(tried[0] / 2)
    assert tried[count] <= found.target < tried[count - 1]
    positions = candidates().positions
    if order in ("front", "back"):
        turned = positions if order == "front" else positions[::-1]
        assert list(found.chosen.left_out) == turned[:count]


def test_sixteen_bits() -> None:
    found = search(ratio=0.5, fallback="int16x8", order="front")
    assert {rule.dtype for rule in found.config.layers} == {"int16x8"}
    assert found.met()
    assert found.target > 0


def test_the_configuration_makes_the_model() -> None:
    found = search(ratio=0.5, order="front")
    config = parse_config(json.loads(found.config.to_json()))
    options = QuantizeOptions(config=config, record=ONE_JOB, bias_correction="fast")
    made = quantize_model(classifier(), options, random_records(classifier()))
    assert made.model.to_bytes() == found.quantized.model.to_bytes()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"fallback": "int4"}, "fallback: got 'int4'"),
        ({"order": "middle"}, "order: got 'middle'"),
        ({"ratio": 2}, "ratio: got 2, expected 0 to 1"),
        ({"max_drop": -1}, "max drop: expected 0 or more"),
    ],
)
def test_impossible_options(options: dict[str, Any], words: str) -> None:
    with pytest.raises(OctetError, match=words):
        search(**options)


@pytest.mark.parametrize("words", [[], ["--dtype", "uint8"], ["--dtype", "uint8", "--no-equalize"]])
def test_quantize_makes_what_was_scored(tmp_path: Path, words: list[str]) -> None:
    model, config = tmp_path / "a.tflite", tmp_path / "quant.json"
    made, again = tmp_path / "made.tflite", tmp_path / "again.tflite"
    classifier().write(model)
    data = ["--random", "8", "--no-cache", "--jobs", "1"]
    command = ["search", str(model), "-o", str(config), *data, *words, "--ratio", "0.5"]
    assert main([*command, "--quantized", str(made)]) == 0
    same = [word for word in words if word == "--no-equalize"]
    command = ["quantize", str(model), "-o", str(again), *data, *same, "--config", str(config)]
    assert main(command) == 0
    assert again.read_bytes() == made.read_bytes()


def test_commands(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model, config = tmp_path / "a.tflite", tmp_path / "quant.json"
    made = tmp_path / "made.tflite"
    classifier().write(model)
    data = ["--random", "8", "--no-cache", "--jobs", "1"]
    command = ["search", str(model), "-o", str(config), *data, "--ratio", "0.5"]
    assert main([*command, "--quantized", str(made), "--measure"]) == 0
    text = capsys.readouterr().out
    assert "loss: nrmse, root mean squared error over the outputs' root mean square" in text
    assert "written" in text
    assert "one run in octet on one thread, from times measured in Chromium on this" in text
    assert load_config(config).layers
    labels = tmp_path / "labels.txt"
    labels.write_text("\n".join("01234012"))
    command = ["search", str(model), "-o", str(config), *data, "--labels", str(labels), "--json"]
    assert main(command) == 0
    assert json.loads(capsys.readouterr().out)["metric"] == "accuracy"
    assert main(["search", str(model), "-o", str(config)]) == 2
