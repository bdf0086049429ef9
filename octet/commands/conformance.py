# SPDX-License-Identifier: Apache-2.0
"""``octet conformance``: vector files through the built bundle, with the suite's tolerances."""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from octet.commands.console import wide_console
from octet.errors import unknown
from octet.web.cases import case_runner
from octet.web.runner import VARIANTS
from octet.web.vectors import Vector, judge, read_vectors, vector_files


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the subcommand."""
    parser = subparsers.add_parser("conformance", help="run WebNN conformance vectors")
    parser.add_argument("paths", type=Path, nargs="+", metavar="PATH", help="vector files, folders")
    parser.add_argument("--op", metavar="NAME", help="only cases that use this operator")
    parser.add_argument("--variant", choices=VARIANTS, help="default: the best one")
    parser.add_argument("--threads", type=int, default=1, metavar="N", help="default: 1")
    parser.add_argument("--json", action="store_true", help="the report for machines")


@dataclass(frozen=True)
class Outcome:
    """A vector and what was wrong with its result; None if nothing."""

    vector: Vector
    problem: str | None

    @property
    def group(self) -> tuple[str, str]:
        """The operator and data type under which a report counts it."""
        ops = dict.fromkeys(self.vector.ops)
        return (next(iter(ops)) if len(ops) == 1 else "graphs", self.vector.data_type)


def run(args: argparse.Namespace) -> int:
    """Run the vectors; 1 if any failed. Raises OctetError for a path or name that is wrong."""
    vectors = [v for path in vector_files(args.paths) for v in read_vectors(path)]
    if args.op is not None:
        known = {op for vector in vectors for op in vector.ops}
        if args.op not in known:
            raise unknown("operator", args.op, sorted(known))
        vectors = [vector for vector in vectors if args.op in vector.ops]
    outcomes = run_vectors(vectors, variant=args.variant, threads=args.threads)
    if args.json:
        print(json.dumps(_report(outcomes), indent=1))
    else:
        _print_report(wide_console(), outcomes)
    return 1 if any(outcome.problem for outcome in outcomes) else 0


def run_vectors(
    vectors: Sequence[Vector], *, variant: str | None = None, threads: int = 1
) -> list[Outcome]:
    """Run the vectors in headless Chromium and judge the results."""
    with case_runner(variant=variant, threads=threads) as runner:
        results = runner.run([vector.case for vector in vectors])
    pairs = zip(vectors, results, strict=True)
    return [Outcome(vector, judge(vector, result)) for vector, result in pairs]


def _counts(outcomes: Sequence[Outcome]) -> list[tuple[tuple[str, str], int, int]]:
    """Groups in order, each with how many passed and how many there are."""
    total = Counter(outcome.group for outcome in outcomes)
    passed = Counter(outcome.group for outcome in outcomes if outcome.problem is None)
    return [(group, passed[group], total[group]) for group in sorted(total)]


def _report(outcomes: Sequence[Outcome]) -> dict[str, object]:
    failures = [outcome for outcome in outcomes if outcome.problem is not None]
    return {
        "passed": len(outcomes) - len(failures),
        "failed": len(failures),
        "total": len(outcomes),
        "refused": sum(outcome.vector.refused for outcome in outcomes),
        "groups": [
            {"op": op, "dataType": data_type, "passed": passed, "failed": all_ - passed}
            | {"total": all_}
            for (op, data_type), passed, all_ in _counts(outcomes)
        ],
        "failures": [
            {"file": o.vector.source, "case": o.vector.name, "ops": o.vector.ops}
            | {"problem": o.problem}
            for o in failures
        ],
    }


def _print_report(console: Console, outcomes: Sequence[Outcome]) -> None:
    table = Table("operator", "data type", box=None)
    for title in ("passed", "failed", "total"):
        table.add_column(title, justify="right")
    for (op, data_type), passed, total in _counts(outcomes):
        table.add_row(op, data_type, str(passed), str(total - passed or "-"), str(total))
    console.print(table)
    failures = [outcome for outcome in outcomes if outcome.problem is not None]
    for outcome in failures:
        vector = outcome.vector
        console.print(escape(f"{vector.source}: {vector.name}: {outcome.problem}"))
    refused = sum(outcome.vector.refused for outcome in outcomes)
    note = f", {refused} of them by being refused, as they must" if refused else ""
    passed = len(outcomes) - len(failures)
    console.print(f"passed {passed}{note}, failed {len(failures)}, total {len(outcomes)}")
