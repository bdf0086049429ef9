# SPDX-License-Identifier: Apache-2.0
"""The numbers of TFLite's own converter: published int8 twins, and the one inside LiteRT."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from octet.quantize.config import Config
from octet.quantize.rules import RULES
from octet.quantize.schemes import SCHEMES, quantize_bias, quantize_weights
from octet.quantize.verify import verify_model
from octet.tflite.model import Model
from octet.tflite.types import Array
from tests.quantize.networks import Net, branches, classifier, quantized, random_records

NPY_FLOAT, NPY_BYTE, NPY_INT = 11, 1, 5
"""NumPy's type numbers."""


def layers(model: Model) -> Iterator[tuple[Any, Any]]:
    """Operators with constant weights, and their rules."""
    for operator in model.operators:
        rule = RULES.get(model.operator_name(operator))
        if rule is not None and rule.weights is not None:
            yield operator, rule


def constant(model: Model, index: int) -> Array:
    value = model.constant(index)
    assert value is not None
    return value


def scale(model: Model, index: int) -> Array:
    return np.asarray(model.tensors[index].quantization.scale, np.float32)


TWINS = {"resnet8_cifar": (10, 0), "ad01_toycar": (10, 0), "vww_96": (28, 971)}
"""Layers, and channels whose weight scale was widened so that their bias fits in 32 bits."""


@pytest.mark.parametrize("name", TWINS)
def test_published_weights_and_biases(name: str, octet_data: Path) -> None:
    """Float model and published int8 model: the same bytes, given the published input scales.

    Ranges depend on the data that its makers had, so activations are not compared. Weights are
    equal; scales to a unit in the last place; biases to what that unit does to them.
    """
    folder = octet_data / "models"
    floats = Model.read(folder / f"tflite-f32/{name}_f32.tflite")
    ints = Model.read(folder / f"tflite-int8/{name}_int8.tflite")
    pairs = list(zip(layers(floats), layers(ints), strict=True))
    guarded = 0
    for (ours, rule), (theirs, _) in pairs:
        source = float(scale(ints, theirs.inputs[0])[0])
        wanted = constant(ints, theirs.inputs[1])
        wanted_scale = scale(ints, theirs.inputs[1])
        bias = constant(floats, ours.inputs[2])
        axis = rule.axis if wanted_scale.size > 1 else None
        weights = constant(floats, ours.inputs[1])
        found = quantize_weights(weights, SCHEMES["int8"], axis, bias, source)
        np.testing.assert_array_equal(found.values, wanted, strict=True)
        np.testing.assert_array_max_ulp(found.scale, wanted_scale, 1)
        others = tuple(i for i in range(weights.ndim) if i != axis)
        plain = np.abs(weights).max(axis=others if axis is not None else None) / np.float32(127)
        guarded += int((found.scale > 2 * np.maximum(plain, 1e-37)).sum())
        steps = quantize_bias(bias, source, found, SCHEMES["int8"]).values.astype(np.int64)
        target = constant(ints, theirs.inputs[2]).astype(np.int64)
        off = np.abs(steps - target)
        # A unit of a float32 scale is 2^-23 of it at most; a bias that fits is then rounded alike.
        assert (off <= np.maximum(np.abs(target) * 2.0**-22, 0 if name != "vww_96" else 1)).all()
    assert (len(pairs), guarded) == TWINS[name]


def converted(model: Model) -> Model:
    """What the converter in LiteRT makes of a float model, over the records of `quantized`."""
    wrapper = pytest.importorskip(
        "ai_edge_litert._pywrap_tensorflow_lite_calibration_wrapper",
        reason="this LiteRT has no converter",
    )
    data = model.to_bytes()  # it keeps no copy
    found = wrapper.CalibrationWrapper(data, [], [])
    source = random_records(model)
    found.Prepare([list(array.shape) for array in source.read(0)])
    for number in range(source.count):
        found.FeedTensor(source.read(number))
    made = found.QuantizeModel(NPY_FLOAT, NPY_FLOAT, False, NPY_BYTE, NPY_INT, False, False)
    return Model.parse(bytes(made), "converted")


def chain() -> Model:
    """No addition: the converter takes its output's range for that of an input."""
    net = Net("chain", seed=9)
    x = net.input("x", 1, 8, 8, 3)
    first = net.conv("first", x, 8, relu="RELU6")
    second = net.conv("second", net.depthwise("depthwise", first), 6, 1)
    gate = net.op("LOGISTIC", "gate", [second], (1, 8, 8, 6))
    pooled = net.pool("AVERAGE_POOL_2D", "pooled", gate, 4)
    return net.finish(net.softmax("scores", net.dense("dense", net.flatten("flat", pooled), 5)))


@pytest.mark.parametrize("make", [chain, branches])
def test_the_same_as_the_converter_in_litert(make: Callable[[], Model]) -> None:
    """Every weight, bias, scale and zero point of an integer tensor, by name."""
    model = make()
    theirs, ours = converted(model), quantized(model, config=Config(dtype="int8")).model
    assert not verify_model(theirs) and not verify_model(ours)
    own = {ours.tensor_name(i): i for i in range(len(ours.tensors))}
    compared = 0
    for index in range(len(theirs.tensors)):
        name = theirs.tensor_name(index)
        quantization = theirs.tensors[index].quantization
        twin = own.get(name)
        if twin is None or quantization is None or quantization.scale is None:
            continue
        if theirs.dtype(index) != ours.dtype(twin):
            continue
        # It records with other kernels, whose sums are taken in another order.
        np.testing.assert_allclose(scale(ours, twin), scale(theirs, index), rtol=1e-5)
        found = ours.tensors[twin].quantization.zeroPoint
        assert list(found) == list(quantization.zeroPoint), name
        if theirs.is_constant(index):
            value = constant(theirs, index)
            slack = 1e-5 * np.abs(value) if value.dtype == np.int32 else 0
            assert (np.abs(constant(ours, twin).astype(int) - value) <= slack).all(), name
        compared += 1
    assert compared >= 9


def test_it_is_right_where_the_converter_is_not() -> None:
    """LiteRT adds to `point` in place, and the converter reads it afterwards."""
    model = classifier()
    theirs, ours = converted(model), quantized(model).model
    names = {theirs.tensor_name(i): i for i in range(len(theirs.tensors))}
    own = {ours.tensor_name(i): i for i in range(len(ours.tensors))}
    assert scale(theirs, names["point"]) == scale(theirs, names["added"])
    assert scale(ours, own["point"]) < 0.9 * scale(ours, own["added"])
