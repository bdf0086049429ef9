# SPDX-License-Identifier: Apache-2.0
"""``build.py bench``: what to measure, in which order, and where the results go."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from octet.bench import latency, peers, report, site
from octet.bench.engines import CLIENTS, OCTET, PEERS, Entry
from octet.bench.models import Model, find_models
from octet.bench.results import Results, describe_machine
from octet.web.browser import chromium


@dataclass(frozen=True)
class Request:
    """What a call of the benchmark asks for.

    Attributes:
        models: names or paths; the demo networks if empty.
        with_peers: measure the peers beside octet.
        threads: thread counts.
        variants: octet's wasm files; empty for its choice.
        rounds: in which every engine has its turn.
        json: where the results go, too.
    """

    models: Sequence[str]
    with_peers: bool
    threads: Sequence[int]
    variants: Sequence[str]
    rounds: int
    json: Path | None


def run(console: Console, request: Request) -> int:
    """Measure, print the tables, write the files; return the exit code.

    Raises:
        OctetError: for a model or a browser that is not there, or a page that broke.
    """
    models = find_models(request.models)
    if request.with_peers:
        peers.install()
    with site.serve(models, with_peers=request.with_peers) as server, chromium() as browser:
        results = Results(describe_machine(browser.version))
        todo = [(model, _entries(request, model)) for model in models]
        columns = (TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn())
        with Progress(*columns, console=console, transient=True) as progress:
            total = sum(latency.steps(entries, request.rounds) for _, entries in todo)
            bar = progress.add_task("", total=total)
            for model, entries in todo:

                def on_step(step: str, model: Model = model) -> None:
                    progress.update(bar, advance=1, description=f"{model.name}: {step}")

                found, failed = latency.measure(
                    browser, server, model, entries, request.rounds, on_step
                )
                results.latency += found
                results.failed += failed
    for table in report.tables(results):
        console.print(table)
        console.print()
    if request.json:
        results.save(request.json)
    return 0


def _entries(request: Request, model: Model) -> list[Entry]:
    """Every engine that can load the model, as often as it is to be set up."""
    entries = []
    variants: Sequence[str | None] = request.variants or [None]
    peers = (*PEERS, *CLIENTS) if request.with_peers else ()
    engines = [engine for engine in peers if site.file_of(model, engine.model_format)]
    for threads in request.threads:
        entries += [Entry(OCTET.name, threads, variant) for variant in variants]
        entries += [Entry(engine.name, threads) for engine in engines]
    return entries
