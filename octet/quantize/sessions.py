# SPDX-License-Identifier: Apache-2.0
"""One thread's way to run a float model and look inside: ranges, samples, whole tensors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from octet.errors import OctetError
from octet.quantize.data.check import DataError
from octet.quantize.extremes import LIMIT, with_extremes, without_extremes
from octet.tflite.model import Model
from octet.tflite.runtime import Session, has_calibration_hook
from octet.tflite.types import Array

BINS = 2048
"""Bins of a tensor's histogram between its recorded extremes."""

STRIDE = 16
"""Every STRIDE-th element goes into the histogram: np.histogram of all takes twice the
inference."""


REDUCTIONS, HOOK, PRESERVED = "reductions", "hook", "preserved"
WAYS = (REDUCTIONS, HOOK, PRESERVED)
"""How ranges are found, the fastest way first: by operators in the model, by LiteRT's calibration
hook, by NumPy on preserved tensors. The numbers are the same."""


@dataclass(frozen=True)
class Job:
    """A model to record, in a form that can be sent to another process.

    Attributes:
        model: a ``.tflite`` file whose tensors are named by their indices, for `calibrate` reports
            by name and names in the wild are not unique; with reductions, if those are among
            ``ways``.
        name: what messages call the model.
        tensors: indices of the tensors to record.
        names: their names.
        threads: of each session.
        ways: of WAYS, those that the model and this LiteRT have.
    """

    model: bytes
    name: str
    tensors: tuple[int, ...]
    names: tuple[str, ...]
    threads: int
    ways: tuple[str, ...]

    def plain(self) -> bytes:
        """Return the model without reductions."""
        return without_extremes(self.model, self.name) if REDUCTIONS in self.ways else self.model


def make_job(model: Model, threads: int, way: str = "") -> Job:
    """Return the job of recording all float32 activations of ``model``; WAYS from ``way`` on."""
    tensors = recordable(model)
    renamed = model.copy()
    for index, tensor in enumerate(renamed.tensors):
        tensor.name = str(index)
    ways = list(WAYS[WAYS.index(way) if way else 0 :])
    if HOOK in ways and not has_calibration_hook():
        ways.remove(HOOK)
    data = with_extremes(renamed, tensors) if REDUCTIONS in ways else None
    if data is None and REDUCTIONS in ways:
        ways.remove(REDUCTIONS)
    return Job(
        model=data or renamed.to_bytes(),
        name=model.name,
        tensors=tuple(tensors),
        names=tuple(model.tensor_name(index) for index in tensors),
        threads=threads,
        ways=tuple(ways),
    )


def recordable(model: Model) -> list[int]:
    """Return the float32 tensors that a run writes: the inputs and what operators produce."""
    written = {*model.inputs, *model.producers()}
    return [
        index
        for index in sorted(written)
        if model.dtype(index) == "float32"
        and not model.is_constant(index)
        and not model.tensors[index].isVariable
    ]


