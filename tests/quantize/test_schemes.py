# SPDX-License-Identifier: Apache-2.0
"""The number systems: parameters of ranges, weights, biases that would overflow."""

from __future__ import annotations

import numpy as np
import pytest

from octet.errors import OctetError
from octet.quantize.schemes import (
    EMPTY_RANGE_SCALE,
    SCHEMES,
    Params,
    activation_params,
    convert_params,
    dequantize,
    quantize,
    quantize_bias,
    quantize_weights,
)

INT8, UINT8, INT16 = SCHEMES["int8"], SCHEMES["uint8"], SCHEMES["int16x8"]
RANDOM = np.random.default_rng(11)

RANGES = [
    # Range, number system, scale as a fraction, zero point
    ((2, 6), "uint8", (6, 255), 0),  # widened to hold zero
    ((-6, -2), "uint8", (6, 255), 255),
    ((-1, 1), "uint8", (2, 255), 128),
    ((0, 6), "uint8", (6, 255), 0),
    ((-1, 3), "uint8", (4, 255), 64),  # 63.75
    ((2, 6), "int8", (6, 255), -128),
    ((-6, -2), "int8", (6, 255), 127),
    ((-1, 1), "int8", (2, 255), -1),  # -0.5, halves away from zero
    ((-3, 1), "int8", (4, 255), 63),
    ((-1, 3), "int16x8", (3, 32767), 0),
    ((-4, 3), "int16x8", (4, 32767), 0),
]


@pytest.mark.parametrize(("limits", "name", "scale", "zero_point"), RANGES)
def test_parameters_of_a_range(
    limits: tuple[float, float], name: str, scale: tuple[int, int], zero_point: int
) -> None:
    found = activation_params(*limits, SCHEMES[name])
    assert found.scale == np.float32(scale[0] / scale[1])
    assert found.zero_point == zero_point
    assert dequantize(quantize(np.zeros(1), found), found)[0] == 0


@pytest.mark.parametrize("name", SCHEMES)
def test_a_tensor_of_zeros_has_a_scale(name: str) -> None:
    for limits in ((0.0, 0.0), (0.0, 1e-42), (-1e-40, 0.0)):
        found = activation_params(*limits, SCHEMES[name])
        assert found.scale == EMPTY_RANGE_SCALE
        assert dequantize(quantize(np.zeros(1), found), found)[0] == 0


@pytest.mark.parametrize("limits", [(np.nan, 1), (0, np.inf), (1, -1)])
def test_no_parameters_for_no_range(limits: tuple[float, float]) -> None:
    with pytest.raises(OctetError, match="expected finite numbers in order"):
        activation_params(*limits, INT8)


def test_activations_round_half_to_even_and_saturate() -> None:
    params = Params("int8", 0.5, 3)
    found = quantize(np.array([0.25, 0.75, -0.25, 1e9, -1e9]), params)
    assert found.tolist() == [3, 5, 3, 127, -128] and found.dtype == np.int8
    assert params.range() == (-65.5, 62.0)


def test_bytes_of_either_sign_hold_the_same_numbers() -> None:
    params = Params("uint8", 0.1, 200)
    assert convert_params(params, INT8) == Params("int8", 0.1, 72)
    assert convert_params(Params("int8", 0.1, 72), UINT8) == params
    assert convert_params(params, INT16) is None


@pytest.mark.parametrize("axis", [None, 0, 3])
def test_symmetric_weights(axis: int | None) -> None:
    """scale = max|w| / 127 in float32; w · (127 / max|w|), halves away from zero."""
    weights = RANDOM.normal(0, 1, (5, 3, 3, 5)).astype(np.float32)
    found = quantize_weights(weights, INT8, axis)
    moved = weights.reshape(1, -1) if axis is None else np.moveaxis(weights, axis, 0).reshape(5, -1)
    most = np.abs(moved).max(axis=1)
    np.testing.assert_array_equal(found.scale, most / np.float32(127), strict=True)
    assert not found.zero_point.any()
    steps = moved * (np.float32(127) / most)[:, None]
    wanted = np.trunc(steps + np.copysign(np.float32(0.5), steps))
    got = found.values.reshape(1, -1) if axis is None else np.moveaxis(found.values, axis, 0)
    np.testing.assert_array_equal(got.reshape(wanted.shape), wanted)
    assert np.abs(found.values.astype(int)).max() == 127
    half = found.scale.max() / 2 * (1 + 1e-6)  # and what float32 rounds
    assert np.abs(found.real() - weights).max() <= half


def test_asymmetric_weights_have_a_zero() -> None:
    for low, high in ((-0.3, 1.7), (0.5, 2.0), (-2.0, -0.5)):
        weights = RANDOM.uniform(low, high, (4, 10)).astype(np.float32)
        found = quantize_weights(weights, UINT8, None)
        assert found.values.dtype == np.uint8 and found.scale.size == 1
        assert 0 <= found.zero_point[0] <= 255
        assert np.abs(found.real() - weights).max() <= 0.51 * found.scale[0]


def test_a_channel_of_zeros_takes_its_neighbours_scale() -> None:
    weights = np.array([[1, -2], [0, 0]], np.float32)
    found = quantize_weights(weights, INT8, 0)
    assert found.scale.tolist() == [np.float32(2 / 127)] * 2 and not found.values[1].any()
    nothing = quantize_weights(np.zeros((2, 2), np.float32), INT8, 0)
    assert (nothing.scale > 0).all() and not nothing.values.any()


@pytest.mark.parametrize("scheme", [INT8, UINT8])
def test_a_bias_that_would_overflow_widens_the_weights(scheme: object) -> None:
    """Weights of 1e-32 beside a bias of 0.3: the bias comes to half of the largest int32."""
    assert scheme in (INT8, UINT8)
    weights = np.array([[1e-32, -1e-32], [0.5, 0.25]], np.float32)
    bias = np.array([0.3, -0.2], np.float32)
    name = "int8" if scheme is INT8 else "uint8"
    axis = 0 if scheme is INT8 else None
    if axis is None:
        weights[1] = 1e-32
    found = quantize_weights(weights, SCHEMES[name], axis, bias, 0.05)
    made = quantize_bias(bias, 0.05, found, SCHEMES[name])
    assert made.values.dtype == np.int32
    assert abs(int(made.values[0]) - 2**30) <= 256  # a unit in the last place of the scale
    np.testing.assert_allclose(made.real(), bias, rtol=1e-6)
    if axis == 0:
        assert found.scale[1] == np.float32(0.5) / np.float32(127)  # its bias fits


def test_a_bias_of_16_bit_activations_has_64_bits() -> None:
    weights = np.array([[1e-32, -1e-32]], np.float32)
    bias = np.array([0.3], np.float32)
    found = quantize_weights(weights, INT16, 0, bias, 0.05)
    assert found.scale[0] == np.float32(1e-32) / np.float32(127)
    made = quantize_bias(bias, 0.05, found, INT16)
    assert made.values.dtype == np.int64 and made.values[0] > 2**62


def test_biases_round_halves_away_from_zero() -> None:
    weights = quantize_weights(np.array([[1.0]], np.float32), INT8, None)
    step = float(weights.scale[0]) * 0.5
    for factor, wanted in ((2.5, 3), (-2.5, -3), (0.4, 0)):
        bias = np.array([factor * step], np.float32)
        assert abs(quantize_bias(bias, 0.5, weights, INT8).values[0] - wanted) <= 0
