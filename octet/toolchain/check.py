# SPDX-License-Identifier: Apache-2.0
"""Formatting, lint and types: every tool that looks at the source without running it."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from octet.toolchain.paths import KERNELS, NODE_BIN, ROOT

PYTHON_SOURCES = ("build.py", "octet", "tests")


@dataclass(frozen=True)
class Check:
    """A tool that passes by exiting with 0.

    Attributes:
        name: what the report calls it.
        command: looks only.
        fix: the command that mends what it can; empty if there is none.
    """

    name: str
    command: tuple[str, ...]
    fix: tuple[str, ...] = ()


def checks() -> list[Check]:
    """Return every check, in the order of the report."""
    c_files = [str(path) for path in sorted([*KERNELS.glob("*.[ch]"), *ROOT.glob("tests/**/*.c")])]
    clang_format, ruff, mypy = (str(Path(sys.executable).parent / name) for name in _PYTHON_TOOLS)
    biome, tsc = str(NODE_BIN / "biome"), str(NODE_BIN / "tsc")
    limits = ("--colors=off", "--max-diagnostics=30")
    return [
        Check(
            "clang-format",
            (clang_format, "--dry-run", "--Werror", *c_files),
            (clang_format, "-i", *c_files),
        ),
        Check(
            "ruff format",
            (ruff, "format", "--check", *PYTHON_SOURCES),
            (ruff, "format", *PYTHON_SOURCES),
        ),
        Check(
            "ruff check",
            (ruff, "check", "--quiet", *PYTHON_SOURCES),
            (ruff, "check", "--quiet", "--fix", *PYTHON_SOURCES),
        ),
        Check("mypy", (mypy, "--no-error-summary")),
        Check("biome", (biome, "ci", *limits), (biome, "check", "--write", *limits)),
        Check("tsc", (tsc,)),
    ]


_PYTHON_TOOLS = ("clang-format", "ruff", "mypy")


def run_checks(console: Console, *, fix: bool) -> int:
    """Run every check, report each, and return 1 if any failed, else 0."""
    todo = checks()
    if fix:
        for check in todo:
            if check.fix:
                subprocess.run(check.fix, cwd=ROOT, capture_output=True, check=False)
    failed = 0
    with ThreadPoolExecutor() as pool:
        for check, done in zip(todo, pool.map(_look, todo), strict=True):
            console.print(f"{check.name}: {'failed' if done.returncode else 'ok'}")
            if done.returncode:
                failed = 1
                console.out((done.stdout + done.stderr).strip())
    return failed


def _look(check: Check) -> subprocess.CompletedProcess[str]:
    return subprocess.run(check.command, cwd=ROOT, capture_output=True, text=True, check=False)
