# SPDX-License-Identifier: Apache-2.0
"""quant.json: which operators a rule selects, and one line for each way it can be wrong."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from octet.cli import main
from octet.quantize.config import Config, ConfigError, load_config, parse_config
from octet.tflite.model import Model
from tests.quantize.networks import classifier, quantized, tensor

ALL = {"stem", "depthwise", "point", "added", "pooled", "flat", "logits", "scores"}

SELECTORS: list[tuple[list[dict[str, Any]], set[str]]] = [
    ([{"name": "point"}], {"point"}),
    ([{"names": ["stem", "added"]}], {"stem", "added"}),
    ([{"regex": "^(flat|log)"}], {"flat", "logits"}),
    ([{"regex": "po"}], {"point", "pooled"}),
    ([{"type": "CONV_2D"}], {"stem", "point"}),
    ([{"index": 3}], {"added"}),
    ([{"type": "CONV_2D", "regex": "p"}], {"point"}),
    ([{"regex": "."}, {"type": "ADD", "dtype": "int8"}], ALL - {"added"}),
]
"""Rules, and the operators that they leave in float; an operator is called after its output."""


@pytest.mark.parametrize(("rules", "floats"), SELECTORS)
def test_rules_select_operators(rules: list[dict[str, Any]], floats: set[str]) -> None:
    layers = [{"dtype": "float32", **rule} for rule in rules]
    done = quantized(classifier(), config=parse_config({"layers": layers}))
    asked = {layer.names[0] for layer, why in done.in_float() if why == "asked for"}
    assert asked == floats


def test_what_only_moves_follows_its_neighbours() -> None:
    rules = {"layers": [{"regex": "pooled|logits|scores", "dtype": "float32"}]}
    done = quantized(classifier(), config=parse_config(rules))
    assert {layer.names[0]: why for layer, why in done.in_float()} == {
        "pooled": "asked for",
        "flat": "its neighbours are in float",
        "logits": "asked for",
        "scores": "asked for",
    }


def test_granularity_by_layer() -> None:
    rules = {"default": {"granularity": "layer"}, "layers": [
        {"name": "stem", "granularity": "channel"}
    ]}  # fmt: skip
    made = quantized(classifier(), config=parse_config(rules)).model
    counts = {
        name: len(made.tensors[tensor(made, name)].quantization.scale)
        for name in ("stem_w", "stem_b", "point_w", "depthwise_w", "logits_w")
    }
    assert counts == {"stem_w": 8, "stem_b": 8, "point_w": 1, "depthwise_w": 1, "logits_w": 1}


def test_a_fused_activation_answers_to_both_names(tmp_path: Path) -> None:
    """conv and relu6 of their own become one operator with the names and numbers of both."""
    from tests.quantize.networks import Net

    net = Net()
    x = net.input("x", 1, 4, 4, 2)
    conv = net.conv("conv", x, 2)
    model = net.finish(net.op("RELU6", "relu", [conv], (1, 4, 4, 2)))
    for rule in ({"name": "conv"}, {"name": "relu"}, {"index": 0}, {"index": 1}):
        config = parse_config({"layers": [{**rule, "dtype": "float32"}]})
        [(layer, _)] = quantized(model, config=config).in_float()
        assert (layer.names, layer.indices) == (("conv", "relu"), (0, 1))


def test_json_there_and_back() -> None:
    words = {
        "default": {"dtype": "uint8"},
        "layers": [{"names": ["a"], "dtype": "float32"}, {"regex": "b", "granularity": "layer"}],
        "tensors": [{"name": "t", "min": -1.0, "max": 2.0}],
        "quantize_after": ["q"],
        "dequantize_after": ["d"],
    }
    config = parse_config(words)
    assert json.loads(config.to_json()) == words
    assert parse_config(json.loads(config.to_json())) == config
    assert parse_config({}) == Config()


WRONG: list[tuple[Any, str]] = [
    ([], "config: got list, expected an object."),
    ({"layer": []}, "config: unknown key 'layer'. Did you mean 'layers'?"),
    ({"default": {"dtype": "int4"}}, "config: default: dtype: got 'int4', expected one of int8,"),
    ({"layers": {}}, "config: layers: got dict, expected a list."),
    ({"layers": [{"dtype": "int8"}]}, "config: layers[0]: selects nothing: expected name, names,"),
    ({"layers": [{"regex": "("}]}, "config: layers[0]: regex '(': missing ), unterminated"),
    ({"layers": [{"type": "CONV2D"}]}, "unknown operator 'CONV2D'. Did you mean 'CONV_2D'?"),
    (
        {"layers": [{"name": "a", "granularity": "row"}]},
        "config: layers[0]: granularity: got 'row'",
    ),
    ({"tensors": [{"name": "a", "min": 1}]}, "config: tensors[0]: got min, expected min and max,"),
    ({"tensors": [{"min": 0, "max": 1}]}, "config: tensors[0]: name is missing."),
]


@pytest.mark.parametrize(("words", "message"), WRONG)
def test_a_wrong_configuration(words: Any, message: str) -> None:
    with pytest.raises(ConfigError) as raised:
        parse_config(words)
    assert str(raised.value)[: len(message)] == message


UNFIT: list[tuple[dict[str, Any], str]] = [
    (
        {"layers": [{"name": "sten", "dtype": "uint8"}]},
        "layers[0]: {'names': ['sten']} matches no operator. Did you mean \"stem\"?",
    ),
    (
        {"default": {"dtype": "uint8", "granularity": "channel"}},
        'CONV_2D "stem": granularity: got channel for uint8, expected layer '
        "(uint8 weights have one scale; per channel: int8).",
    ),
    ({"quantize_after": ["nowhere"]}, 'quantize-after: classifier has no tensor "nowhere".'),
    (
        {"tensors": [{"name": "stem_w", "min": 0, "max": 1}]},
        'tensors: "stem_w" is no quantized tensor of the model.',
    ),
    (
        {"tensors": [{"name": "stem", "scale": -1, "zero_point": 0}]},
        'tensors: "stem": got scale -1, zero point 0, expected a positive scale and -128 to 127.',
    ),
]


@pytest.mark.parametrize(("words", "message"), UNFIT)
def test_a_configuration_that_does_not_fit(words: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError) as raised:
        quantized(classifier(), config=parse_config(words))
    assert str(raised.value) == message


def test_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "quant.json"
    path.write_text("{")
    with pytest.raises(ConfigError, match="quant.json: not JSON"):
        load_config(path)
    model, out = tmp_path / "m.tflite", tmp_path / "out.tflite"
    classifier().write(model)
    words = ["quantize", str(model), "-o", str(out), "--random", "3", "--config", str(path)]
    assert main(words) == 1
    assert "not JSON" in capsys.readouterr().err and not out.exists()
    path.write_text('{"default": {"dtype": "uint8"}, "layers": [{"index": 0, "dtype": "int8"}]}')
    assert main(words) == 0
    made = Model.read(out)
    assert made.dtype(tensor(made, "stem_w")) == "int8"
    assert made.dtype(tensor(made, "point_w")) == "uint8"
    assert main([*words, "--dtype", "int8", "--dequantize-after", "pooled"]) == 0
    said = capsys.readouterr().out
    assert 'float32: FULLY_CONNECTED "logits" (outside of the quantized part)' in said
