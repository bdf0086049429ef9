# SPDX-License-Identifier: Apache-2.0
"""Graphs of quantized operators through the built bundle, byte for byte the numeric contract's.

Each must become integer kernels alone, on every wasm variant, every dot product of the CPU, and on
two threads.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from octet.errors import OctetError
from octet.web.cases import Result, case_runner
from octet.web.runner import DOTS

from .cases import FAMILIES, cases_of
from .recording import QuantizedCase

SIGN = frozenset(["x8_flip"])
"""Kernels that turn int8 into bytes and back."""
MOVES = frozenset(["copy_nd", "fill", "gather"])
"""Kernels that move bytes."""

LARGE = 10_000
"""Bytes of a tensor from which on threads may share the work."""

VARIANTS = {"scalar": None, "simd": None, "relaxed": "none"}
"""The wasm files, and the dot product of bytes."""


@pytest.mark.parametrize("variant", VARIANTS)
def test_every_operator(variant: str) -> None:
    cases = [case for family in FAMILIES for case in cases_of(family)]
    check(cases, variant, VARIANTS[variant], threads=1)


@pytest.mark.parametrize("dot", [dot for dot in DOTS if dot != "none"])
def test_every_dot_product(dot: str) -> None:
    try:
        check(cases_of("products"), "relaxed", dot, threads=1)
    except OctetError as error:
        if "this CPU has no" not in str(error):
            raise
        pytest.skip(str(error))


@pytest.mark.parametrize("variant", ["simd", "relaxed"])
def test_threads(variant: str) -> None:
    cases = [case for family in FAMILIES for case in cases_of(family) if case.bytes >= LARGE]
    assert len(cases) > len(FAMILIES)
    check(cases, variant, None, threads=2)


def check(cases: Sequence[QuantizedCase], variant: str, dot: str | None, *, threads: int) -> None:
    """Run the cases on an engine and assert that nothing is wrong."""
    with case_runner(variant=variant, dot=dot, threads=threads, debug=True) as runner:
        assert (runner.engine["variant"], runner.engine["threads"]) == (variant, threads)
        results = runner.run([case.case for case in cases])
    wrong = [
        f"{case.note}: {problem}"
        for case, result in zip(cases, results, strict=True)
        if (problem := problem_of(case, result))
    ]
    assert not wrong, "\n".join([f"{len(wrong)} of {len(cases)} cases:", *wrong[:20]])


def problem_of(case: QuantizedCase, result: Result) -> str:
    """Return "" if ``result`` is what ``case`` expects, else the first thing that is not."""
    if result.error:
        return result.error
    ignored = SIGN | MOVES if case.moves else SIGN
    kernels = sorted(kernel for kernel in result.kernels if kernel not in ignored)
    if kernels != sorted(case.kernels):
        return f"kernels: got {kernels}, expected {sorted(case.kernels)}\n{result.text}"
    for name, expected in case.expected.items():
        got = result.outputs[name]
        if got.dtype != expected.dtype or got.shape != expected.shape:
            return f"got {got.dtype}{got.shape}, expected {expected.dtype}{expected.shape}"
        different = np.flatnonzero(got != expected)
        if different.size:
            first = int(different[0])
            pair = f"got {got.flat[first]}, expected {expected.flat[first]}"
            return f"element {first}: {pair} ({different.size} of {got.size} differ)"
    return ""
