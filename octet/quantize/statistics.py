# SPDX-License-Identifier: Apache-2.0
"""What corrections need to know of a model's tensors beyond their ranges: means and channels."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from octet.quantize.data.source import Source, records
from octet.tflite.runtime import InputSpec, Session
from octet.tflite.types import Array

Report = Callable[[str, int, int], None]


class Statistics:
    """Means over records, and extremes per channel over records and places, of some tensors."""

    def __init__(self) -> None:
        self._sums: dict[int, Array] = {}
        self._low: dict[int, Array] = {}
        self._high: dict[int, Array] = {}
        self._count = 0

    def add(self, session: Session, means: Sequence[int], channels: Sequence[int]) -> None:
        """Take in the tensors of the run that ``session`` did last."""
        self._count += 1
        for index in means:
            with session.view(index) as array:
                if array is not None:
                    total = self._sums.setdefault(index, np.zeros(array.shape, np.float64))
                    total += array
                del array
        for index in channels:
            with session.view(index) as array:
                if array is not None:
                    flat = array.reshape(-1, array.shape[-1])
                    low, high = flat.min(axis=0), flat.max(axis=0)
                    self._low[index] = np.minimum(self._low.get(index, low), low)
                    self._high[index] = np.maximum(self._high.get(index, high), high)
                    del flat
                del array

    def mean(self, index: int) -> Array:
        """Return a tensor's mean over the records, float64, in its own shape."""
        return np.asarray(self._sums[index] / max(1, self._count))

    def channels(self, index: int) -> tuple[Array, Array]:
        """Return the least and greatest value per index of the last dimension."""
        return self._low[index], self._high[index]


def measure(
    session: Session,
    source: Source,
    inputs: Sequence[InputSpec],
    *,
    means: Sequence[int] = (),
    channels: Sequence[int] = (),
    report: Report | None = None,
    label: str = "statistics",
) -> Statistics:
    """Run all records through ``session``, which preserves its tensors, and return statistics.

    Args:
        session: of a model with the inputs of ``source``.
        source: the records.
        inputs: what records are checked against.
        means: tensors whose mean is wanted.
        channels: tensors whose extremes per channel are wanted.
        report: told of progress.
        label: for ``report``.
    """
    found = Statistics()
    for number, record in enumerate(records(source, inputs), 1):
        session.invoke(record)
        found.add(session, means, channels)
        if report:
            report(label, number, source.count)
    return found
