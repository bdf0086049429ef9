# SPDX-License-Identifier: Apache-2.0
"""Cross-layer equalization: moves size between the channels' weights of one layer and the next.

Between two layers with nothing in between but what treats channels alike and commutes with positive
factors, channel c may be divided by s and the next layer's weights for it multiplied by s. With
s = sqrt(r1 / r2), r being the channel's weight ranges, both are equal, and one scale serves all
channels (Nagel et al., Data-Free Quantization, 2019). Repeated along chains until nothing moves.

ReLU6 does not commute with factors, and replacing it by ReLU, as that paper does, costs MobileNetV2
13 points of top-1. So data decides how far a channel may go: one that reaches the clamp keeps its
size, and no other may grow beyond the tensor's range. Then neither clamps nor activation ranges
change, and the float model computes what it did on that data.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from octet.quantize.rules import RULES
from octet.quantize.statistics import Statistics
from octet.tflite.model import Model
from octet.tflite.types import ACTIVATION_NAMES, Array

INPUT_AXES = {"CONV_2D": 3, "DEPTHWISE_CONV_2D": 3, "FULLY_CONNECTED": 1}
"""The input channels' dimension of the weights."""

COMMUTES = {"NONE", "RELU"}
"""Fused activations f with f(x / s) = f(x) / s for positive s."""

CLAMPS = {"RELU6": 6.0}
"""Fused activations that commute below a bound."""

PASSES = {
    "MAX_POOL_2D",
    "AVERAGE_POOL_2D",
    "PAD",
    "RELU",
    "LEAKY_RELU",
    "RESIZE_BILINEAR",
    "RESIZE_NEAREST_NEIGHBOR",
}
"""Operators in between that treat channels alike and commute with positive factors."""

AT_CLAMP = 1 - 1e-4
"""A channel whose greatest value is this share of the bound counts as clamped."""

SETTLED = 1e-3
ROUNDS = 40


@dataclass(frozen=True)
class Pair:
    """Two layers and the tensors between them.

    Attributes:
        first: position of the operator whose output channels are divided.
        second: position of the one whose input channels are multiplied.
        tensors: what lies between, the output of ``first`` to begin with.
        bound: of the clamp behind ``first``, or None.
    """

    first: int
    second: int
    tensors: tuple[int, ...]
    bound: float | None


def find_pairs(model: Model) -> list[Pair]:
    """Return the pairs of layers that can be equalized, in the order of the graph."""
    consumers = model.consumers()
    pairs = []
    for position, operator in enumerate(model.operators):
        name = model.operator_name(operator)
        if name not in INPUT_AXES or _bias(model, operator) is False:
            continue
        activation = _activation(operator)
        if activation not in COMMUTES and activation not in CLAMPS:
            continue
        path, second = _follow(model, operator.outputs[0], consumers)
        if second is not None and _takes(model, model.operators[second], path):
            pairs.append(Pair(position, second, tuple(path), CLAMPS.get(activation)))
    return pairs


def equalize(model: Model, statistics: Statistics) -> int:
    """Rewrite the weights of all pairs in place; return how many pairs there are.

    Recorded ranges stay valid: no tensor's range grows.

    Args:
        model: a float model.
        statistics: least and greatest value per channel of the tensors in `channel_tensors`.
    """
    pairs = find_pairs(model)
    layers = {position for pair in pairs for position in (pair.first, pair.second)}
    weights = {i: _constant(model, model.operators[i].inputs[1]) for i in layers}
    factors = [np.ones(_channels(model, pair)) for pair in pairs]
    limits = [
        _limits(pair, statistics, factor.size) for pair, factor in zip(pairs, factors, strict=True)
    ]
    for _ in range(ROUNDS):
        moved = 0.0
        for pair, factor, (low, high) in zip(pairs, factors, limits, strict=True):
            wanted = factor * _balance(model, pair, weights)
            step = np.clip(wanted, low, high) / factor
            factor *= step
            _scale(model, pair, weights, step)
            moved = max(moved, float(np.abs(np.log(step)).max(initial=0.0)))
        if moved < SETTLED:
            break
    biases = _divided_biases(model, pairs, factors)
    for position, value in {**weights}.items():
        _replace(model, model.operators[position], 1, value)
    for position, value in biases.items():
        _replace(model, model.operators[position], 2, value)
    return len(pairs)


def channel_tensors(model: Model) -> list[int]:
    """Return the tensors whose channels `equalize` needs to know."""
    return sorted({pair.tensors[0] for pair in find_pairs(model)})


