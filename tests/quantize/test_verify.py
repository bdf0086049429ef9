# SPDX-License-Identifier: Apache-2.0
"""octet verify: each rule broken once is found once, and LiteRT does with it what is said."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from octet.cli import main
from octet.errors import OctetError
from octet.quantize.config import Config
from octet.quantize.verify import Finding, is_quantized, is_sound, verify_model
from octet.tflite.model import Model
from octet.tflite.types import TENSOR_TYPES
from tests.quantize import networks
from tests.quantize.networks import Net, outputs, quantized, random_records, tensor

Break = Callable[[Model], None]


def every_rule() -> Model:
    """A network with an operator for each rule that verify knows."""
    net = Net("rules", seed=4)
    x = net.input("x", 1, 4, 4, 4)
    conv = net.conv("conv", x, 4)
    depthwise = net.depthwise("depth", conv)
    gate = net.op("LOGISTIC", "gate", [depthwise], (1, 4, 4, 4))
    squash = net.op("TANH", "squash", [depthwise], (1, 4, 4, 4))
    joined = net.concat("joined", conv, depthwise)
    average = net.pool("AVERAGE_POOL_2D", "average", joined, 2)
    most = net.pool("MAX_POOL_2D", "most", net.add("sum", gate, squash), 4)
    dense = net.dense("dense", net.flatten("flat", average), 6)
    scores = net.softmax("scores", dense)
    logs = net.op("LOG_SOFTMAX", "logs", [dense], (1, 6), "LogSoftmaxOptions")
    unit = net.op("L2_NORMALIZATION", "unit", [dense], (1, 6), "L2NormOptions", "NONE")
    return net.finish(scores, logs, unit, net.flatten("peak", most))


@cache
def sound(dtype: str) -> bytes:
    return quantized(every_rule(), config=Config(dtype=dtype)).model.to_bytes()


def parameters(model: Model, name: str) -> Any:
    return model.tensors[tensor(model, name)].quantization


def scale(factor: float, *names: str) -> Break:
    def change(model: Model) -> None:
        for name in names:
            found = parameters(model, name)
            found.scale = [float(s) * factor for s in found.scale]

    return change


def point(name: str, *points: int) -> Break:
    def change(model: Model) -> None:
        found = parameters(model, name)
        found.zeroPoint = list(points) * (len(found.scale) // len(points))

    return change


def one_scale_off(name: str) -> Break:
    def change(model: Model) -> None:
        scales = [float(s) for s in parameters(model, name).scale]
        parameters(model, name).scale = [scales[0], 2 * scales[1], *scales[2:]]

    return change


def field(name: str, key: str, value: Any) -> Break:
    def change(model: Model) -> None:
        setattr(parameters(model, name), key, value)

    return change


def axis(name: str, number: int) -> Break:
    return field(name, "quantizedDimension", number)


def forget(name: str) -> Break:
    def change(model: Model) -> None:
        model.tensors[tensor(model, name)].quantization = None

    return change


def retype(name: str, dtype: str) -> Break:
    """Give a tensor another type, and a constant the same numbers in it."""

    def change(model: Model) -> None:
        index = tensor(model, name)
        value = model.constant(index)
        model.tensors[index].type = TENSOR_TYPES[dtype]
        if value is not None:
            model.tensors[index].buffer = model.add_buffer(value.astype(dtype))

    return change


def int8_weights(name: str) -> Break:
    def change(model: Model) -> None:
        retype(name, "int8")(model)
        point(name, 0)(model)

    return change


def int16_scores(model: Model) -> None:
    retype("scores_int8", "int16")(model)
    version("DEQUANTIZE", 3)(model)


def least_weight(model: Model) -> None:
    index = tensor(model, "conv_w")
    value = model.constant(index)
    assert value is not None
    value = value.copy()
    value[0, 0, 0, 0] = -128
    model.tensors[index].buffer = model.add_buffer(value)


def per_channel_bytes(model: Model) -> None:
    found = parameters(model, "conv_w")
    found.scale, found.zeroPoint = [float(found.scale[0])] * 4, [int(found.zeroPoint[0])] * 4
    bias = parameters(model, "conv_b")
    bias.scale, bias.zeroPoint = [float(bias.scale[0])] * 4, [0] * 4


def version(kind: str, number: int) -> Break:
    def change(model: Model) -> None:
        for operator in model.operators:
            if model.operator_name(operator) == kind:
                model.tree.operatorCodes[operator.opcodeIndex].version = number

    return change


ONE_SCALE = "one scale with"
FIXED = "scale and zero point"

CASES: dict[str, tuple[str, Break, str, str, str]] = {
    # The rules of TFLite's specification that LiteRT may or may not enforce
    "softmax int8": ("int8", scale(2, "scores_int8"), "refused", "scores_int8", FIXED),
    "softmax uint8": ("uint8", scale(2, "scores_uint8"), "wrong", "scores_uint8", FIXED),
    "softmax uint8 point": ("uint8", point("scores_uint8", 10), "wrong", "scores_uint8", FIXED),
    "softmax int16": ("int16x8", scale(2, "scores_int16"), "refused", "scores_int16", FIXED),
    "logistic int8": ("int8", scale(2, "gate"), "refused", "gate", FIXED),
    "logistic uint8": ("uint8", scale(2, "gate"), "refused", "gate", FIXED),
    "tanh": ("int8", scale(2, "squash"), "advice", "squash", FIXED),
    "tanh int16": ("int16x8", scale(2, "squash"), "refused", "squash", FIXED),
    "logistic int16": ("int16x8", scale(2, "gate"), "refused", "gate", FIXED),
    "log softmax": ("int8", scale(2, "logs_int8"), "refused", "logs_int8", FIXED),
    "norm int8": ("int8", scale(2, "unit_int8"), "refused", "unit_int8", FIXED),
    "norm uint8": ("uint8", point("unit_uint8", 127), "refused", "unit_uint8", FIXED),
    "average pool": ("int8", scale(2, "average", "flat", "dense_b"), "wrong", "joined", ONE_SCALE),
    "max pool": ("int8", scale(2, "sum"), "refused", "sum", ONE_SCALE),
    "concatenation": ("int8", scale(2, "depth"), "refused", "depth", ONE_SCALE),
    "reshape": ("int8", scale(2, "flat", "dense_b"), "wrong", "average", ONE_SCALE),
    "weight point": ("int8", point("conv_w", 3), "refused", "conv_w", "zero point of int8"),
    "weight of -128": ("int8", least_weight, "advice", "conv_w", "least weight"),
    "bias scale": ("int8", one_scale_off("conv_b"), "wrong", "conv_b", "bias scale"),
    "bias scale uint8": ("uint8", scale(2, "conv_b"), "wrong", "conv_b", "bias scale"),
    "bias scale far": ("uint8", scale(1000, "conv_b"), "refused", "conv_b", "bias scale"),
    "channels uint8": ("uint8", per_channel_bytes, "refused", "conv_w", "scales of uint8 weights"),
    # What makes the numbers themselves meaningless
    "no scale": ("int8", forget("dense"), "wrong", "dense", "quantization parameters"),
    "negative scale": ("int8", scale(-1, "dense"), "refused", "dense", "scale"),
    "infinite scale": ("int8", field("dense", "scale", [np.inf]), "refused", "dense", "scale"),
    "point outside": ("int8", point("dense", 200), "refused", "dense", "zero point"),
    "points missing": ("int8", field("conv_w", "zeroPoint", [0]), "refused", "conv_w", "points"),
    "dimension": ("int8", axis("conv_b", 3), "refused", "conv_b", "dimension"),
    "weight axis": ("int8", axis("conv_w", 3), "wrong", "conv_w", "dimension"),
    "bias point": ("int8", point("conv_b", 1), "refused", "conv_b", "zero point of the bias"),
    "bias type": ("int8", retype("conv_b", "int64"), "refused", "conv_b", "bias type"),
    "dense bias type": ("int8", retype("dense_b", "int64"), "wrong", "dense_b", "bias type"),
    "weight type": ("uint8", int8_weights("conv_w"), "wrong", "conv_w", "weights' type"),
    "depth weight type": ("uint8", int8_weights("depth_w"), "refused", "depth_w", "weights'"),
    "depth bias type": ("uint8", retype("depth_b", "int64"), "refused", "depth_b", "bias type"),
    "dense weight type": ("uint8", int8_weights("dense_w"), "wrong", "dense_w", "weights' type"),
    "activation type": ("int8", int16_scores, "refused", "scores_int8", "type"),
    "int16 point": ("int16x8", point("dense", 1), "refused", "dense", "zero point of int16"),
    "old version": ("int8", version("SOFTMAX", 1), "advice", "scores_int8", "version"),
    "old conversion": ("int16x8", version("QUANTIZE", 1), "advice", "x_int16", "version"),
}
"""Element type, what is broken, and the finding: severity, tensor, a part of the rule's words."""


