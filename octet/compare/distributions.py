# SPDX-License-Identifier: Apache-2.0
"""How the numbers of a tensor, and their errors, are spread: histograms over all records."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from octet.tflite.types import Array

BINS = 48
"""As many bars as a small picture shows."""

SAMPLE = 65536
"""At most as many elements of a tensor are counted per record, evenly spread."""


@dataclass(frozen=True)
class Distribution:
    """Counts in BINS bins of equal width.

    Attributes:
        low: lower end of the values' first bin.
        high: upper end of their last one.
        reference: counts of the reference's values.
        found: counts of the other's values.
        reach: errors are counted from −reach to reach.
        errors: their counts.
    """

    low: float
    high: float
    reference: list[int]
    found: list[int]
    reach: float
    errors: list[int]


class DistributionSums:
    """Counts a tensor; the first record says how far the bins reach, the end bins take the rest."""

    def __init__(self) -> None:
        self._low = self._high = self._reach = 0.0
        self._counts: Array | None = None

    def add(self, reference: Array, found: Array) -> None:
        """Take in a tensor of a record, both as real numbers."""
        stride = -(-reference.size // SAMPLE) or 1
        a = reference.reshape(-1)[::stride].astype(np.float64)
        b = found.reshape(-1)[::stride].astype(np.float64)
        if not a.size:
            return
        error = b - a
        if self._counts is None:
            self._low = float(min(a.min(), b.min()))
            self._high = float(max(a.max(), b.max()))
            self._reach = float(np.abs(error).max())
            self._counts = np.zeros((3, BINS), np.int64)
        ranges = ((a, self._low, self._high), (b, self._low, self._high))
        for row, (values, low, high) in enumerate((*ranges, (error, -self._reach, self._reach))):
            self._counts[row] += _counted(values, low, high)

    def result(self) -> Distribution | None:
        """Return the counts; None if there was nothing to count."""
        if self._counts is None:
            return None
        rows = self._counts.tolist()
        return Distribution(self._low, self._high, rows[0], rows[1], self._reach, rows[2])


def _counted(values: Array, low: float, high: float) -> Array:
    width = high - low
    if not np.isfinite(width) or width <= 0:
        width = 1.0
    places = np.nan_to_num((values - low) * (BINS / width))
    return np.bincount(np.clip(places, 0, BINS - 1).astype(np.int64), minlength=BINS)
