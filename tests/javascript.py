# SPDX-License-Identifier: Apache-2.0
"""JavaScript tests in pytest: a ``*.test.js`` file runs under Node, each of its tests reports."""

from __future__ import annotations

import json
import subprocess
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Literal

import pytest
from _pytest.runner import runtestprotocol

from octet.node import node_command
from octet.toolchain.paths import ROOT

REPORTER = Path(__file__).with_name("node_reporter.mjs")


class JavaScriptError(Exception):
    """A test file that failed as a whole."""


class JavaScriptFile(pytest.File):
    """A file for Node's test runner."""

    def collect(self) -> Iterable[pytest.Item]:
        yield JavaScriptItem.from_parent(self, name="node")


class JavaScriptItem(pytest.Item):
    """Runs the file; every test in it becomes a report of its own."""

    results: list[dict[str, Any]]

    def runtest(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            lines = Path(folder) / "results"
            report = [f"--test-reporter={REPORTER}", f"--test-reporter-destination={lines}"]
            done = subprocess.run(
                node_command(*report, self.path),
                cwd=ROOT,
                capture_output=True,
                text=True,
                check=False,
            )
            text = lines.read_text(encoding="utf-8") if lines.exists() else ""
        self.results = [json.loads(line) for line in text.splitlines()]
        self.add_report_section("call", "stdout", done.stdout)
        self.add_report_section("call", "stderr", done.stderr)
        failed = any(result["outcome"] == "fail" for result in self.results)
        if (done.returncode and not failed) or not self.results:
            how = f"node ended with {done.returncode} after {len(self.results)} tests"
            raise JavaScriptError(f"{how}\n{done.stderr.strip() or done.stdout.strip()}")

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        if isinstance(excinfo.value, JavaScriptError):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, int, str]:
        return self.path, 0, self.path.name


def run_protocol(item: JavaScriptItem, nextitem: pytest.Item | None) -> None:
    """Run ``item`` and log a report for every test in it, instead of one for the file."""
    item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
    item.results = []
    for report in runtestprotocol(item, nextitem=nextitem, log=False):
        if report.when == "call":
            tests = [_report(item, result, report) for result in item.results]
            item.session.testscollected += len(tests) - report.passed
            for test in tests:
                item.ihook.pytest_runtest_logreport(report=test)
            if report.passed:
                continue
        item.ihook.pytest_runtest_logreport(report=report)
    item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)


def _report(
    item: JavaScriptItem, result: dict[str, Any], whole: pytest.TestReport
) -> pytest.TestReport:
    outcomes: dict[str, Literal["passed", "failed", "skipped"]]
    outcomes = {"pass": "passed", "fail": "failed", "skipped": "skipped"}
    outcome = outcomes[result["outcome"]]
    path = item.nodeid.removesuffix("::node")
    longrepr = None
    if outcome == "failed":
        longrepr = result["error"]
    elif outcome == "skipped":
        longrepr = (path, 0, f"Skipped: {result['reason']}")
    return pytest.TestReport(
        nodeid=f"{path}::{result['name']}",
        location=(path, 0, result["name"]),
        keywords={},
        outcome=outcome,
        longrepr=longrepr,
        when="call",
        sections=whole.sections if outcome == "failed" else (),
        duration=result["seconds"],
    )
