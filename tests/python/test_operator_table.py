# SPDX-License-Identifier: Apache-2.0
"""docs/OPERATORS.md is what the operators' records say today."""

from __future__ import annotations

from octet.codegen.operator_table import PAGE, render_operator_table
from octet.toolchain.paths import ROOT


def test_the_page_is_current() -> None:
    page = (ROOT / PAGE).read_text(encoding="utf-8")
    hint = "run: .venv/bin/python -m octet.codegen.operator_table"
    assert page == render_operator_table(ROOT), hint


def test_every_operator_has_a_row() -> None:
    lines = (ROOT / PAGE).read_text(encoding="utf-8").splitlines()
    title, *rows = [line for line in lines if line.startswith("| ")]
    assert title.startswith("| operator | float32 |")
    assert len(rows) == len({row.split("|")[1] for row in rows}) == 95
