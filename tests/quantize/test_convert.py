# SPDX-License-Identifier: Apache-2.0
"""The integer model: types outside and inside, one scale where there must be one, what is kept."""

from __future__ import annotations

import json

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema

from octet.quantize.config import Config, parse_config
from octet.quantize.convert import Interface
from octet.quantize.quantize import QuantizeOptions, quantize_model
from octet.quantize.record import embed, record
from octet.quantize.schemes import Params, dequantize, quantize
from octet.quantize.verify import verify_model
from octet.tflite.model import Model
from octet.tflite.runtime import Session
from octet.tflite.types import Array
from tests.quantize.networks import (
    ONE_JOB,
    Net,
    additions,
    branches,
    classifier,
    outputs,
    quantized,
    random_records,
    scales,
    tensor,
)


def largest_error(made: Model, model: Model, kernels: str = "fast") -> float:
    """The largest difference of any output, as a share of the float outputs' range."""
    source = random_records(model)
    wanted: Array = np.array(outputs(model, source))
    found: Array = np.array(outputs(made, source, kernels))
    return float(np.abs(found - wanted).max() / np.ptp(wanted))


def kinds(model: Model) -> list[str]:
    return [model.operator_name(operator) for operator in model.operators]


def params(model: Model, index: int) -> Params:
    quantization = model.tensors[index].quantization
    return Params(model.dtype(index), float(quantization.scale[0]), int(quantization.zeroPoint[0]))


# Inputs and outputs -------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["int8", "uint8"])
@pytest.mark.parametrize("source", ["float32", "uint8", "int8"])
@pytest.mark.parametrize("target", ["float32", "uint8", "int8"])
def test_types_of_inputs_and_outputs(dtype: str, source: str, target: str) -> None:
    """Whatever goes in and out, the integers inside are the same."""
    model = classifier()
    floats = quantized(model, config=Config(dtype=dtype)).model
    made = quantized(model, config=Config(dtype=dtype), interface=Interface(source, target)).model
    assert not verify_model(made)
    assert (made.dtype(made.inputs[0]), made.dtype(made.outputs[0])) == (source, target)
    names = (made.tensor_name(made.inputs[0]), made.tensor_name(made.outputs[0]))
    assert names == ("image", "scores")
    session = Session(made.to_bytes(), "made")
    records = random_records(model, 4)
    for number, [wanted] in enumerate(outputs(floats, records)):
        x = records.read(number)[0]
        if source != "float32":
            x = quantize(x, params(made, made.inputs[0]))
        [found] = session.run([x])
        if target != "float32":
            found = dequantize(found, params(made, made.outputs[0]))
        np.testing.assert_array_equal(found, wanted, strict=True)


def test_inputs_of_the_same_type_need_no_conversion() -> None:
    made = quantized(classifier(), interface=Interface("int8", "int8")).model
    assert not {"QUANTIZE", "DEQUANTIZE"} & set(kinds(made))
    made = quantized(classifier(), interface=Interface("uint8", "uint8")).model
    assert kinds(made).count("QUANTIZE") == 2 and "DEQUANTIZE" not in kinds(made)


def test_bytes_outside_of_16_bits() -> None:
    """QUANTIZE does not go between bytes and int16: by way of float."""
    made = quantized(
        classifier(), config=Config(dtype="int16x8"), interface=Interface("uint8", "uint8")
    ).model
    assert not verify_model(made)
    assert kinds(made)[:2] == ["DEQUANTIZE", "QUANTIZE"]
    session = Session(made.to_bytes(), "made", kernels="reference")
    assert session.run([np.zeros((1, 8, 8, 3), np.uint8)])[0].dtype == np.uint8


# Scales -------------------------------------------------------------------------------------------


def test_groups_of_one_scale_take_the_union_of_the_ranges() -> None:
    model = branches()
    source = random_records(model)
    ranges = record(model, source, ONE_JOB).ranges
    made = quantized(model).model
    group = ("wide", "joined", "peaks", "padded", "large")
    found = {str(scales(made, name)) for name in group}
    assert len(found) == 1
    low = min(0.0, *(ranges[tensor(model, name)][0] for name in group[:2]))
    high = max(0.0, *(ranges[tensor(model, name)][1] for name in group[:2]))
    (scale,), _ = scales(made, "joined")
    assert scale == np.float32((high - low) / 255)


def test_a_fixed_scale_joins_a_group_through_a_requantized_copy() -> None:
    """LOGISTIC writes 1/256; the concatenation reads it at its own scale."""
    made = quantized(branches()).model
    assert scales(made, "narrow") == ([1 / 256], [-128])
    position = kinds(made).index("CONCATENATION")
    assert kinds(made)[position - 1] == "QUANTIZE"
    copy = made.operators[position].inputs[1]
    assert made.tensor_name(copy) == "narrow_int8" and not verify_model(made)


