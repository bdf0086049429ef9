# SPDX-License-Identifier: Apache-2.0
"""How far numbers are from those they should be, summed up over records.

Sums are kept, never the arrays, so memory does not grow with the number of records. Where a metric
is a mean over records, each record counts as much as any other; SQNR is of all records together.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from octet.tflite.types import Array

GUARD = 0.01
"""MAPE divides by the value, or by this part of the record's largest if that is more: a value of 0
has no percentage."""

EMPTY_INTERVAL = 1e-6
"""Added to a range before an error is divided by it, as circle-eval-diff's sister visq does."""


@dataclass(frozen=True)
class Errors:
    """How far a tensor is from its reference.

    Attributes:
        records: how many were compared.
        mae: mean absolute error.
        mape: mean of |error| / max(|value|, GUARD · largest |value|), 0.01 is one per cent.
        mse: mean squared error.
        mpeir: mean over records of the largest |error| over the width of the record's range.
        sqnr: signal-to-quantization-noise ratio, 10 log10(Σ value² / Σ error²) in dB; infinite
            where there is no error.
        cosine: mean over records of the cosine between value and reference.
        largest: the largest |error|.
        tae: mean over records of the sum of |error| (total absolute error).
        differing: share of the elements that are not equal.
    """

    records: int
    mae: float
    mape: float
    mse: float
    mpeir: float
    sqnr: float
    cosine: float
    largest: float
    tae: float
    differing: float

    def to_json(self) -> dict[str, Any]:
        """Return the metrics; what is not finite is None."""
        return {key: finite(value) for key, value in asdict(self).items()}


class ErrorSums:
    """Sums over records from which `Errors` come."""

    def __init__(self) -> None:
        self._records = 0
        self._elements = 0
        self._absolute = self._relative = self._squared = self._signal = 0.0
        self._interval = self._cosine = self._largest = 0.0
        self._differing = 0

    def add(self, reference: Array, found: Array) -> None:
        """Take in a tensor of a record, both as real numbers, in the same shape."""
        # Single precision is enough for a metric and half the time of double.
        single = reference.dtype == found.dtype == np.float32
        dtype = np.float32 if single else np.float64
        a: Array = reference.reshape(-1).astype(dtype, copy=False)
        b: Array = found.reshape(-1).astype(dtype, copy=False)
        self._records += 1
        if not a.size:
            return
        error: Array = np.abs(b - a)
        low, high, largest = float(a.min()), float(a.max()), float(error.max())
        top = max(-low, high)
        squared, signal, other = float(error @ error), float(a @ a), float(b @ b)
        self._elements += a.size
        self._absolute += float(error.sum(dtype=np.float64))
        if top > 0:
            self._relative += float((error / np.maximum(np.abs(a), GUARD * top)).sum())
        self._squared += squared
        self._signal += signal
        self._interval += largest / (high - low + EMPTY_INTERVAL)
        both = math.sqrt(signal) * math.sqrt(other)
        self._cosine += float(a @ b) / both if both > 0 else float(squared == 0)
        self._largest = max(self._largest, largest)
        self._differing += int(np.count_nonzero(error))

    def result(self) -> Errors:
        """Return the metrics of what was taken in."""
        records, elements = max(1, self._records), max(1, self._elements)
        return Errors(
            records=self._records,
            mae=self._absolute / elements,
            mape=self._relative / elements,
            mse=self._squared / elements,
            mpeir=self._interval / records,
            sqnr=decibels(self._signal, self._squared),
            cosine=self._cosine / records,
            largest=self._largest,
            tae=self._absolute / records,
            differing=self._differing / elements,
        )


def decibels(signal: float, noise: float) -> float:
    """Return 10 log10(signal / noise); infinite without noise, minus infinite without signal."""
    if noise == 0:
        return math.inf
    return 10 * math.log10(signal / noise) if signal > 0 else -math.inf


def finite(value: Any) -> Any:
    """Return a number for JSON, which has neither infinity nor NaN."""
    return None if isinstance(value, float) and not math.isfinite(value) else value


TOP = 5


@dataclass(frozen=True)
class Classes:
    """How often two classifiers say the same, and how often they are right.

    Attributes:
        places: how many decisions were compared: one per record, or one per pixel.
        top1: share of places where both have the same first class.
        top5: share where the reference's first class is among the other's first five; None with
            five classes or fewer.
        accuracy_a: share of the records where the reference is right; None without labels.
        accuracy_b: share of the records where the other one is right.
    """

    places: int
    top1: float
    top5: float | None
    accuracy_a: float | None
    accuracy_b: float | None


class ClassSums:
    """Counts of decisions between the elements of an output's last dimension."""

    def __init__(self, labels: Array | None = None) -> None:
        self._labels = labels
        self._record = 0
        self._places = self._first = self._among = 0
        self._right = [0, 0]
        self._wide = True

    @staticmethod
    def suit(shape: tuple[int, ...]) -> bool:
        """Return whether an output is a row of classes, or an image of such rows."""
        if not shape or shape[-1] < 2:
            return False
        return len(shape) == 4 or math.prod(shape) == shape[-1]

    def add(self, reference: Array, found: Array) -> None:
        """Take in an output of the next record."""
        a, b = (array.reshape(-1, array.shape[-1]) for array in (reference, found))
        first, other = a.argmax(axis=1), b.argmax(axis=1)
        self._places += len(first)
        self._first += int((first == other).sum())
        self._wide = a.shape[1] > TOP
        if self._wide:
            among = np.argpartition(-b, TOP, axis=1)[:, :TOP]
            self._among += int((among == first[:, None]).any(axis=1).sum())
        if self._labels is not None:
            label = self._labels[self._record]
            self._right[0] += int(first[0] == label)
            self._right[1] += int(other[0] == label)
        self._record += 1

    def result(self) -> Classes:
        """Return the shares."""
        places, records = max(1, self._places), max(1, self._record)
        known = self._labels is not None
        return Classes(
            places=self._places,
            top1=self._first / places,
            top5=self._among / places if self._wide else None,
            accuracy_a=self._right[0] / records if known else None,
            accuracy_b=self._right[1] / records if known else None,
        )
