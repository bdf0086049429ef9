# SPDX-License-Identifier: Apache-2.0
"""Every operator in every kind of coding on octet in Chromium against LiteRT.

A few random models of each by default, twenty of each with ``--full``.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from octet.toolchain.paths import ROOT
from tests.tflite.operators.browser import OperatorPage, Run, operator_page
from tests.tflite.operators.chains import chains
from tests.tflite.operators.comparison import Checked, check, check_all
from tests.tflite.operators.coverage import SAMPLES, render
from tests.tflite.operators.draft import ENTRIES
from tests.tflite.operators.litert import run_litert

DOCS = ROOT / "docs/tflite_operators.md"
FULL = 20


@pytest.fixture(scope="module")
def operators(browser: Browser) -> Iterator[OperatorPage]:
    with operator_page(browser) as page:
        yield page


@pytest.fixture(scope="module")
def count(request: pytest.FixtureRequest) -> int:
    """How many models of each kind."""
    return FULL if request.config.getoption("--full") else SAMPLES


@pytest.fixture(scope="module")
def results() -> list[Checked]:
    """What the tests of operators found, for the table."""
    return []


@pytest.mark.parametrize("key", ENTRIES)
def test_like_litert(key: str, operators: OperatorPage, count: int, results: list[Checked]) -> None:
    checked = list(check_all(operators, count, [key]))
    results.extend(checked)
    problems = [f"{c.key} {c.kind} {c.seed}: {c.problem}" for c in checked if c.problem]
    assert not problems


def test_table_is_current(results: list[Checked]) -> None:
    if {checked.key for checked in results} != set(ENTRIES):
        pytest.skip("the table needs all operators")
    again = "docs/tflite_operators.md: render it: python -m tests.tflite.operators --docs"
    assert DOCS.read_text(encoding="utf-8") == render(results), again


def test_operators_together(operators: OperatorPage, count: int) -> None:
    named = [(name, make()) for name, make in chains(count, run_litert)]
    runs = [Run(name, c.sample.model, c.sample.inputs, c.options) for name, c in named]
    problems = []
    for (name, chain), outcome in zip(named, operators.run(runs), strict=True):
        sample = chain.sample
        expected = chain.expected or run_litert(sample.model, sample.inputs)
        checked = check(Checked(name, "", 0, outcome), sample, expected)
        missing = [call for call in chain.calls if call not in outcome.calls]
        wrong = [call for call in chain.absent if call in outcome.calls]
        if checked.problem or missing or wrong:
            problems.append(f"{name}: {checked.problem} {missing} {wrong}")
    assert not problems
