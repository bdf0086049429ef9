# SPDX-License-Identifier: Apache-2.0
"""octet compare over tiny networks: pairs of tensors, layers, labels, messages, the page."""

from __future__ import annotations

import json
import math
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Page

from octet.cli import main
from octet.compare.compare import CompareOptions, compare_models, compare_with_litert
from octet.compare.comparison import Comparison, short_name
from octet.compare.labels import read_labels
from octet.compare.layout import HEIGHT, WIDTH, lay_out
from octet.compare.pairs import INPUT, pair_tensors, same_tensors
from octet.compare.report import render_report
from octet.errors import OctetError
from octet.quantize.config import Config, LayerRule
from octet.quantize.convert import Interface
from octet.tflite.model import Model
from octet.tflite.runtime import Session
from tests.onnx.operator_cases import all_cases
from tests.quantize.networks import (
    Net,
    additions,
    branches,
    classifier,
    outputs,
    quantized,
    random_records,
    tensor,
)


@cache
def small() -> Model:
    return quantized(classifier(), config=Config(dtype="int8")).model


def comparison(b: Model | None = None, **options: object) -> Comparison:
    a = classifier()
    wanted = CompareOptions(threads=1, **options)  # type: ignore[arg-type]
    return compare_models(a, b or small(), random_records(a), wanted)


def test_a_model_equals_itself() -> None:
    found = comparison(classifier())
    assert found.first_difference is found.first_divergence is None
    assert all(math.isinf(layer.errors.sqnr) for layer in found.layers)
    assert found.outputs[0].classes is not None
    assert found.outputs[0].classes.top1 == 1


@pytest.mark.parametrize("make", [classifier, additions, branches])
@pytest.mark.parametrize("dtype", ["int8", "uint8"])
def test_every_operator_has_its_counterpart(make: object, dtype: str) -> None:
    a = make()  # type: ignore[operator]
    b = quantized(a, config=Config(dtype=dtype)).model
    pairs = pair_tensors(a, b)
    assert [pair.operator for pair in pairs] == [-1, *range(len(a.operators))]
    assert pairs[0].kind == INPUT
    assert {b.dtype(pair.b) for pair in pairs} == {dtype}


def test_without_common_names_the_structure_decides() -> None:
    a, b = classifier(), small().copy()
    for index, other in enumerate(b.tensors):
        other.name = f"renamed {index}"
    by_name = {(pair.operator, pair.b) for pair in pair_tensors(a, small())}
    assert {(pair.operator, pair.b) for pair in pair_tensors(a, b)} == by_name


def test_states_do_not_outlive_a_record(octet_data: Path) -> None:
    model = Model.read(octet_data / "models/tflite-f32/lstm_mnist_f32.tflite")
    source = random_records(model, 1)
    session = Session(model.to_bytes(), "lstm")
    first, second = (session.run(source.read(0))[0] for _ in range(2))
    np.testing.assert_array_equal(first, second)


def test_what_is_computed_of_constants_alone_is_no_layer() -> None:
    net = Net("halves")
    x = net.input("x", 1, 4)
    half = net.constant("half", np.ones((1, 4)), "float16")
    whole = net.op("DEQUANTIZE", "whole", [half], (1, 4), "DequantizeOptions")
    model = net.finish(net.add("y", x, whole))
    assert [pair.kind for pair in same_tensors(model)] == ["ADD"]


def test_layers_equal_what_numpy_says() -> None:
    a, b = classifier(), small()
    source = random_records(a)
    found = comparison()
    expected = np.array(outputs(a, source), np.float64).reshape(source.count, -1)
    got = np.array(outputs(b, source), np.float64).reshape(source.count, -1)
    layer = found.layers[-1]
    assert layer.name == "scores"
    assert layer.errors.mae == pytest.approx(np.abs(got - expected).mean(), 1e-5)
    assert layer.errors.sqnr == pytest.approx(
        10 * math.log10((expected**2).sum() / ((got - expected) ** 2).sum()), 1e-5
    )
    assert layer.scale == 1 / 256
    assert layer.srmse == pytest.approx(math.sqrt(((got - expected) ** 2).mean()) * 256, 1e-5)
    assert found.outputs[0].errors == layer.errors


def test_what_a_layer_loses_is_against_its_worst_input() -> None:
    found = {layer.name: layer for layer in comparison().layers}
    sqnr = {name: layer.errors.sqnr for name, layer in found.items()}
    assert found["image"].lost is None
    assert found["stem"].lost == sqnr["image"] - sqnr["stem"]
    assert found["added"].lost == min(sqnr["stem"], sqnr["point"]) - sqnr["added"]