def _follow(
    model: Model, tensor: int, consumers: dict[int, list[int]]
) -> tuple[list[int], int | None]:
    """Walk from ``tensor`` to the next layer; return the tensors and its position, or None."""
    path = [tensor]
    while True:
        readers = consumers.get(path[-1], [])
        if len(readers) != 1 or path[-1] in model.outputs or len(model.shape(path[-1])) < 2:
            return path, None
        operator = model.operators[readers[0]]
        name = model.operator_name(operator)
        if name in INPUT_AXES:
            return path, readers[0] if operator.inputs[0] == path[-1] else None
        passes = name in PASSES or (name == "RESHAPE" and _keeps_channels(model, operator))
        if not passes or _activation(operator) not in COMMUTES:
            return path, None
        path.append(operator.outputs[0])


def _keeps_channels(model: Model, operator: Any) -> bool:
    """Return whether a RESHAPE only drops or adds dimensions of 1 before the channels."""
    before, after = model.shape(operator.inputs[0]), model.shape(operator.outputs[0])
    return bool(after) and np.prod(before) == before[-1] == after[-1] == np.prod(after)


def _takes(model: Model, operator: Any, path: Sequence[int]) -> bool:
    """Return whether each input channel of a layer has weights of its own."""
    if _bias(model, operator) is False:
        return False
    channels = model.shape(path[0])[-1]
    weights = model.shape(operator.inputs[1])
    return weights[INPUT_AXES[model.operator_name(operator)]] == channels


def _bias(model: Model, operator: Any) -> Array | None | bool:
    """Return a layer's bias, None if it has none, False if bias or weights are not constants."""
    if len(operator.inputs) < 2 or model.dtype(operator.outputs[0]) != "float32":
        return False
    if not model.is_constant(operator.inputs[1]) or model.dtype(operator.inputs[1]) != "float32":
        return False
    if len(operator.inputs) < 3 or operator.inputs[2] < 0:
        return None
    value = model.constant(operator.inputs[2])
    return value if value is not None and value.dtype == np.float32 else False


def _activation(operator: Any) -> str:
    code = getattr(operator.builtinOptions, "fusedActivationFunction", 0)
    return ACTIVATION_NAMES.get(code, "NONE")


def _channels(model: Model, pair: Pair) -> int:
    return model.shape(pair.tensors[0])[-1]


def _limits(pair: Pair, statistics: Statistics, count: int) -> tuple[Array, Array]:
    """Return the least and greatest factor of each channel."""
    low, high = statistics.channels(pair.tensors[0])
    size = np.maximum(np.abs(low), np.abs(high)).astype(np.float64)
    largest = size.max() if pair.bound is None else pair.bound
    if not largest > 0:
        return np.ones(count), np.ones(count)
    least, greatest = np.maximum(size / largest, 1e-3), np.full(count, 1e3)
    if pair.bound is not None:
        clamped = high >= pair.bound * AT_CLAMP
        least, greatest = np.where(clamped, 1.0, least), np.where(clamped, 1.0, greatest)
    return least, greatest


def _balance(model: Model, pair: Pair, weights: dict[int, Array]) -> Array:
    """Return sqrt(r1 / r2) per channel; 1 where one of them is zero."""
    first = _range(weights[pair.first], _output_axis(model, pair.first))
    second = _range(weights[pair.second], _input_axis(model, pair.second))
    known = (first > 0) & (second > 0)
    ratio = np.where(known, first, 1.0) / np.where(known, second, 1.0)
    return np.asarray(np.sqrt(ratio))


def _range(weights: Array, axis: int) -> Array:
    others = tuple(i for i in range(weights.ndim) if i != axis)
    high, low = weights.max(axis=others, initial=0.0), weights.min(axis=others, initial=0.0)
    return np.asarray(high - low)


def _scale(model: Model, pair: Pair, weights: dict[int, Array], step: Array) -> None:
    weights[pair.first] = weights[pair.first] / _along(
        step, weights[pair.first], _output_axis(model, pair.first)
    )
    weights[pair.second] = weights[pair.second] * _along(
        step, weights[pair.second], _input_axis(model, pair.second)
    )


def _divided_biases(model: Model, pairs: list[Pair], factors: list[Array]) -> dict[int, Array]:
    biases = {}
    for pair, factor in zip(pairs, factors, strict=True):
        operator = model.operators[pair.first]
        if len(operator.inputs) > 2 and operator.inputs[2] >= 0:
            biases[pair.first] = _constant(model, operator.inputs[2]) / factor
    return biases


def _along(step: Array, weights: Array, axis: int) -> Array:
    shape = [1] * weights.ndim
    shape[axis] = -1
    return step.reshape(shape)


def _output_axis(model: Model, position: int) -> int:
    return RULES[model.operator_name(model.operators[position])].axis


def _input_axis(model: Model, position: int) -> int:
    return INPUT_AXES[model.operator_name(model.operators[position])]


def _constant(model: Model, index: int) -> Array:
    value = model.constant(index)
    assert value is not None
    return value.astype(np.float64)


def _replace(model: Model, operator: Any, slot: int, value: Array) -> None:
    """Give an operator a constant of its own."""
    name = model.tensor_name(operator.inputs[slot])
    operator.inputs[slot] = model.add_constant(name, value.astype(np.float32))
