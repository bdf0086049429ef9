# SPDX-License-Identifier: Apache-2.0
"""From what was recorded to one range per tensor: a function per mode.

The modes on ranges take the minima and maxima of each record, [records, tensors]. The modes on
elements take a histogram of a tensor's elements, made of a sample.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from octet.errors import OctetError
from octet.quantize.range_log import columns
from octet.tflite.types import Array

Ranges = tuple[Array, Array]
"""Minima and maxima, float32, one each per tensor."""

RANGE_MODES = ("minmax", "moving-average", "percentile")
ELEMENT_MODES = ("element-percentile", "entropy", "mse")
MODES = RANGE_MODES + ELEMENT_MODES


@dataclass(frozen=True)
class ModeOptions:
    """Constants of the modes.

    Attributes:
        low: percentile of the lower end, 0 to 100.
        high: percentile of the upper end, 0 to 100; element-percentile uses its own default.
        batch: records per step of the moving average.
        constant: weight of a step of the moving average.
    """

    low: float | None = None
    high: float | None = None
    batch: int = 16
    constant: float = 0.1

    def percentiles(self, mode: str) -> tuple[float, float]:
        """Return low and high for ``mode``. Raises OctetError outside of 0 to 100."""
        default = (1.0, 99.0) if mode == "percentile" else (0.001, 99.999)
        low = default[0] if self.low is None else self.low
        high = default[1] if self.high is None else self.high
        if not 0 <= low < high <= 100:
            raise OctetError(
                f"percentiles: got {low:g} and {high:g}, expected 0 ≤ low < high ≤ 100."
            )
        return low, high


def minmax(minima: Array, maxima: Array, options: ModeOptions) -> Ranges:
    """Return the extremes over all records."""
    return minima.min(axis=0), maxima.max(axis=0)


def moving_average(minima: Array, maxima: Array, options: ModeOptions) -> Ranges:
    """Return the exponential moving average of the extremes of batches.

    a ← the first batch's extreme; then a ← a + constant · (batch's extreme − a). The last batch
    may be smaller. It depends on the order of the records, as in record-minmax of ONE, where it
    comes from.
    """
    count, step = minima.shape[0], options.batch
    low, high = minima[:step].min(axis=0), maxima[:step].max(axis=0)
    weight = np.float32(options.constant)
    for start in range(step, count, step):
        low = low + weight * (minima[start : start + step].min(axis=0) - low)
        high = high + weight * (maxima[start : start + step].max(axis=0) - high)
    return low, high


def percentile(minima: Array, maxima: Array, options: ModeOptions) -> Ranges:
    """Return a percentile of the minima and one of the maxima, over the records.

    Linear between neighbours at position (records − 1) · p / 100, as in record-minmax of ONE.
    """
    low, high = options.percentiles("percentile")
    found_low = np.empty(minima.shape[1], np.float32)
    found_high = np.empty(minima.shape[1], np.float32)
    for part in columns(minima, minima.shape[1]):
        found_low[part] = np.percentile(minima[:, part].astype(np.float64), low, axis=0)
        found_high[part] = np.percentile(maxima[:, part].astype(np.float64), high, axis=0)
    return found_low, found_high


RANGE_FUNCTIONS: dict[str, Callable[[Array, Array, ModeOptions], Ranges]] = {
    "minmax": minmax,
    "moving-average": moving_average,
    "percentile": percentile,
}


# Modes on elements
# ----------------------------------------------------------------------------------

LEVELS = 256
"""Quantized levels for which entropy and mse choose a range."""

CANDIDATES = 64
"""Ranges that entropy and mse try for each end, from a quarter of the bins to all of them."""


def element_percentile(
    histogram: Array, low: float, high: float, options: ModeOptions
) -> tuple[float, float]:
    """Return percentiles over elements, linear within a bin of ``histogram`` from low to high."""
    wanted_low, wanted_high = options.percentiles("element-percentile")
    edges = np.linspace(low, high, len(histogram) + 1)
    total = np.concatenate([[0.0], np.cumsum(histogram, dtype=np.float64)])
    if total[-1] == 0:
        return low, high
    ends = np.interp([wanted_low / 100 * total[-1], wanted_high / 100 * total[-1]], total, edges)
    return float(ends[0]), float(ends[1])


def mse(histogram: Array, low: float, high: float, options: ModeOptions) -> tuple[float, float]:
    """Return the range with the least mean squared error of rounding and clipping together."""
    return _best_range(histogram, low, high, _squared_error)


def entropy(histogram: Array, low: float, high: float, options: ModeOptions) -> tuple[float, float]:
    """Return the range with the least Kullback-Leibler divergence of clipped from quantized.

    The construction of TensorRT's calibrator, for a range that need not be symmetric: what lies
    outside is added to the outermost bins, and each level spreads its count over its non-empty
    bins.
    """
    return _best_range(histogram, low, high, _divergence)


ELEMENT_FUNCTIONS: dict[str, Callable[[Array, float, float, ModeOptions], tuple[float, float]]] = {
    "element-percentile": element_percentile,
    "entropy": entropy,
    "mse": mse,
}


def _best_range(
    histogram: Array, low: float, high: float, cost: Callable[[Array, Array, float, float], float]
) -> tuple[float, float]:
    """Try ends between zero and each extreme, one end after the other, and keep the cheapest."""
    if histogram.sum() == 0 or not high > low:
        return low, high
    centers = low + (np.arange(len(histogram)) + 0.5) * ((high - low) / len(histogram))
    counts = histogram.astype(np.float64)
    shares = np.linspace(0.25, 1.0, CANDIDATES)
    best = (min(low, 0.0), max(high, 0.0))
    top_is_kept = best[1] <= 0 or _is_piled(histogram)
    bottom_is_kept = best[0] >= 0 or _is_piled(histogram[::-1])
    for _ in range(2):
        tops = [best[1]] if top_is_kept else [high * share for share in shares]
        top = min(tops, key=lambda end: (cost(counts, centers, best[0], end), -end))
        bottoms = [best[0]] if bottom_is_kept else [low * share for share in shares]
        bottom = min(bottoms, key=lambda end: (cost(counts, centers, end, top), end))
        if (bottom, top) == best:
            break
        best = (bottom, top)
    # The ends stay those of the data where zero only widened the range.
    return (low if low >= 0 else best[0], high if high <= 0 else best[1])


def _is_piled(histogram: Array) -> bool:
    """Return whether elements pile up in the last bin: a clamp such as ReLU6, not a tail.

    The divergence would cut such ends off: MobileNetV2 fell from 84 to 6 % top-1 by that.
    """
    return bool(histogram[-1] > 3 * max(1.0, float(histogram[-33:-1].mean())))


def _squared_error(counts: Array, centers: Array, low: float, high: float) -> float:
    scale = max(high - low, 1e-30) / (LEVELS - 1)
    level = np.clip(np.round((centers - low) / scale), 0, LEVELS - 1)
    error = centers - (low + level * scale)
    # Inside a bin elements are spread evenly: its own width adds the same to every candidate.
    return float(np.dot(counts, error * error))


def _divergence(counts: Array, centers: Array, low: float, high: float) -> float:
    inside = (centers >= low) & (centers <= high)
    reference = counts[inside].copy()
    if reference.sum() == 0:
        return np.inf
    reference[0] += counts[centers < low].sum()
    reference[-1] += counts[centers > high].sum()
    scale = (high - low) / (LEVELS - 1)
    level = np.clip(np.round((centers[inside] - low) / scale), 0, LEVELS - 1).astype(np.int64)
    filled = reference > 0
    mass = np.bincount(level, counts[inside], LEVELS)
    bins = np.bincount(level, filled, LEVELS)
    model = np.where(filled, mass[level] / np.maximum(bins[level], 1), 0.0)
    if model.sum() == 0:
        return np.inf
    p, q = reference / reference.sum(), model / model.sum()
    # A bin that only clipping filled has no mass in the model: as much as the smallest count.
    q = np.where(filled, np.maximum(q, 1e-9), 1.0)
    return float(np.sum(np.where(filled, p * np.log(np.where(filled, p, 1.0) / q), 0.0)))
