# SPDX-License-Identifier: Apache-2.0
"""Every operator in every data type, against an implementation that shares nothing with octet's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pytest
from playwright.sync_api import Page

from octet.web.cases import Array, Case, CaseRunner
from octet.web.server import Server
from tests.conformance.own import grouped
from tests.conformance.own.case import OwnCase
from tests.conformance.recorder import Operand, Recorder

ENGINES = [("scalar", 1), ("simd", 2), ("relaxed", 1)]

LEAST = 12
"""Cases of an operator in a type."""

ROOM = 150
"""Operands in one graph at most: several cases share one, and the time that it takes to build."""

Groups = Mapping[tuple[str, str], Sequence[OwnCase]]


@dataclass
class Batch:
    """Cases in one graph, with the operands that each gives and what they must be."""

    case: Case
    members: list[tuple[OwnCase, list[Operand], list[Array]]]


@pytest.fixture(scope="module")
def groups() -> Groups:
    """All cases by operator and type."""
    return grouped()


@pytest.fixture(scope="module")
def batches(groups: Groups) -> list[Batch]:
    """All cases in graphs."""
    return [batch for group in groups.values() for batch in _batched(group)]


def _batched(cases: Sequence[OwnCase]) -> list[Batch]:
    batches: list[Batch] = []
    to, members = Recorder(), []
    for i, case in enumerate(cases):
        expected = case.expected()
        operands = case.record(to, len(expected), constants=i % 2 == 1)
        members.append((case, operands, expected))
        if to.size > ROOM or i == len(cases) - 1:
            outputs = [operand for _, operands, _ in members for operand in operands]
            batches.append(Batch(to.case(outputs), members))
            to, members = Recorder(), []
    return batches


def test_every_operator_and_type(groups: Groups, page: Page, server: Server) -> None:
    """There are enough cases for each type that opSupportLimits() names."""
    server.blobs["/limits/"] = b"<!doctype html><title>limits</title>"
    page.goto(f"{server.url}/limits/")
    limits: Mapping[str, Any] = page.evaluate(LIMITS)
    wanted = {(op, dtype) for op, dtypes in limits.items() for dtype in dtypes}
    few = {key: len(groups.get(key, ())) for key in wanted if len(groups.get(key, ())) < LEAST}
    assert not few
    assert set(groups) <= wanted
    assert len(limits) == 95


LIMITS = """async () => {
  const { install } = await import("../octet.js");
  install("force");
  const limits = (await navigator.ml.createContext()).opSupportLimits();
  const members = Object.entries(limits).filter(([, v]) => v && Object.values(v)[0]?.dataTypes);
  const first = (op) => op.input ?? op.inputs ?? op.a ?? op.trueValue;
  return Object.fromEntries(members.map(([name, op]) => [name, first(op).dataTypes]));
}"""


@pytest.mark.parametrize(("variant", "threads"), ENGINES)
def test_own_cases(cases: CaseRunner, batches: list[Batch], variant: str, threads: int) -> None:
    """Every case is as near to the reference as it says."""
    # The graphs are the same for each: one check of the compiler's passes is enough.
    cases.start(variant=variant, threads=threads, debug=variant == "simd")
    results = cases.run([batch.case for batch in batches])
    problems = []
    for batch, result in zip(batches, results, strict=True):
        if result.error:
            names = "; ".join(str(case) for case, _, _ in batch.members)
            problems.append(f"{result.error} (one of {names})")
            continue
        for case, operands, expected in batch.members:
            got = [result.outputs[operand.name] for operand in operands]
            if problem := case.problem(got, expected):
                problems.append(problem)
    assert not problems, "\n".join([f"{len(problems)} problems:", *problems])
