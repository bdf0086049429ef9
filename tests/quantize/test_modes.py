# SPDX-License-Identifier: Apache-2.0
"""How a mode makes one range of many: against formulas written out, one tensor at a time."""

from __future__ import annotations

import math

import numpy as np
import pytest

from octet.errors import OctetError
from octet.quantize.modes import ELEMENT_FUNCTIONS, MODES, RANGE_FUNCTIONS, ModeOptions
from octet.quantize.record import RecordOptions, record
from octet.quantize.sessions import BINS
from octet.tflite.types import Array
from tests.quantize.networks import Net, random_records, tensor

RANDOM = np.random.default_rng(3)
MINIMA = RANDOM.normal(-2, 1, (53, 5)).astype(np.float32)
MAXIMA = RANDOM.normal(3, 1, (53, 5)).astype(np.float32)


def test_the_modes() -> None:
    assert {*RANGE_FUNCTIONS, *ELEMENT_FUNCTIONS} == set(MODES)


def test_minmax() -> None:
    low, high = RANGE_FUNCTIONS["minmax"](MINIMA, MAXIMA, ModeOptions())
    assert low.tolist() == [min(column) for column in MINIMA.T.tolist()]
    assert high.tolist() == [max(column) for column in MAXIMA.T.tolist()]


@pytest.mark.parametrize(("batch", "constant"), [(16, 0.1), (1, 0.5), (53, 0.1), (100, 0.1)])
def test_moving_average(batch: int, constant: float) -> None:
    """a = the first batch's extreme, then a <- a + c (b - a): record-minmax of ONE."""
    options = ModeOptions(batch=batch, constant=constant)
    found = RANGE_FUNCTIONS["moving-average"](MINIMA, MAXIMA, options)
    for ends, rows, extreme in zip(found, (MINIMA, MAXIMA), (min, max), strict=True):
        for end, column in zip(ends, rows.T.tolist(), strict=True):
            batches = [extreme(column[i : i + batch]) for i in range(0, 53, batch)]
            average = batches[0]
            for value in batches[1:]:
                average += constant * (value - average)
            assert end == pytest.approx(average, rel=1e-6)  # float32 steps


@pytest.mark.parametrize(("low", "high"), [(None, None), (0.0, 100.0), (10.0, 75.0)])
def test_percentile(low: float | None, high: float | None) -> None:
    """Position (n - 1) p / 100 in the sorted vector, linear between neighbours; 1 and 99."""
    found = RANGE_FUNCTIONS["percentile"](MINIMA, MAXIMA, ModeOptions(low, high))
    percents = (1.0 if low is None else low, 99.0 if high is None else high)
    for ends, rows, percent in zip(found, (MINIMA, MAXIMA), percents, strict=True):
        for end, column in zip(ends, rows.T.tolist(), strict=True):
            position = (len(column) - 1) * percent / 100
            ordered, below = sorted(column), math.floor(position)
            above = min(below + 1, len(column) - 1)
            wanted = ordered[below] + (ordered[above] - ordered[below]) * (position - below)
            assert end == pytest.approx(wanted, rel=1e-6)  # float32


def test_one_record_is_its_own_percentile() -> None:
    low, high = RANGE_FUNCTIONS["percentile"](MINIMA[:1], MAXIMA[:1], ModeOptions())
    assert (low.tolist(), high.tolist()) == (MINIMA[0].tolist(), MAXIMA[0].tolist())


@pytest.mark.parametrize(("low", "high"), [(-1.0, 99.0), (0.0, 101.0), (60.0, 40.0)])
def test_percentiles_out_of_order(low: float, high: float) -> None:
    with pytest.raises(OctetError, match="expected 0 ≤ low < high ≤ 100"):
        RANGE_FUNCTIONS["percentile"](MINIMA, MAXIMA, ModeOptions(low, high))


# Modes on elements --------------------------------------------------------------------------------


def histogram(values: Array) -> tuple[Array, float, float]:
    low, high = float(values.min()), float(values.max())
    return np.histogram(values, BINS, (low, high))[0], low, high


def test_element_percentile() -> None:
    values = RANDOM.normal(0, 1, 200_000)
    counts, low, high = histogram(values)
    found = ELEMENT_FUNCTIONS["element-percentile"](counts, low, high, ModeOptions(0.5, 99.0))
    width = (high - low) / BINS  # a histogram knows no more
    assert found == pytest.approx(tuple(np.percentile(values, [0.5, 99.0])), abs=width)


def rounding_error(values: Array, low: float, high: float) -> float:
    """The mean squared error of 256 levels between two ends."""
    scale = (high - low) / 255
    steps = np.clip(np.rint((values - low) / scale), 0, 255)
    return float(np.mean((values - low - steps * scale) ** 2))


def test_mse_is_near_the_best_range() -> None:
    values = np.concatenate([RANDOM.normal(0, 1, 100_000), [-40.0, 60.0]])
    counts, low, high = histogram(values)
    found = ELEMENT_FUNCTIONS["mse"](counts, low, high, ModeOptions())
    assert found[0] > low and found[1] < high
    best = min(
        rounding_error(values, low * bottom, high * top)
        for bottom in np.linspace(0.25, 1, 16)
        for top in np.linspace(0.25, 1, 16)
    )
    assert rounding_error(values, *found) < 1.02 * best


def test_mse_keeps_a_range_without_tails() -> None:
    counts, low, high = histogram(RANDOM.uniform(-1, 1, 100_000))
    assert ELEMENT_FUNCTIONS["mse"](counts, low, high, ModeOptions()) == pytest.approx((low, high))


def test_entropy_cuts_a_thin_tail() -> None:
    values = np.concatenate([RANDOM.normal(0, 1, 200_000), RANDOM.uniform(4, 30, 20)])
    counts, low, high = histogram(values)
    found = ELEMENT_FUNCTIONS["entropy"](counts, low, high, ModeOptions())
    assert 3 < found[1] < 0.8 * high


@pytest.mark.parametrize("mode", ["mse", "entropy"])
def test_a_clamp_is_no_tail(mode: str) -> None:
    """What piles up at the end of ReLU6 is data."""
    values = np.clip(RANDOM.exponential(2, 100_000), 0, 6)
    counts, low, high = histogram(values)
    assert ELEMENT_FUNCTIONS[mode](counts, low, high, ModeOptions())[1] == 6


@pytest.mark.parametrize("mode", ["element-percentile", "mse", "entropy"])
@pytest.mark.parametrize("value", [0.0, 3.0, -2.0])
def test_a_constant_tensor_keeps_its_range(mode: str, value: float) -> None:
    counts = np.zeros(BINS, np.int64)
    counts[0] = 100
    assert ELEMENT_FUNCTIONS[mode](counts, value, value, ModeOptions()) == (value, value)


def test_histograms_are_of_the_elements() -> None:
    """The element modes over a network: the input's percentiles are those of the records."""
    net = Net("pool")
    x = net.input("x", 1, 16, 16, 8)
    model = net.finish(net.pool("MAX_POOL_2D", "most", x, 16))
    source = random_records(model, 20)
    options = RecordOptions("element-percentile", ModeOptions(5.0, 90.0), jobs=2, threads=1)
    found = record(model, source, options).ranges[tensor(model, "x")]
    values = np.concatenate([source.read(i)[0].ravel() for i in range(20)])
    width = 2 / BINS  # of numbers from -1 to 1
    assert found == pytest.approx(tuple(np.percentile(values, [5, 90])), abs=width)
