# SPDX-License-Identifier: Apache-2.0
"""Metrics by hand-made numbers, at their borders."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pytest

from octet.compare.distributions import BINS, DistributionSums
from octet.compare.metrics import GUARD, ClassSums, Errors, ErrorSums

EXACT = 1e-6
"""Relative: the rounding of float32."""


def errors(*pairs: tuple[Sequence[float], Sequence[float]]) -> Errors:
    sums = ErrorSums()
    for reference, found in pairs:
        sums.add(np.array(reference, np.float32), np.array(found, np.float32))
    return sums.result()


def test_one_record() -> None:
    got = errors(([1, -2, 4], [1.5, -2, 3]))
    assert got.mae == pytest.approx(1.5 / 3, EXACT)
    assert got.mape == pytest.approx((0.5 / 1 + 1 / 4) / 3, EXACT)
    assert got.mse == pytest.approx(1.25 / 3, EXACT)
    assert got.mpeir == pytest.approx(1 / 6, EXACT)
    assert got.sqnr == pytest.approx(10 * math.log10(21 / 1.25), EXACT)
    assert got.cosine == pytest.approx(17.5 / math.sqrt(21 * (2.25 + 4 + 9)), EXACT)
    assert got.largest == 1
    assert got.tae == pytest.approx(1.5, EXACT)
    assert got.differing == pytest.approx(2 / 3)


def test_records_are_averaged_and_powers_added() -> None:
    got = errors(([0, 2], [0, 1]), ([0, 1], [0, 1]))
    assert got.records == 2
    assert got.mpeir == pytest.approx(0.25, 1e-5)
    assert got.tae == pytest.approx(0.5)
    assert got.sqnr == pytest.approx(10 * math.log10(5 / 1))


def test_a_zero_has_no_percentage() -> None:
    got = errors(([0, 100], [0.5, 100]))
    assert got.mape == pytest.approx(0.5 / (GUARD * 100) / 2, EXACT)


@pytest.mark.parametrize(
    ("reference", "found", "sqnr", "cosine"),
    [
        ([1, 2], [1, 2], math.inf, 1),
        ([0, 0], [0, 0], math.inf, 1),
        ([0, 0], [1, 0], -math.inf, 0),
        ([1, 1], [0, 0], 0, 0),
    ],
)
def test_without_signal_or_noise(
    reference: list[float], found: list[float], sqnr: float, cosine: float
) -> None:
    got = errors((reference, found))
    assert got.sqnr == pytest.approx(sqnr)
    assert got.cosine == pytest.approx(cosine)
    assert all(value is None or math.isfinite(value) for value in got.to_json().values())


def test_whole_numbers_do_not_overflow() -> None:
    sums = ErrorSums()
    sums.add(np.array([2**40, 0], np.int64), np.array([2**40 + 1, 0], np.int64))
    assert sums.result().largest == 1


def classes(
    reference: np.ndarray, found: np.ndarray, labels: np.ndarray | None = None
) -> ClassSums:
    sums = ClassSums(labels)
    for a, b in zip(reference, found, strict=True):
        sums.add(a, b)
    return sums


def test_classes() -> None:
    reference = np.eye(8, dtype=np.float32)[[0, 1, 2, 3]].reshape(4, 1, 8)
    found = np.tile(np.arange(8, dtype=np.float32), (4, 1)).reshape(4, 1, 8)
    found[0, 0, 0] = 10
    got = classes(reference, found, np.array([0, 7, 2, 0])).result()
    assert (got.places, got.top1) == (4, 0.25)
    assert got.top5 == 0.5  # 0, and of 3 to 7 the third; not 1 and 2
    assert (got.accuracy_a, got.accuracy_b) == (0.5, 0.5)


def test_few_classes_have_no_first_five_and_no_labels_no_accuracy() -> None:
    row = np.zeros((1, 1, 5), np.float32)
    got = classes(row, row).result()
    assert got.top5 is None
    assert got.accuracy_a is None


@pytest.mark.parametrize(
    ("shape", "suits"),
    [
        ((1, 10), True),
        ((10,), True),
        ((1, 1, 1, 10), True),
        ((1, 4, 4, 3), True),
        ((1, 4, 4, 1), False),
        ((1, 1), False),
        ((1, 50, 4), False),
        ((), False),
    ],
)
def test_what_is_a_row_of_classes(shape: tuple[int, ...], suits: bool) -> None:
    assert ClassSums.suit(shape) is suits


def test_distributions_count_everything() -> None:
    sums = DistributionSums()
    first = np.linspace(0, 1, 480, dtype=np.float32)
    sums.add(first, first + np.float32(0.25))
    sums.add(first * 4, first * 4)  # beyond the ends that the first record set
    got = sums.result()
    assert got is not None
    assert (got.low, got.high) == (0, 1.25)
    assert got.reach == pytest.approx(0.25, 1e-6)
    assert len(got.reference) == len(got.found) == len(got.errors) == BINS
    assert sum(got.reference) == sum(got.found) == sum(got.errors) == 960
    assert got.reference[-1] > 300


def test_distribution_of_nothing() -> None:
    assert DistributionSums().result() is None
