# SPDX-License-Identifier: Apache-2.0
"""The number systems: how real numbers become 8-bit ones. A scheme is data and a few pure
functions.

real = scale · (q − zero_point), as derived in gemmlowp's doc/quantization.md. The constants are
those of the TFLite 8-bit quantization specification (int8), of its 16x8 mode (int16x8) and of
NNAPI's QUANT8_ASYMM (uint8). Activations round half to even, as the runtimes do; weights and biases
round half away from zero, as the TFLite converter does, whose bytes are reproduced.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from octet.errors import OctetError
from octet.tflite.types import Array

EMPTY_RANGE_SCALE = np.float32(1 / 255)
"""Scale of a tensor that was zero throughout: WebNN demands a positive one, and one that is tiny
would blow rounding errors of its producer up to the ends of the range. As for a tensor in [0,
1]."""

LARGEST_BIAS = 2**31 - 1


@dataclass(frozen=True)
class Scheme:
    """A number system for activations, weights and biases.

    Attributes:
        name: as on the command line.
        activation: element type of activations.
        low: the least activation.
        high: the greatest activation.
        symmetric: whether the zero point of activations is 0.
        weight: element type of weights.
        weight_low: the least weight.
        weight_high: the greatest weight.
        weight_symmetric: whether the zero point of weights is 0.
        bias: element type of biases.
        per_channel: whether weights may have a scale per output channel.
    """

    name: str
    activation: str
    low: int
    high: int
    symmetric: bool
    weight: str
    weight_low: int
    weight_high: int
    weight_symmetric: bool
    bias: str
    per_channel: bool


SCHEMES = {
    "int8": Scheme("int8", "int8", -128, 127, False, "int8", -127, 127, True, "int32", True),
    "uint8": Scheme("uint8", "uint8", 0, 255, False, "uint8", 0, 255, False, "int32", False),
    "int16x8": Scheme(
        "int16x8", "int16", -32767, 32767, True, "int8", -127, 127, True, "int64", True
    ),
}

BY_ACTIVATION = {scheme.activation: scheme for scheme in SCHEMES.values()}


@dataclass(frozen=True)
class Params:
    """The quantization parameters of an activation.

    Attributes:
        dtype: element type.
        scale: positive, exactly a float32.
        zero_point: a value of the element type.
    """

    dtype: str
    scale: float
    zero_point: int

    def range(self) -> tuple[float, float]:
        """Return the least and the greatest number that can be represented."""
        limits = np.iinfo(self.dtype)
        return (
            (limits.min - self.zero_point) * self.scale,
            (limits.max - self.zero_point) * self.scale,
        )


def activation_params(low: float, high: float, scheme: Scheme) -> Params:
    """Return the parameters for a tensor with numbers from ``low`` to ``high``.

    The range is widened to contain zero, which is represented exactly: padding and ReLU need it.
    The scale is that of TFLite's converter, float32 throughout. So is the zero point, with halves
    away from zero, but for ties: it does not know that the scale was rounded.

    Raises:
        OctetError: if the range is not finite or reversed.
    """
    if not (np.isfinite(low) and np.isfinite(high) and low <= high):
        raise OctetError(f"range: got {low} to {high}, expected finite numbers in order.")
    least, most = np.float32(min(low, 0.0)), np.float32(max(high, 0.0))
    if scheme.symmetric:
        scale = max(-least, most) / np.float32(scheme.high)
        return Params(scheme.activation, _usable(scale), 0)
    scale = (most - least) / np.float32(scheme.high - scheme.low)
    if _usable(scale) != scale:
        return Params(scheme.activation, _usable(scale), scheme.low)
    steps = float(least) * (scheme.high - scheme.low) / (float(most) - float(least))
    zero_point = int(round_away(np.float64(scheme.low - steps)))
    return Params(scheme.activation, float(scale), min(max(zero_point, scheme.low), scheme.high))


def convert_params(params: Params, scheme: Scheme) -> Params | None:
    """Return the parameters that hold the same numbers in another 8-bit type; None for other
    types.
    """
    shift = {("int8", "uint8"): 128, ("uint8", "int8"): -128}.get(
        (params.dtype, scheme.activation), 0 if params.dtype == scheme.activation else None
    )
    if shift is None:
        return None
    return Params(scheme.activation, params.scale, params.zero_point + shift)


def quantize(values: Array, params: Params) -> Array:
    """Return clamp(round half to even(values / scale) + zero point)."""
    limits = np.iinfo(params.dtype)
    steps = np.rint(np.asarray(values, np.float64) / params.scale) + params.zero_point
    return np.asarray(np.clip(steps, limits.min, limits.max), params.dtype)


def dequantize(values: Array, params: Params) -> Array:
    """Return scale · (values − zero point) in float32."""
    steps = np.asarray(values, np.int64) - params.zero_point
    return np.asarray(steps.astype(np.float32) * np.float32(params.scale))


def round_away(values: Array | np.floating[Any]) -> Array:
    """Round halves away from zero."""
    values = np.asarray(values)
    return np.asarray(np.trunc(values + np.copysign(np.asarray(0.5, values.dtype), values)))


# Weights and biases
# ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class QuantizedConstant:
    """A constant in integers.

    Attributes:
        values: the integers, in the shape of the constant.
        scale: float32[1], or one for each index of ``axis``.
        zero_point: int64, of the same length.
        axis: the dimension that the scales go along.
    """

    values: Array
    scale: Array
    zero_point: Array
    axis: int = 0

    def real(self) -> Array:
        """Return the numbers that the integers stand for, float32."""
        shape = [1] * self.values.ndim
        if self.scale.size > 1:
            shape[self.axis] = self.scale.size
        steps = (self.values.astype(np.int64) - self.zero_point.reshape(shape)).astype(np.float32)
        return np.asarray(steps * self.scale.reshape(shape), np.float32)


def quantize_weights(
    weights: Array,
    scheme: Scheme,
    axis: int | None,
    bias: Array | None = None,
    input_scale: float = 1.0,
) -> QuantizedConstant:
    """Return weights in integers.

    Where a bias would not fit in int32 at scale input_scale · weight_scale, the weight scale is
    widened until the bias is half of the largest number, as TFLite does: networks in the wild have
    channels with weights of 1e-32 beside a bias of 0.1.

    Args:
        weights: float32.
        scheme: the number system.
        axis: the output channels' dimension for a scale per channel; None for one scale.
        bias: float32, one per output channel; None for none.
        input_scale: of the activation that the weights multiply.
    """
    others = tuple(i for i in range(weights.ndim) if i != axis) if axis is not None else None
    low = np.minimum(weights.min(axis=others), 0).astype(np.float32).reshape(-1)
    high = np.maximum(weights.max(axis=others), 0).astype(np.float32).reshape(-1)
    least = _scales_for_bias(bias, input_scale, low.size) if scheme.bias == "int32" else None
    if scheme.weight_symmetric:
        return _symmetric(weights, np.maximum(-low, high), least, scheme, axis)
    return _asymmetric(weights, float(low[0]), float(high[0]), least, scheme)


def quantize_bias(
    bias: Array, input_scale: float, weights: QuantizedConstant, scheme: Scheme
) -> QuantizedConstant:
    """Return a bias at scale input_scale · weight_scale, zero point 0."""
    scale = np.float32(input_scale) * weights.scale
    limits = np.iinfo(scheme.bias)
    steps = round_away(bias.astype(np.float64) / scale.astype(np.float64))
    # float64 has no number between 2^63 - 1024 and 2^63
    top = limits.max if limits.max < 2**53 else limits.max - 1023
    values = np.clip(steps, limits.min, top).astype(scheme.bias)
    return QuantizedConstant(values, scale, np.zeros(scale.size, np.int64))


def _scales_for_bias(bias: Array | None, input_scale: float, count: int) -> Array | None:
    """Return the least weight scales, float32[count], or zeros where the bias sets no bound."""
    if bias is None or not bias.size:
        return None
    size = np.abs(bias.astype(np.float32))
    if count == 1:
        size = size.max(keepdims=True)
    if size.size != count:
        return None
    # The factor 127 comes and goes as in TFLite, to round alike.
    largest = np.float32(2) * size / np.float32(LARGEST_BIAS)
    return largest * np.float32(127) / np.float32(input_scale) / np.float32(127)


def _symmetric(
    weights: Array, largest: Array, least: Array | None, scheme: Scheme, axis: int | None
) -> QuantizedConstant:
    top = np.float32(scheme.weight_high)
    if least is not None:
        largest = np.where(_bias_is_too_big(largest / top, least), least * top, largest)
    # A channel of zeros takes the scale of its neighbours.
    spare = largest.max() if largest.max() > 0 else np.float32(1)
    largest = np.where(largest > 0, largest, spare).astype(np.float32)
    shape = [1] * weights.ndim
    if axis is not None:
        shape[axis] = largest.size
    # Not weights / scale, which is one off in one layer of a reference model.
    steps = round_away(weights * (top / largest).reshape(shape))
    values = np.clip(steps, scheme.weight_low, scheme.weight_high).astype(scheme.weight)
    scale = np.maximum(largest / top, np.finfo(np.float32).tiny).astype(np.float32)
    return QuantizedConstant(values, scale, np.zeros(scale.size, np.int64), axis or 0)


def _asymmetric(
    weights: Array, low: float, high: float, least: Array | None, scheme: Scheme
) -> QuantizedConstant:
    scale = np.float32((high - low) / (scheme.weight_high - scheme.weight_low))
    if least is not None and bool(_bias_is_too_big(scale, least)[0]):
        scale = least[0]
    scale = np.float32(_usable(scale))
    zero_point = scheme.weight_low + int(round_away(np.float64(-low) / np.float64(scale)))
    zero_point = min(max(zero_point, scheme.weight_low), scheme.weight_high)
    steps = round_away(weights.astype(np.float64) / np.float64(scale)) + zero_point
    values = np.clip(steps, scheme.weight_low, scheme.weight_high).astype(scheme.weight)
    return QuantizedConstant(values, scale.reshape(1), np.array([zero_point]))


def _bias_is_too_big(scale: Array | np.float32, least: Array) -> Array:
    """|bias| ≥ half of 2^31 − 1 steps: the scale is at most that which puts the bias there."""
    return np.asarray(scale <= least) & (least > 0)


def _usable(scale: np.float32) -> float:
    tiny = np.finfo(np.float32).tiny
    return float(scale if scale >= tiny else EMPTY_RANGE_SCALE)
