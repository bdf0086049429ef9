# SPDX-License-Identifier: Apache-2.0
"""Random graphs of 3 to 12 steps give what the reference gives, however they are compiled.

``OCTET_GRAPHS=2000`` runs that many, other ones each time; without it fewer, always the same.
"""

from __future__ import annotations

import os
from collections.abc import Sequence

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from octet.web.cases import CaseRunner
from tests.conformance.graphs import make_graph

WANTED = int(os.environ.get("OCTET_GRAPHS", "0"))
GRAPHS = WANTED or 200

ENGINES = [("simd", 2), ("relaxed", 1)]

AT_ONCE = 25
"""Graphs that a page is given at a time."""

Plan = tuple[int, Sequence[int]]

plans = st.tuples(
    st.integers(0, 2**32 - 1),
    st.lists(st.integers(0, 2**20 - 1), min_size=3, max_size=12),
)


@pytest.fixture(params=ENGINES, ids=lambda engine: f"{engine[0]}-{engine[1]}")
def engine(request: pytest.FixtureRequest, cases: CaseRunner) -> CaseRunner:
    """The page with a new context."""
    variant, threads = request.param
    cases.start(variant=variant, threads=threads, debug=True)
    return cases


@settings(
    max_examples=-(-GRAPHS // (AT_ONCE * len(ENGINES))),
    derandomize=not WANTED,
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
@given(st.lists(plans, min_size=AT_ONCE, max_size=AT_ONCE))
def test_random_graphs(engine: CaseRunner, batch: Sequence[Plan]) -> None:
    """No mismatch and no error, whatever operators meet."""
    graphs = [make_graph(seed, choices) for seed, choices in batch]
    results = engine.run([graph.case for graph in graphs])
    problems = []
    for plan, graph, result in zip(batch, graphs, results, strict=True):
        if problem := result.error or graph.problem(dict(result.outputs)):
            calls = [call.op for call in graph.case.calls]
            problems.append(f"make_graph{plan}: {problem}; {' → '.join(calls)}")
    assert not problems, "\n".join(problems)
