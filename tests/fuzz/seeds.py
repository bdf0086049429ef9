# SPDX-License-Identifier: Apache-2.0
"""Writes the files to mutate, one or more for each operator: ``python -m tests.fuzz.seeds DIR``."""

from __future__ import annotations

import sys
from pathlib import Path

from tests.tflite.cases import all_cases
from tests.tflite.operators.chains import chains
from tests.tflite.operators.comparison import sample
from tests.tflite.operators.draft import ENTRIES
from tests.tflite.operators.litert import run_litert

MOST_BYTES = 8192
"""Larger files are mostly weights."""


def write_seeds(folder: Path) -> None:
    """Write the small models of the tests as ``.tflite`` files."""
    folder.mkdir(parents=True, exist_ok=True)
    models = {name: case.model for name, case in all_cases().items()}
    for key, entry in ENTRIES.items():
        for kind in {entry.kinds[0], entry.kinds[-1]}:
            models[f"{key} {kind}"] = sample(key, kind, 0)[0].model
    models |= {name: make().sample.model for name, make in chains(1, run_litert)}
    for name, model in models.items():
        if len(model) <= MOST_BYTES:
            (folder / f"{name}.tflite").write_bytes(model)


if __name__ == "__main__":
    write_seeds(Path(sys.argv[1]))