class RangeSession:
    """Runs records and returns the range of each tensor."""

    def __init__(self, job: Job) -> None:
        """Prepare."""
        self._job = job
        self._ways = list(job.ways)
        self._session = self._open()

    def ranges(self, record: Sequence[Array], place: str) -> tuple[Array, Array]:
        """Run a record and return minima and maxima, float32; NaN for a tensor that was not
        written.

        Raises:
            DataError: naming record and tensor, for a range that is not finite.
        """
        low, high = self._find(record)
        wrong = np.isinf(low) | np.isinf(high)
        if wrong.any():
            raise _not_finite(self._job, int(np.argmax(wrong)), low, high, place)
        return low, high

    def _find(self, record: Sequence[Array]) -> tuple[Array, Array]:
        if self._ways[0] == REDUCTIONS:
            reduced = self._reduced(record)
            if reduced is not None:
                return reduced
            self._ways.pop(0)
            self._session = self._open()
        low, high = self._hooked(record) if self._ways[0] == HOOK else self._preserved(record)
        return low + np.float32(0), high + np.float32(0)

    def _open(self) -> Session:
        return Session(
            self._job.model if self._ways[0] == REDUCTIONS else self._job.plain(),
            self._job.name,
            threads=self._job.threads,
            hook=self._ways[0] == HOOK,
            preserve=self._ways[0] == PRESERVED,
        )

    def _reduced(self, record: Sequence[Array]) -> tuple[Array, Array] | None:
        """Return what the model finds itself; None where that may be wrong, or it cannot."""
        try:
            self._session.invoke(record)
        except OctetError:  # a tensor of another rank than the file says
            return None
        found = self._session.tensor(self._session.outputs[-1].index)
        assert found is not None
        low, high = found.reshape(2, -1) + np.float32(0)  # zero has no sign
        return (low, high) if low.min() > -LIMIT and high.max() < LIMIT else None

    def _hooked(self, record: Sequence[Array]) -> tuple[Array, Array]:
        found = self._session.calibrate(record)
        nothing = (np.inf, -np.inf)  # replaced below: not written is no error, NaN is one
        table = [found.get(str(index)) for index in self._job.tensors]
        pairs = np.array([nothing if pair is None else pair for pair in table], np.float32)
        low, high = pairs.reshape(-1, 2).T
        nan = np.isnan(low) | np.isnan(high)
        absent = np.array([pair is None for pair in table], bool)
        low, high = np.where(nan, np.inf, low), np.where(nan, np.inf, high)
        return np.where(absent, np.nan, low), np.where(absent, np.nan, high)

    def _preserved(self, record: Sequence[Array]) -> tuple[Array, Array]:
        self._session.invoke(record)
        low = np.full(len(self._job.tensors), np.nan, np.float32)
        high = low.copy()
        for position, index in enumerate(self._job.tensors):
            with self._session.view(index) as array:
                if array is None or not array.size:
                    continue
                low[position] = np.fmin.reduce(array, None)
                high[position] = np.fmax.reduce(array, None)
                if np.isnan(low[position]):
                    low[position] = high[position] = np.inf
                del array
        return low, high


class ElementSession:
    """Runs records and counts a sample of each tensor's elements."""

    def __init__(self, job: Job, low: Array, high: Array) -> None:
        """Prepare for histograms between ``low`` and ``high``, float32, one each per tensor."""
        self._job = job
        self._low = low.astype(np.float64)
        width = np.maximum(high.astype(np.float64) - self._low, 0)
        self._factor = np.where(width > 0, BINS / np.where(width > 0, width, 1), 0.0)
        self._session = Session(job.plain(), job.name, threads=job.threads, preserve=True)

    def histograms(self, record: Sequence[Array], number: int) -> Array:
        """Run record ``number`` and return counts, int64[tensors, BINS].

        The sample is every STRIDE-th element, from an offset that depends on the number alone.
        """
        self._session.invoke(record)
        counts = np.zeros((len(self._job.tensors), BINS), np.int64)
        for position, index in enumerate(self._job.tensors):
            with self._session.view(index) as array:
                if array is None or not array.size:
                    continue
                # Small tensors are counted whole: a sample of 1001 logits says too little.
                stride = STRIDE if array.size >= 1024 * STRIDE else 1
                flat = array.reshape(-1)[number * 7 % stride :: stride].astype(np.float64)
                del array
            bins = ((flat - self._low[position]) * self._factor[position]).astype(np.int64)
            counts[position] = np.bincount(np.clip(bins, 0, BINS - 1), minlength=BINS)
        return counts


def _not_finite(job: Job, position: int, low: Array, high: Array, place: str) -> DataError:
    pair = f"{low[position]} to {high[position]}"
    if np.isinf(low[position]) and np.isinf(high[position]) and low[position] == high[position]:
        pair = "NaN or infinity only"
    return DataError(
        f'{place}: tensor "{job.names[position]}" of {job.name}: range: got {pair}, '
        "expected finite numbers."
    )