def test_divergence_is_where_the_threshold_says() -> None:
    values = [layer.errors.sqnr for layer in comparison().layers]
    threshold = sorted(values)[len(values) // 2]
    found = comparison(diverges_below=threshold)
    assert found.first_divergence == next(i for i, v in enumerate(values) if v < threshold)
    assert comparison(diverges_below=0).first_divergence is None


def test_a_layer_left_in_float_is_compared_in_float() -> None:
    rule = LayerRule(names=("point",), dtype="float32")
    mixed = quantized(classifier(), config=Config(layers=(rule,))).model
    layer = next(layer for layer in comparison(mixed).layers if layer.name == "point")
    assert layer.dtype == ("float32", "float32")
    assert layer.scale is layer.srmse is None


def test_inputs_are_converted_for_each_model() -> None:
    integers = quantized(classifier(), interface=Interface("uint8", "int8")).model
    assert comparison(integers).outputs[0].errors.mae == pytest.approx(
        comparison().outputs[0].errors.mae, abs=1 / 256
    )
    a = classifier()
    turned = compare_models(integers, a, random_records(a), CompareOptions(threads=1))
    assert turned.outputs[0].errors.sqnr > 20


def test_models_that_do_not_match() -> None:
    a = classifier()
    with pytest.raises(OctetError, match=r'additions: input "x": shape: got \[1, 6, 6, 4\], exp'):
        compare_models(a, additions(), random_records(a))
    more = classifier()
    more.graph.outputs = [*more.outputs, tensor(more, "logits")]
    with pytest.raises(OctetError, match="outputs: got 2, expected 1 as in classifier"):
        compare_models(a, more, random_records(a))


def test_labels(tmp_path: Path) -> None:
    text = tmp_path / "labels.txt"
    text.write_text("cat 1\ndog 2\n\n3\n")
    np.savez(tmp_path / "labels.npz", y=np.array([4, 5, 6, 7]), z=np.zeros(2))
    assert read_labels(str(text), 1).tolist() == [2, 3, 4]
    assert read_labels(f"{tmp_path}/labels.npz:y#1:3").tolist() == [5, 6]
    with pytest.raises(OctetError, match="array: got '', expected one of y, z"):
        read_labels(f"{tmp_path}/labels.npz")
    with pytest.raises(OctetError, match=r"got float64\[2\], expected whole numbers"):
        read_labels(f"{tmp_path}/labels.npz:z")
    text.write_text("cat\n")
    with pytest.raises(OctetError, match="line 1: got 'cat', expected a class number"):
        read_labels(str(text))
    with pytest.raises(OctetError, match="labels: got 2, expected 12, one per record"):
        comparison(labels=np.array([1, 2]))
    best = [int(out[0].argmax()) for out in outputs(classifier(), random_records(classifier()))]
    found = comparison(labels=np.array(best)).outputs[0].classes
    assert found is not None
    assert found.accuracy_a == 1
    assert found.accuracy_b == found.top1


@pytest.mark.parametrize("make", [classifier, additions, branches])
def test_nothing_overlaps_in_the_drawing(make: object) -> None:
    drawing = lay_out(make())  # type: ignore[operator]
    boxes = drawing.boxes
    for i, one in enumerate(boxes):
        assert 0 <= one.x <= drawing.width - WIDTH
        assert 0 <= one.y <= drawing.height - HEIGHT
        for other in boxes[:i]:
            assert abs(one.x - other.x) >= WIDTH or abs(one.y - other.y) >= HEIGHT


def test_short_names() -> None:
    assert short_name("a/b;c;d") == "a/b"
    assert short_name("x" * 60) == "x" * 60
    assert len(short_name("abc" * 100)) == 60


def test_commands(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    a, b = tmp_path / "a.tflite", tmp_path / "b.tflite"
    classifier().write(a)
    small().write(b)
    html = tmp_path / "report.html"
    command = ["compare", str(a), str(b), "--random", "4", "--threads", "1"]
    assert main([*command, "--html", str(html)]) == 0
    text = capsys.readouterr().out
    assert "b.tflite\nagainst a.tflite\n4 records of random (seed 0)" in text
    assert "first layer with SQNR below 10 dB: none" in text
    assert html.read_text().startswith("<!doctype html>")
    assert main([*command, "--json"]) == 0
    data = json.loads(capsys.readouterr().out)
    assert [layer["kind"] for layer in data["layers"]][:2] == ["input", "CONV_2D"]
    assert data["first_difference"] == "image"
    assert main(["compare", str(a), "--random", "1"]) == 2
    assert main(["compare", str(a), str(b)]) == 2
    assert "compare needs --data SRC or --random N" in capsys.readouterr().err


def test_onnx_against_its_quantized_form(tmp_path: Path) -> None:
    onnx, made = tmp_path / "conv.onnx", tmp_path / "conv.tflite"
    onnx.write_bytes(all_cases()["Conv_1"].model())
    assert main(["quantize", str(onnx), "-o", str(made), "--random", "4", "--no-cache"]) == 0
    assert main(["compare", str(onnx), str(made), "--random", "2"]) == 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_page(page: Page, tmp_path: Path, scheme: str) -> None:
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("console", lambda message: problems.append(message.text))
    page.on("request", lambda request: problems.append(request.url))
    page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    path = tmp_path / "report.html"
    path.write_text(render_report(comparison()))
    for width in (390, 1280):
        page.set_viewport_size({"width": width, "height": 844})
        page.goto(path.as_uri())
        assert page.evaluate("document.documentElement.scrollWidth") == width
    worst = comparison().worst(1)[0]
    assert page.inner_text("#chosen-name") == worst.name
    assert page.locator("#chosen-values .histogram").count() == 1
    page.select_option("#metric", "tae")
    assert page.locator(".node.e8").count() >= 1
    page.click("button[data-sort=operator]")
    assert "input" in page.inner_text("#rows tr:first-child")
    page.locator(".node[data-choose]").nth(1).press("Enter")
    assert page.locator(".node.chosen").count() == page.locator("tr.chosen").count() == 1
    assert [problem for problem in problems if problem != path.as_uri()] == []


def test_octet_in_a_browser_against_litert() -> None:
    model = small()
    found = compare_with_litert(model, random_records(model, 2), CompareOptions(threads=1))
    assert "octet (" in found.other
    assert "LiteRT (fast kernels)" in found.reference
    assert [layer.name for layer in found.layers] == [
        model.tensor_name(index) for operator in model.operators for index in operator.outputs
    ]
    assert found.notes == ["reading tensors changed no output"]
    assert found.first_divergence is None
    assert all(layer.steps is not None for layer in found.layers if layer.dtype[0] == "int8")
