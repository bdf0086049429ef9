# SPDX-License-Identifier: Apache-2.0
"""Which form weights are packed in: the fast one where they allow it, whatever the weights are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import numpy as np
import pytest

from .cases import Case, cases_of
from .cases.filters import DOT_CLASSES, filter_shape, qu8_filter
from .cases.products import pack_scratch, packed_bytes
from .runners import KernelRunner

# packed_format of packed.h
HALVES, DOT_UNSIGNED, DOT_SIGNED, PAIRS, PAIRS2 = range(5)


def packed_format(runner: KernelRunner, profile: str, dot: str, kernel_width: int = 0) -> int:
    rng = np.random.default_rng(7)
    shape = (
        filter_shape(48, 1, 9, 1, "ohwi") if kernel_width else filter_shape(1, 48, 1, 96, "ohwi")
    )
    kernel = "qu8_dwpack" if kernel_width else "qu8_pack"
    filter_ = qu8_filter(rng, shape, profile, 128, kernel_width=kernel_width)
    arguments = {**filter_.arguments, "dot_class": DOT_CLASSES[dot]}
    room = np.zeros(packed_bytes(kernel, shape, kernel_width), np.uint8)
    case = Case(kernel, profile, {"packed": room, **arguments}, 1, pack_scratch(kernel, shape))
    ((whole, _),) = runner.run([case])
    return int(np.frombuffer(whole.output[:4], np.int32)[0])


@pytest.mark.parametrize(
    ("profile", "dot", "expected"),
    [
        ("few", "none", HALVES),
        ("few", "unsigned", DOT_UNSIGNED),
        ("few", "signed", DOT_SIGNED),
        ("ties", "pairs", PAIRS2),
        ("few", "pairs", PAIRS),
        ("spread", "pairs", HALVES),
        ("spread", "unsigned", HALVES),
    ],
)
def test_products(
    profile: str, dot: str, expected: int, kernel_runner: Callable[[str], KernelRunner]
) -> None:
    assert packed_format(kernel_runner("native"), profile, dot) == expected


@pytest.mark.parametrize(
    ("profile", "dot", "expected"),
    [
        ("few", "none", HALVES),
        ("few", "unsigned", DOT_UNSIGNED),
        ("few", "signed", DOT_SIGNED),
        ("few", "pairs", PAIRS),
        ("spread", "pairs", HALVES),
    ],
)
def test_depthwise(
    profile: str, dot: str, expected: int, kernel_runner: Callable[[str], KernelRunner]
) -> None:
    assert packed_format(kernel_runner("native"), profile, dot, kernel_width=3) == expected


@pytest.mark.parametrize("kernel", ["qu8_gemm", "qu8_igemm", "qu8_dwconv"])
def test_the_cases_use_every_form(
    kernel: str, kernel_runner: Callable[[str], KernelRunner]
) -> None:
    prepared = [case.prepare for case in cases_of(kernel)]
    cases = [case for case in prepared if case is not None]
    results = kernel_runner("native").run(cases)
    seen = Counter(int(np.frombuffer(whole.output[:4], np.int32)[0]) for whole, _ in results)
    forms = {HALVES, DOT_UNSIGNED, DOT_SIGNED, PAIRS} | ({PAIRS2} if "gemm" in kernel else set())
    assert all(seen[form] >= 10 for form in forms), seen