def test_a_fixed_scale_serves_a_group_that_has_no_other() -> None:
    net = Net()
    x = net.input("x", 1, 4, 4, 2)
    gate = net.op("LOGISTIC", "gate", [net.conv("conv", x, 2)], (1, 4, 4, 2))
    model = net.finish(net.flatten("flat", net.pool("MAX_POOL_2D", "most", gate, 2)))
    made = quantized(model).model
    assert {str(scales(made, name)) for name in ("gate", "most")} == {"([0.00390625], [-128])"}
    assert kinds(made).count("QUANTIZE") == 1  # the input's


FIXED = {
    "int8": {"gate": (1 / 256, -128), "squash": (1 / 128, 0), "scores": (1 / 256, -128),
             "logs": (1 / 16, 127), "unit": (1 / 128, 0)},
    "uint8": {"gate": (1 / 256, 0), "squash": (1 / 128, 128), "scores": (1 / 256, 0),
              "logs": (1 / 16, 255), "unit": (1 / 128, 128)},
    "int16x8": {"gate": (1 / 32768, 0), "squash": (1 / 32768, 0), "scores": (1 / 32768, 0)},
}  # fmt: skip


@pytest.mark.parametrize("dtype", FIXED)
def test_outputs_in_a_known_range(dtype: str) -> None:
    net = Net()
    x = net.input("x", 1, 6)
    dense = net.dense("dense", x, 6)
    made = [
        net.op("LOGISTIC", "gate", [dense], (1, 6)),
        net.op("TANH", "squash", [dense], (1, 6)),
        net.softmax("scores", dense),
        net.op("LOG_SOFTMAX", "logs", [dense], (1, 6), "LogSoftmaxOptions"),
        net.op("L2_NORMALIZATION", "unit", [dense], (1, 6), "L2NormOptions", "NONE"),
    ]
    # Outputs of the graph are float; what is in integers has their name with the type behind.
    model = quantized(net.finish(*made), config=Config(dtype=dtype)).model
    suffix = SUFFIX[dtype]
    for name, (scale, zero_point) in FIXED[dtype].items():
        assert scales(model, f"{name}_{suffix}") == ([scale], [zero_point])


SUFFIX = {"int8": "int8", "uint8": "uint8", "int16x8": "int16"}

VERSIONS = {
    "int8": {"CONV_2D": 3, "DEPTHWISE_CONV_2D": 3, "FULLY_CONNECTED": 4, "ADD": 2, "SOFTMAX": 2,
             "AVERAGE_POOL_2D": 2, "RESHAPE": 1, "QUANTIZE": 1, "DEQUANTIZE": 2},
    "uint8": {"CONV_2D": 1, "DEPTHWISE_CONV_2D": 1, "FULLY_CONNECTED": 1, "ADD": 1, "SOFTMAX": 1,
              "AVERAGE_POOL_2D": 1, "RESHAPE": 1, "QUANTIZE": 1, "DEQUANTIZE": 1},
    "int16x8": {"CONV_2D": 4, "DEPTHWISE_CONV_2D": 5, "FULLY_CONNECTED": 7, "ADD": 3, "SOFTMAX": 3,
                "AVERAGE_POOL_2D": 3, "RESHAPE": 1, "QUANTIZE": 2, "DEQUANTIZE": 3},
}  # fmt: skip


@pytest.mark.parametrize("dtype", VERSIONS)
def test_versions_of_kernels(dtype: str) -> None:
    made = quantized(classifier(), config=Config(dtype=dtype)).model
    found = {made.operator_name(o): made.operator_version(o) for o in made.operators}
    assert found == VERSIONS[dtype]


def test_zero_is_exact_everywhere() -> None:
    made = quantized(branches()).model
    for index in range(len(made.tensors)):
        if made.dtype(index) == "int8" and not made.is_constant(index):
            low, high = params(made, index).range()
            assert low <= 0 <= high


# Near the float model -----------------------------------------------------------------------------


@pytest.mark.parametrize(("dtype", "bound"), [("int8", 0.03), ("uint8", 0.03), ("int16x8", 0.01)])
@pytest.mark.parametrize("make", [classifier, additions, branches])
def test_it_computes_what_the_float_model_does(make: object, dtype: str, bound: float) -> None:
    """Within a few steps: 3 per cent of the range is 8 of 255; 16 bits leave the weights' 8."""
    assert callable(make)
    model = make()
    made = quantized(model, config=Config(dtype=dtype)).model
    kernels = "reference" if dtype == "int16x8" else "fast"
    assert largest_error(made, model, kernels) <= bound


# Mixed --------------------------------------------------------------------------------------------


