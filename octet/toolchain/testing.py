# SPDX-License-Identifier: Apache-2.0
"""Runs the tests: pytest over tests/, which collects the JavaScript tests too."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence

from octet.toolchain.paths import ROOT


def run_tests(arguments: Sequence[str]) -> int:
    """Run pytest with ``arguments`` and return its exit code."""
    return subprocess.run(
        [sys.executable, "-m", "pytest", *arguments], cwd=ROOT, check=False
    ).returncode
