# SPDX-License-Identifier: Apache-2.0
"""Equalization, bias correction, clipping, fake quantization: each does what it says."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from octet.cli import main
from octet.errors import OctetError
from octet.quantize.config import Config, parse_config
from octet.quantize.equalize import channel_tensors, equalize, find_pairs
from octet.quantize.quantize import QuantizeOptions, quantize_model
from octet.quantize.record import RecordOptions, model_inputs, record
from octet.quantize.statistics import measure
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
    tensor,
)

UINT8 = Config(dtype="uint8")


def uneven(relu: str = "RELU6") -> Model:
    """Channels whose weights differ a thousandfold, as in MobileNets: one scale serves none."""
    net = Net("uneven", seed=6)
    sizes = np.logspace(-1.5, 0.6, 8)
    x = net.input("x", 1, 8, 8, 3)
    random = np.random.default_rng(8)
    for name, y, shape in (("first", x, (8, 3, 3, 3)), ("last", -1, (4, 1, 1, 8))):
        weights = random.normal(0, 0.5, shape)
        weights = weights * sizes[:, None, None, None] if name == "first" else weights / sizes
        source = y if y >= 0 else tensor(net.model, "deep")
        made = net.conv(name, source, shape[0], shape[1], relu if name == "first" else "NONE")
        index = tensor(net.model, f"{name}_w")
        net.model.tensors[index].buffer = net.model.add_buffer(weights.astype(np.float32))
        if name == "first":
            net.depthwise("deep", made, relu)
    return net.finish(tensor(net.model, "last"))


def mean_error(made: Model, model: Model) -> Array:
    """The mean error of each output channel over the records, which bias correction takes off."""
    source = random_records(model, 32)
    error: Array = np.array(outputs(made, source)) - np.array(outputs(model, source))
    return np.asarray(error.mean(axis=tuple(range(error.ndim - 1))))


def noise(made: Model, model: Model) -> float:
    source = random_records(model)
    error: Array = np.array(outputs(made, source)) - np.array(outputs(model, source))
    return float(np.sqrt(np.mean(error**2)))


# Equalization -------------------------------------------------------------------------------------


@pytest.mark.parametrize("relu", ["RELU", "RELU6"])
def test_equalizing_leaves_the_float_model_as_it_is(relu: str) -> None:
    model = uneven(relu)
    source = random_records(model)
    session = Session(model.to_bytes(), model.name, preserve=True)
    inputs = model_inputs(model.to_bytes(), model)
    found = measure(session, source, inputs, channels=channel_tensors(model))
    ranges = record(model, source, ONE_JOB).ranges
    made = model.copy()
    assert equalize(made, found) == len(find_pairs(model)) == 2
    wanted: Array = np.array(outputs(model, source))
    # Products of float32 factors: some units in the last place.
    np.testing.assert_allclose(np.array(outputs(made, source)), wanted, rtol=1e-4, atol=1e-5)
    before, after = (
        np.abs(np.asarray(m.constant(m.operators[0].inputs[1]))).max(axis=(1, 2, 3))
        for m in (model, made)
    )
    assert after.max() / after.min() < before.max() / before.min()
    for index, (low, high) in record(made, source, ONE_JOB).ranges.items():
        assert low >= ranges[index][0] - 1e-4 and high <= ranges[index][1] + 1e-4


def test_equalizing_makes_one_scale_per_tensor_do() -> None:
    model = uneven()
    plain = noise(quantized(model, config=UINT8).model, model)
    assert noise(quantized(model, config=UINT8, equalize=True).model, model) < 0.5 * plain


def test_what_cannot_be_equalized() -> None:
    """An output that something else reads, or that leaves the graph, keeps its size."""
    assert find_pairs(additions()) == []
    assert [pair.first for pair in find_pairs(classifier())] == [1]  # depthwise and point
    net = Net()
    x = net.input("x", 1, 4, 4, 2)
    first = net.conv("first", x, 2)
    squashed = net.op("TANH", "squashed", [first], (1, 4, 4, 2))
    assert find_pairs(net.finish(net.conv("second", squashed, 2))) == []


# Bias correction ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("make", "method"),
    [(classifier, "fast"), (branches, "fast"), (classifier, "full"), (uneven, "full")],
)
def test_bias_correction_takes_the_mean_error_off(make: Callable[[], Model], method: str) -> None:
    model = make()
    plain = mean_error(quantized(model, config=UINT8).model, model)
    made = quantized(model, config=UINT8, bias_correction=method).model
    corrected = mean_error(made, model)
    assert np.linalg.norm(corrected) < 0.9 * np.linalg.norm(plain)


def test_corrections_need_data() -> None:
    for options in (QuantizeOptions(equalize=True), QuantizeOptions(bias_correction="fast")):
        with pytest.raises(OctetError, match="need representative records"):
            quantize_model(classifier(), options)
    with pytest.raises(OctetError, match="bias correction: got 'some', expected one of none, fast"):
        quantize_model(classifier(), QuantizeOptions(bias_correction="some"))


def test_clipping_lowers_the_error_of_a_range_with_a_tail() -> None:
    net = Net("tail", seed=12)
    x = net.input("x", 1, 32, 32, 16)
    cubed = net.op("MUL", "squared", [x, x], (1, 32, 32, 16), "MulOptions", "NONE")
    for power in range(3):
        name = f"power{power}"
        cubed = net.op("MUL", name, [cubed, cubed], (1, 32, 32, 16), "MulOptions", "NONE")
    model = net.finish(net.conv("last", cubed, 4, 1))
    clip = RecordOptions("mse", jobs=1, threads=1)
    plain = quantized(model).model
    clipped = quantized(model, record=clip).model
    assert noise(clipped, model) <= noise(plain, model) * 1.001


# Fake quantization --------------------------------------------------------------------------------


@pytest.mark.parametrize("make", [classifier, additions, branches])
@pytest.mark.parametrize("dtype", ["int8", "uint8", "int16x8"])
def test_fake_quantization_is_float_and_rounds_alike(make: Callable[[], Model], dtype: str) -> None:
    model = make()
    config = Config(dtype=dtype)
    real, fake = (quantized(model, config=config, fake=fake).model for fake in (False, True))
    for operator in fake.operators:
        if fake.operator_name(operator) not in ("QUANTIZE", "DEQUANTIZE"):
            tensors = [*operator.inputs, *operator.outputs]
            assert {fake.dtype(i) for i in tensors if i >= 0} <= {"float32", "int32"}
    assert [fake.tensor_name(i) for i in fake.outputs] == [
        model.tensor_name(i) for i in model.outputs
    ]
    source = random_records(model)
    kernels = "reference" if dtype == "int16x8" else "fast"
    wanted: Array = np.array(outputs(real, source, kernels))
    found: Array = np.array(outputs(fake, source, kernels))
    step = float(real.tensors[real.operators[-1].inputs[0]].quantization.scale[0])
    # An integer kernel may round a tie another way, layer by layer, and SOFTMAX has a table.
    assert np.abs(found - wanted).max() <= 3.01 * step


def test_fake_quantization_of_a_part() -> None:
    model = classifier()
    config = parse_config({"layers": [{"name": "stem", "dtype": "float32"}]})
    fake = quantized(model, config=config, fake=True).model
    value, own = (m.constant(tensor(m, "stem_w")) for m in (fake, model))
    assert value is not None and own is not None
    np.testing.assert_array_equal(value, own)
    names = {fake.tensor_name(i) for i in range(len(fake.tensors))}
    assert "stem_rounded" in names and "stem_unrounded" not in names


def test_one_scale_for_all_channels_is_equalized_by_default(tmp_path: Path) -> None:
    model = tmp_path / "m.tflite"
    uneven().write(model)

    def made(*words: str) -> bytes:
        out = tmp_path / "out.tflite"
        command = ["quantize", str(model), "-o", str(out), "--random", "6", "--no-cache"]
        assert main([*command, *words]) == 0
        return out.read_bytes()

    for words in (("--dtype", "uint8"), ("--granularity", "layer")):
        assert made(*words) == made(*words, "--equalize") != made(*words, "--no-equalize")
    assert made() == made("--no-equalize") != made("--equalize")
