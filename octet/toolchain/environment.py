# SPDX-License-Identifier: Apache-2.0
"""The virtual environment in ``.venv``: made once, kept current. Standard library only."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

from octet.toolchain import process


def prepare(root: Path) -> Path:
    """Return the Python of ``root/.venv``, after installing what pyproject.toml asks for.

    The environment carries a stamp of what it was made from, written last: one that is
    incomplete or outdated is completed.

    Raises:
        CommandError: when venv or pip fails.
    """
    venv = root / ".venv"
    python = venv / "bin/python"
    stamp = venv / "octet.stamp"
    wanted = _digest(root / "pyproject.toml")
    if python.exists() and stamp.exists() and stamp.read_text() == wanted:
        return python
    stamp.unlink(missing_ok=True)
    if not _works(python):
        process.watch("virtual environment", [sys.executable, "-m", "venv", "--clear", venv])
    process.watch(
        "Python packages",
        [python, "-m", "pip", "install", "--disable-pip-version-check", "-e", ".[dev]"],
        cwd=root,
    )
    partial = stamp.with_suffix(".new")
    partial.write_text(wanted)
    partial.replace(stamp)
    return python


def _digest(pyproject: Path) -> str:
    where = f"{sys.version_info[:2]} {pyproject.parent}\0"
    return hashlib.sha256(where.encode() + pyproject.read_bytes()).hexdigest()


def _works(python: Path) -> bool:
    """Return whether ``python`` is of the running version and has pip."""
    try:
        done = subprocess.run(
            [python, "-c", "import pip, sys; print(*sys.version_info[:2])"],
            capture_output=True,
            text=True,
            check=False,
        )
    except OSError:
        return False
    return done.stdout.split() == [str(part) for part in sys.version_info[:2]]
