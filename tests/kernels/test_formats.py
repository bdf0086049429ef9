# SPDX-License-Identifier: Apache-2.0
"""Which form weights are packed in: the fast one where they allow it, whatever the weights are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from .cases import Case, cases_of
from .cases.filters import DOT_CLASSES, filter_shape, qu8_filter
from .cases.products import pack_scratch, packed_bytes
from .contract import Struct
from .exchange import Result
from .runners import KernelRunner

# packed_format of packed.h
HALVES, DOT_UNSIGNED, DOT_SIGNED, PAIRS, PAIRS2 = range(5)


# Fields of packed_header, as int32
FORMAT, INDEX_AT, ORDER_AT = 0, 3, 5


def header_of(result: Result) -> list[int]:
    return list(map(int, np.frombuffer(result.output[:64], np.int32)))


def pack(runner: KernelRunner, shape: Struct, arguments: dict[str, Any], width: int = 0) -> Result:
    kernel = "qu8_dwpack" if width else "qu8_pack"
    room = np.zeros(packed_bytes(kernel, shape, width), np.uint8)
    case = Case(kernel, "", {"packed": room, **arguments}, 1, pack_scratch(kernel, shape))
    ((whole, _),) = runner.run([case])
    return whole


def packed_format(runner: KernelRunner, profile: str, dot: str, kernel_width: int = 0) -> int:
    rng = np.random.default_rng(7)
    shape = (
        filter_shape(48, 1, 9, 1, "ohwi") if kernel_width else filter_shape(1, 48, 1, 96, "ohwi")
    )
    filter_ = qu8_filter(rng, shape, profile, 128, kernel_width=kernel_width)
    arguments = {**filter_.arguments, "dot_class": DOT_CLASSES[dot]}
    return header_of(pack(runner, shape, arguments, kernel_width))[FORMAT]


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


@pytest.mark.parametrize("k", [32, 72, 85])
@pytest.mark.parametrize(
    ("pattern", "expected"),
    [([90, 90, 2, 2], PAIRS), ([60, 60, 2, 2] * 2 + [2] * 24, PAIRS2)],
)
def test_pairs_part_neighbours_that_do_not_fit(
    pattern: list[int], expected: int, k: int, kernel_runner: Callable[[str], KernelRunner]
) -> None:
    # What int16 sums, two weights or four (int16 lane j those with k % 4 / 2 == j), fits to 128.
    values = np.resize(np.array(pattern, np.int8), k)
    shape = filter_shape(1, 9, 1, k, "ohwi")
    arguments = qu8_filter(np.random.default_rng(3), shape, "signed", 128).arguments | {
        "filter": np.tile(values, 9).view(np.uint8),
        "w_zero_point": np.zeros(9, np.int32),
        "dot_class": DOT_CLASSES["pairs"],
    }
    packed = pack(kernel_runner("native"), shape, arguments)
    header = header_of(packed)
    assert header[FORMAT] == expected
    windows = -(-k // 16)
    order = np.frombuffer(packed.output[header[ORDER_AT] :][: 16 * windows], np.uint8)
    order = order.reshape(windows, 16).astype(int)
    assert (np.sort(order, axis=1) == np.arange(16)).all()
    taken = np.pad(values.astype(int), (0, -k % 16)).reshape(windows, 16)
    pairs = np.take_along_axis(taken, order, axis=1).reshape(-1, 2, 2, 2).sum(axis=3)
    sums = pairs if expected == PAIRS else pairs.sum(axis=1)
    assert sums.max() <= 128
    # How many remainders are before each half block, and in all.
    index = np.frombuffer(packed.output[header[INDEX_AT] :][: 4 * 5], np.int32)
    assert index.tolist() == [0] * 5


@pytest.mark.parametrize("kernel", ["qu8_gemm", "qu8_igemm", "qu8_dwconv"])
def test_the_cases_use_every_form(
    kernel: str, kernel_runner: Callable[[str], KernelRunner]
) -> None:
    prepared = [case.prepare for case in cases_of(kernel)]
    cases = [case for case in prepared if case is not None]
    headers = [header_of(whole) for whole, _ in kernel_runner("native").run(cases)]
    seen = Counter(header[FORMAT] for header in headers)
    forms = {HALVES, DOT_UNSIGNED, DOT_SIGNED, PAIRS} | ({PAIRS2} if "gemm" in kernel else set())
    assert all(seen[form] >= 10 for form in forms), seen
    if "gemm" in kernel:
        ordered = Counter(header[FORMAT] for header in headers if header[ORDER_AT])
        assert sum(ordered.values()) >= 10, ordered
