# SPDX-License-Identifier: Apache-2.0
"""How long recording takes beside bare inference and beside the peers, in turns."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from octet.bench import processes
from octet.bench.models import models_folder
from octet.bench.quantization import quantizers, resnet50
from octet.bench.quantization.networks import NETWORKS
from octet.bench.quantization.results import Recording
from octet.errors import OctetError

RESNET50 = "ResNet50, random weights, 102 MB"

MOBILENET = NETWORKS[0].name


def networks(records: int) -> dict[str, tuple[Path, int]]:
    """Return file and number of records by the network's name; the large one gets a quarter."""
    large = quantizers.FOLDER / "resnet50.tflite"
    if not large.is_file():
        large.parent.mkdir(parents=True, exist_ok=True)
        resnet50.make().write(large)
    return {
        MOBILENET: (models_folder() / NETWORKS[0].file, records),
        RESNET50: (large, max(1, records // 4)),
    }


def entries() -> list[tuple[str, int]]:
    """Return recorders with their threads, in the order of their turns."""
    cores = os.cpu_count() or 1
    peers = ("onnxruntime", "ai-edge-quantizer preserve", "ai-edge-quantizer profile")
    own = [(name, n) for n in dict.fromkeys((1, cores)) for name in ("bare", "octet")]
    return [*own, *((name, cores) for name in peers)]


def measure(records: int, rounds: int, step: Callable[[str], None]) -> list[Recording]:
    """Return a row for each recorder and network.

    Args:
        records: in a turn of the small network.
        rounds: turns of each.
        step: told of each turn.
    """
    data = NETWORKS[0].calibration()
    rows = []
    for name, (model, count) in networks(records).items():
        turns: dict[tuple[str, int], list[dict[str, float]]] = {}
        for number in range(rounds):
            # Forth and back, so that nobody always has the machine after the same neighbour.
            order = entries() if number % 2 == 0 else entries()[::-1]
            for entry in order:
                turns.setdefault(entry, []).append(_turn(model, data, count, *entry))
                step(f"{name}: {entry[0]}")
        for (recorder, threads), told in turns.items():
            row = Recording(
                network=name,
                recorder=recorder,
                version=str(told[0]["version"]),
                threads=threads,
                records=count,
                seconds=tuple(round(t["seconds"], 3) for t in told),
                cpu_seconds=tuple(round(t["cpu_seconds"], 3) for t in told),
            )
            rows.append(row)
    return rows


def ratio(row: Recording, other: Recording, *, cpu: bool = False) -> float:
    """Return the median over the rounds of this time divided by that of ``other``."""
    ours, theirs = (r.cpu_seconds if cpu else r.seconds for r in (row, other))
    return statistics.median(a / b for a, b in zip(ours, theirs, strict=True))


def _turn(model: Path, data: Path, count: int, recorder: str, threads: int) -> dict[str, float]:
    if recorder.startswith("ai-edge-quantizer"):
        mode = recorder.split()[1]
        signed = quantizers.with_signature(model)
        command = [quantizers.PYTHON, quantizers.PEER, "record", signed, data, count, threads, mode]
    else:
        file = quantizers.twin(model) if recorder == "onnxruntime" else model
        module = "octet.bench.quantization.recorders"
        command = [sys.executable, "-m", module, recorder, file, data, count, threads]
    running = subprocess.Popen(
        list(map(str, command)), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    processes.take_precedence()
    out, errors = running.communicate()
    if running.returncode:
        raise OctetError(f"{recorder}: {errors.strip().splitlines()[-1]}")
    told: dict[str, float] = json.loads(out.splitlines()[-1])
    return told
