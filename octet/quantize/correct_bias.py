# SPDX-License-Identifier: Apache-2.0
"""Bias correction: takes the mean error that quantization makes off each output channel.

Rounding weights shifts the mean of a layer's output, channel by channel, and a bias can shift it
back (Nagel et al., Data-Free Quantization, 2019). A layer is linear before its activation, so the
mean of its output is its output for the mean input, borders included; the layer is run on that in
LiteRT.

``fast`` corrects the error of a layer's own weights: W_q x − W x for the mean float input x.
``full`` goes through the layers in order and corrects W_q x_q − W x, where x_q is the mean input in
the quantized model as corrected so far: it also takes off what clipping and rounding of activations
add, and runs the data once per layer.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from octet.quantize.config import FLOAT
from octet.quantize.convert import Converted
from octet.quantize.data.source import Source
from octet.quantize.plan import OperatorPlan, Plan
from octet.quantize.rules import RULES
from octet.quantize.schemes import BY_ACTIVATION, QuantizedConstant, quantize_weights
from octet.quantize.statistics import Report, Statistics, measure
from octet.tflite.model import Model
from octet.tflite.runtime import InputSpec, Session
from octet.tflite.types import Array

LAYERS = ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED")

METHODS = ("none", "fast", "full")

Build = Callable[[Model], Converted]
"""Quantizes the float model."""


def correct_biases(
    model: Model,
    plan: Plan,
    source: Source,
    inputs: list[InputSpec],
    method: str,
    build: Build,
    *,
    threads: int = 1,
    report: Report | None = None,
) -> Model:
    """Return the float model with biases that make up for the quantization of ``plan``.

    Args:
        model: the float model, prepared; it stays as it is.
        plan: how it is going to be quantized.
        source: representative records.
        inputs: what the records are checked against.
        method: one of METHODS.
        build: for ``full``.
        threads: for running models.
        report: told of progress.
    """
    corrected = model.copy()
    positions = [
        position
        for position, (operator, own) in enumerate(
            zip(model.operators, plan.operators, strict=True)
        )
        if own.dtype != FLOAT and model.operator_name(operator) in LAYERS
    ]
    if method == "none" or not positions:
        return corrected
    session = Session(model.to_bytes(), model.name, threads=threads, preserve=True)
    wanted = sorted({model.operators[position].inputs[0] for position in positions})
    means = measure(
        session, source, inputs, means=wanted, report=report, label="means for bias correction"
    )
    for number, position in enumerate(positions, 1):
        operator, own = model.operators[position], plan.operators[position]
        exact = means.mean(operator.inputs[0])
        rounded = exact
        if method == "full":
            rounded = _mean_in_quantized(corrected, operator, build, source, inputs, threads)
            if report:
                report("bias correction", number, len(positions))
        shift = _shift(model, operator, own, exact, rounded)
        _add_to_bias(corrected, corrected.operators[position], -shift)
    return corrected


def _mean_in_quantized(
    model: Model,
    operator: Any,
    build: Build,
    source: Source,
    inputs: list[InputSpec],
    threads: int,
) -> Array:
    """Return the mean of a layer's input in the model as quantized now, as real numbers."""
    converted = build(model)
    quantized, index = converted.model, converted.stored[operator.inputs[0]]
    session = Session(quantized.to_bytes(), model.name, threads=threads, preserve=True)
    found: Statistics = measure(session, source, inputs, means=[index])
    parameters = quantized.tensors[index].quantization
    steps = found.mean(index) - int(parameters.zeroPoint[0])
    return np.asarray(steps * float(parameters.scale[0]))


def _shift(model: Model, operator: Any, plan: OperatorPlan, exact: Array, rounded: Array) -> Array:
    """Return the mean error per output channel, float64."""
    weights = model.constant(operator.inputs[1])
    assert weights is not None
    quantized = _as_quantized(model, operator, plan, weights)
    axis = len(model.shape(operator.outputs[0])) - 1
    others = tuple(range(axis))
    if rounded is exact:
        error = quantized.real().astype(np.float64) - weights.astype(np.float64)
        found = _apply(model, operator, error.astype(np.float32), exact)
        return np.asarray(found.mean(axis=others))
    is_now = _apply(model, operator, quantized.real(), rounded).mean(axis=others)
    return np.asarray(is_now - _apply(model, operator, weights, exact).mean(axis=others))


def _as_quantized(
    model: Model, operator: Any, plan: OperatorPlan, weights: Array
) -> QuantizedConstant:
    rule = RULES[model.operator_name(operator)]
    bias = None
    if len(operator.inputs) > 2 and operator.inputs[2] >= 0:
        bias = model.constant(operator.inputs[2])
    axis = rule.axis if plan.granularity == "channel" else None
    return quantize_weights(weights, BY_ACTIVATION[plan.dtype], axis, bias, plan.inputs[0].scale)


def _apply(model: Model, operator: Any, weights: Array, value: Array) -> Array:
    """Return the layer's output for ``value`` with ``weights``, no bias, no activation: float64."""
    one = Model.empty("layer")
    x = one.add_tensor("x", value.shape, FLOAT)
    w = one.add_constant("w", weights)
    b = one.add_constant("b", np.zeros(model.shape(operator.outputs[0])[-1], np.float32))
    y = one.add_tensor("y", model.shape(operator.outputs[0]), FLOAT)
    version = model.operator_version(operator)
    layer = one.make_operator(model.operator_name(operator), [x, w, b], [y], version=version)
    layer.builtinOptionsType = operator.builtinOptionsType
    layer.builtinOptions = _without_activation(operator.builtinOptions)
    one.graph.inputs, one.graph.outputs = [x], [y]
    one.operators.append(layer)
    session = Session(one.to_bytes(), "layer")
    return session.run([value.astype(np.float32)])[0].astype(np.float64)


def _without_activation(options: Any) -> Any:
    if options is None:
        return None
    copied = type(options)(**vars(options))
    copied.fusedActivationFunction = schema.ActivationFunctionType.NONE
    return copied


def _add_to_bias(model: Model, operator: Any, change: Array) -> None:
    """Give a layer a bias of its own that is ``change`` greater."""
    channels = model.shape(operator.outputs[0])[-1]
    name = f"{model.tensor_name(operator.outputs[0])}_bias"
    old = np.zeros(channels, np.float32)
    if len(operator.inputs) > 2 and operator.inputs[2] >= 0:
        value = model.constant(operator.inputs[2])
        assert value is not None
        old, name = value.reshape(-1), model.tensor_name(operator.inputs[2])
    new = model.add_constant(name, (old.astype(np.float64) + change).astype(np.float32))
    operator.inputs = [*operator.inputs[:2], new]