@pytest.mark.parametrize("name", CASES)
def test_a_broken_rule_is_found(name: str) -> None:
    dtype, broken, severity, tensor_name, words = CASES[name]
    model = Model.parse(sound(dtype), "rules")
    assert not verify_model(model)
    broken(model)
    first, *others = {(f.severity, f.tensor, f.rule) for f in verify_model(model)}
    assert not others
    assert first[:2] == (severity, tensor_name)
    assert words in first[2]
    if severity == "refused":
        assert is_refused(model)
    elif severity == "wrong":
        outputs(model, random_records(model, 1))


def is_refused(model: Model) -> bool:
    """Whether some kernels of LiteRT refuse the model."""
    for kernels in ("builtin", "fast"):
        try:
            outputs(model, random_records(model, 1), kernels)
        except OctetError:
            return True
    return False


def test_nnapi_wants_outputs_coarser_than_products() -> None:
    model = Model.parse(sound("uint8"), "rules")
    scale(1e-4, "dense")(model)
    assert not [f for f in verify_model(model) if f.operator == "FULLY_CONNECTED"]
    (found,) = [f for f in verify_model(model, "nnapi") if f.operator == "FULLY_CONNECTED"]
    assert (found.severity, found.tensor) == ("advice", "dense")


@pytest.mark.parametrize("make", [networks.classifier, networks.additions, networks.branches])
@pytest.mark.parametrize("dtype", ["int8", "uint8", "int16x8"])
def test_what_octet_writes_passes(make: Callable[[], Model], dtype: str) -> None:
    assert not verify_model(quantized(make(), config=Config(dtype=dtype)).model)


