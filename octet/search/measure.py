# SPDX-License-Identifier: Apache-2.0
"""Measures what operators take in octet, in headless Chromium on one thread.

``python -m octet.search.measure MODEL.tflite…`` writes the table that `standard_times` reads, of
float networks that it quantizes with random data, wholly, in part, and to int16x8.
"""

from __future__ import annotations

import json
import platform
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from octet.quantize.config import FLOAT, Config, LayerRule
from octet.quantize.data.source import RandomSource
from octet.quantize.prepare import prepare
from octet.quantize.quantize import QuantizeOptions, make_ready, quantize_ready
from octet.quantize.record import model_inputs
from octet.search.times import (
    TIMES,
    Sample,
    Times,
    elements_of,
    fit,
    multiplications,
    operator_class,
    operator_key,
)
from octet.tflite.files import write_whole
from octet.tflite.model import Model
from octet.web.runner import runner

RUNS = 30
"""Of which an operator's time is the median."""

RECORDS = 2


def measure(models: Iterable[Model], runs: int = RUNS) -> list[Sample]:
    """Return the time of every operator of ``models``.

    Raises:
        OctetError: if there is no browser, or it refuses a model.
    """
    samples = []
    with tempfile.TemporaryDirectory(prefix="octet-times-") as folder, runner() as browser:
        for model in models:
            path = Path(folder) / "model.tflite"
            model.write(path)
            with browser.load(path) as loaded:
                taken = [0.0] * len(model.operators)
                for step in loaded.profile(runs):
                    number = str(step["label"]).partition(" ")[0]
                    if number.isdecimal() and int(number) < len(taken):
                        taken[int(number)] += float(step["ms"])
            samples += [
                Sample(
                    operator_class(model, operator),
                    operator_key(model, operator),
                    multiplications(model, operator),
                    elements_of(model, operator),
                    ms,
                )
                for operator, ms in zip(model.operators, taken, strict=True)
            ]
    return samples


def measured_times(models: Sequence[Model], others: Times) -> Times:
    """Return times for the networks like ``models``; for what they lack, those of ``others``."""
    source = "from times measured in Chromium on this machine"
    return fit(measure(models), source, exact=True).over(others)


def variants(model: Model) -> Iterator[Model]:
    """Yield a float model, and it in 8 bits, in 8 bits by turns, and in int16x8."""
    prepared = prepare(model).model
    source = RandomSource(model_inputs(prepared.to_bytes(), prepared), RECORDS, 0)
    ready = make_ready(model, QuantizeOptions(), source)
    yield ready.model
    every_other = tuple(
        LayerRule(index=layer.indices[0], dtype=FLOAT) for layer in ready.layers[::2]
    )
    for config in (Config(), Config(layers=every_other), Config(dtype="int16x8")):
        yield quantize_ready(ready, QuantizeOptions(config=config), source).model


def write_times(paths: Sequence[Path]) -> None:
    """Measure the networks in ``paths`` and write TIMES. Raises OctetError."""
    samples = []
    for path in paths:
        samples += measure(variants(Model.read(path)))
        print(path.name, flush=True)
    times = fit(samples, "", exact=False)
    facts = {
        "about": "Nanoseconds per multiplication and per element read or written, on one thread in "
        "Chromium; written by python -m octet.search.measure MODEL.tflite…",
        "machine": _machine(),
        "networks": [path.name for path in paths],
        "classes": {k: [float(f"{r:.4g}") for r in rates] for k, rates in times.rates.items()},
    }
    write_whole(TIMES, (json.dumps(facts, indent=1, ensure_ascii=False) + "\n").encode())


def _machine() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


if __name__ == "__main__":
    write_times([Path(word) for word in sys.argv[1:]])