def test_a_tensor_that_both_worlds_read() -> None:
    """The first convolution's output goes to an integer ADD and to a float one."""
    wanted = parse_config({"layers": [{"name": "twice", "dtype": "float32"}]})
    model = additions()
    made = quantized(model, config=wanted).model
    adds = [o for o in made.operators if made.operator_name(o) == "ADD"]
    assert [made.dtype(add.inputs[0]) for add in adds] == ["int8", "float32", "int8"]
    copies = [o for o in made.operators if made.operator_name(o) == "DEQUANTIZE"]
    assert len(copies) == 3  # once, first and the graph's output
    assert largest_error(made, model) < 0.05 and not verify_model(made)


def test_three_number_systems_in_one_model() -> None:
    wanted = parse_config(
        {
            "layers": [
                {"name": "stem", "dtype": "uint8"},
                {"type": "FULLY_CONNECTED", "dtype": "int16x8"},
                {"name": "point", "dtype": "float32"},
            ]
        }
    )
    model = classifier()
    made = quantized(model, config=wanted).model
    found = {
        made.operator_name(o): made.dtype(o.inputs[0])
        for o in made.operators
        if made.operator_name(o) in ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED", "ADD")
    }
    assert found["DEPTHWISE_CONV_2D"] == "int8" and found["FULLY_CONNECTED"] == "int16"
    assert not verify_model(made)
    assert largest_error(made, model) < 0.05


@pytest.mark.parametrize(
    ("words", "integer"),
    [
        ({"quantize_after": ["stem"]}, {"depthwise", "point", "added", "pooled", "flat", "logits"}),
        ({"dequantize_after": ["pooled"]}, {"stem", "depthwise", "point", "added", "pooled"}),
        (
            {"quantize_after": ["stem"], "dequantize_after": ["added"]},
            {"depthwise", "point", "added"},
        ),
    ],
)
def test_quantized_from_here_to_there(words: dict[str, list[str]], integer: set[str]) -> None:
    done = quantized(classifier(), config=parse_config(words))
    inside = {
        layer.names[0]
        for layer, own in zip(done.layers, done.plan.operators, strict=True)
        if own.dtype == "int8"
    }
    assert inside - {"scores"} == integer
    assert ("scores" in inside) == ("dequantize_after" not in words)
    assert not verify_model(done.model)


def test_operators_without_integer_kernels_stay_in_float() -> None:
    net = Net()
    x = net.input("x", 1, 6)
    grown = net.op("EXP", "grown", [net.dense("first", x, 6)], (1, 6), "ExpOptions")
    model = net.finish(net.dense("second", grown, 3))
    done = quantized(model)
    assert [(layer.type, why) for layer, why in done.in_float()] == [
        ("EXP", "EXP has no integer form")
    ]
    assert kinds(done.model) == [
        "QUANTIZE", "FULLY_CONNECTED", "DEQUANTIZE", "EXP", "QUANTIZE", "FULLY_CONNECTED",
        "DEQUANTIZE",
    ]  # fmt: skip


# What is kept -------------------------------------------------------------------------------------


def test_signatures_metadata_and_signatures_of_shapes_survive() -> None:
    model = classifier()
    pair = [("image", model.inputs[0]), ("scores", model.outputs[0])]
    inputs, outs = ([schema.TensorMapT(name=n, tensorIndex=i)] for n, i in pair)
    model.tree.signatureDefs = [
        schema.SignatureDefT(inputs=inputs, outputs=outs, signatureKey="serving_default")
    ]
    model.set_metadata("min_runtime_version", b"1.14.0")
    model.tensors[model.inputs[0]].shapeSignature = [-1, 8, 8, 3]
    made = Model.parse(quantized(model).model.to_bytes(), "made")
    [signature] = made.tree.signatureDefs
    assert signature.inputs[0].tensorIndex == made.inputs[0]
    assert signature.outputs[0].tensorIndex == made.outputs[0]
    assert made.metadata("min_runtime_version") == b"1.14.0"
    assert made.tensors[made.inputs[0]].shapeSignature == [-1, 8, 8, 3]
    facts = made.metadata("octet_recording")
    assert facts is not None and json.loads(facts)["records"] == 12


def test_recording_first_gives_the_same_as_in_one_step() -> None:
    model = classifier()
    source = random_records(model)
    at_once = quantize_model(model, QuantizeOptions(record=ONE_JOB), source).model
    recorded = model.copy()
    embed(recorded, record(model, source, ONE_JOB))
    later = quantize_model(Model.parse(recorded.to_bytes(), "later")).model
    assert later.to_bytes() == at_once.to_bytes()


def test_ranges_that_a_configuration_forces() -> None:
    words = {
        "tensors": [
            {"name": "stem", "min": -1, "max": 7},
            {"name": "image", "scale": 0.0078125, "zero_point": 0},
        ]
    }
    made = quantized(classifier(), config=parse_config(words)).model
    assert scales(made, "stem")[0] == [np.float32(8 / 255)]
    assert scales(made, "image_int8") == ([0.0078125], [0])
