# SPDX-License-Identifier: Apache-2.0
"""Writes the files to mutate, one or more for each operator: ``python -m tests.fuzz.seeds DIR``."""

from __future__ import annotations

import sys
from pathlib import Path

from tests.tflite.cases import all_cases

MOST_BYTES = 8192
"""Larger files are mostly weights."""


def write_seeds(folder: Path) -> None:
    """Write the small models of the tests as ``.tflite`` files."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, case in all_cases().items():
        if len(case.model) <= MOST_BYTES:
            (folder / f"{name}.tflite").write_bytes(case.model)


if __name__ == "__main__":
    write_seeds(Path(sys.argv[1]))
