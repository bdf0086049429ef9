# SPDX-License-Identifier: Apache-2.0
"""``build.py bench-quantize``: measure, print, write."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from octet.bench.quantization import accuracy, quantizers, render, speed
from octet.bench.quantization.networks import NETWORKS
from octet.bench.quantization.results import Results
from octet.bench.results import describe_machine
from octet.errors import UsageError

PARTS = ("accuracy", "speed")


@dataclass(frozen=True)
class Request:
    """What a call asks for.

    Attributes:
        parts: of PARTS; what is not measured is taken from ``json`` as it is.
        networks: words in the names of those whose accuracy is wanted; all if empty.
        records: in a turn of the speed of MobileNetV2.
        rounds: turns of each recorder.
        json: where the results go.
        render: write the pages in docs/ from the committed results, at the end.
    """

    parts: Sequence[str]
    networks: Sequence[str]
    records: int
    rounds: int
    json: Path | None
    render: bool


def run(console: Console, request: Request) -> int:
    """Do it and return the exit code. Raises OctetError."""
    if request.parts:
        _measure(console, request)
    if request.render:
        render.write_pages()
        console.print(f"{render.PAGE} and {render.GUIDE} from {render.DATA}")
    return 0


def _measure(console: Console, request: Request) -> None:
    results = Results(describe_machine("").cpu, os.cpu_count() or 1)
    if request.json and request.json.is_file():
        results = Results.load(request.json)
    words = [word.lower() for word in request.networks]
    chosen = [n for n in NETWORKS if not words or any(w in n.name.lower() for w in words)]
    if not chosen:
        raise UsageError(f"networks: there is: {', '.join(n.name for n in NETWORKS)}.")
    quantizers.install()
    if "accuracy" in request.parts:
        for network in chosen:
            rows = accuracy.measure(network, lambda done: console.print(f"  {done}"))
            results.accuracy = [r for r in results.accuracy if r.network != network.name] + rows
            _print_accuracy(console, network.name, results)
            _save(request, results)
    if "speed" in request.parts:
        results.recording = speed.measure(
            request.records, request.rounds, lambda done: console.print(f"  {done}")
        )
        _print_speed(console, results)
        _save(request, results)


def _save(request: Request, results: Results) -> None:
    if request.json:
        results.save(request.json)


def _print_accuracy(console: Console, name: str, results: Results) -> None:
    table = Table(
        "by", "setting", "dtype", "", "kB", "top-1 %", "agreement %", title=name, box=None
    )
    for row in results.accuracy:
        if row.network == name:
            top1 = "" if row.top1 is None else f"{row.top1:.2f}"
            cells = (row.quantizer, row.setting, row.dtype, row.granularity)
            table.add_row(*cells, f"{row.bytes / 1000:,.0f}", top1, f"{row.agreement:.2f}")
    console.print(table)


def _print_speed(console: Console, results: Results) -> None:
    table = Table("network", "by", "threads", "ms/record", "to bare", "CPU to bare", box=None)
    for line in render.recording_lines(results):
        table.add_row(*line)
    console.print(table)