PUBLISHED = {
    "tflite-int8/ad01_toycar_int8": 10,
    "tflite-int8/hello_world_int8": 3,
    "tflite-int8/kws_ref_model_int8": 13,
    "tflite-int8/resnet8_cifar_int8": 16,
    "tflite-int8/tf2_mobilenet_v2_1.0_224_ptq": 68,
    "tflite-int8/vww_96_int8": 31,
    "tflite-uint8/deeplabv3_mnv2_pascal_quant": 72,
    "tflite-uint8/mobilenet_v1_0.25_128_quant": 31,
    "tflite-uint8/mobilenet_v2_1.0_224_quant": 66,
    "tflite-uint8/ssd_mobilenet_v1_coco_quant_detect": 64,
    "tflite-f32/resnet8_cifar_f32": 0,
}
"""Networks that others quantized, and how many of their operators work in integers."""


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_networks_are_sound(name: str, octet_data: Path) -> None:
    model = Model.read(octet_data / "models" / f"{name}.tflite")
    assert not verify_model(model)
    assert sum(is_quantized(model, o) for o in model.operators) == PUBLISHED[name]


def test_real_violations_are_named(octet_data: Path) -> None:
    """Biases with the dimension of their weights, which LiteRT refuses, and old versions."""
    folder = octet_data / "models"
    broken = verify_model(Model.read(folder / "tflite-int8/person_detect_int8.tflite"))
    refused = [finding for finding in broken if finding.severity == "refused"]
    assert {(f.operator, f.rule, f.found) for f in refused} == {
        ("DEPTHWISE_CONV_2D", "quantized dimension", "3")
    }
    mended = verify_model(Model.read(folder / "tflite-derived/person_detect_int8_fixed.tflite"))
    assert is_sound(mended)
    assert {(f.severity, f.operator, f.rule) for f in mended} == {("advice", "CONV_2D", "version")}


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    good, bad = tmp_path / "good.tflite", tmp_path / "bad.tflite"
    good.write_bytes(sound("int8"))
    model = Model.parse(sound("int8"), "bad")
    scale(2, "depth")(model)
    model.write(bad)
    assert main(["verify", str(good)]) == 0
    assert capsys.readouterr().out == "good.tflite: 0 findings, 19 operators in integers\n"
    assert main(["verify", str(bad)]) == 1
    line = capsys.readouterr().out.splitlines()[0]
    assert line.startswith('refused: operator 5 CONCATENATION, tensor "depth": one scale with')
    assert main(["verify", "--json", str(bad)]) == 1
    (found,) = json.loads(capsys.readouterr().out)
    assert found["tensor"] == "depth" and set(found) == set(Finding.__annotations__)
    assert main(["verify", str(tmp_path / "none.tflite")]) == 1
    assert capsys.readouterr().err == f"octet: {tmp_path}/none.tflite: No such file or directory\n"
