# SPDX-License-Identifier: Apache-2.0
"""``build.py bench``: what to measure, in which order, and where the results go."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from octet.bench import latency, micro, peers, render, report, site, startup
from octet.bench.engines import CLIENTS, OCTET, PEERS, Entry
from octet.bench.models import Model, find_models
from octet.bench.results import Results, describe_machine
from octet.web.browser import chromium

STARTED = ("mobilenet-v2-uint8", "mobilenet-v2-f32")
"""Whose starts are measured when nobody names a model."""

LAYERED = ("mobilenet-v2-uint8", "mobilenet-v2-int8", "mobilenet-v2-f32")
"""Whose kernels are measured when nobody names a model."""

FILE_COLUMNS = 200


@dataclass(frozen=True)
class Request:
    """What a call of the benchmark asks for.

    Attributes:
        models: names or paths; the demo networks if empty.
        with_peers: measure the peers beside octet.
        threads: thread counts.
        variants: octet's wasm files; empty for its choice.
        rounds: in which every engine has its turn; 0 for none.
        startup: measure starts, sizes and memory, too.
        micro: measure octet's kernels layer by layer, too.
        json: where the results go, too.
        render: write PERFORMANCE.md from the committed results, at the end.
    """

    models: Sequence[str]
    with_peers: bool
    threads: Sequence[int]
    variants: Sequence[str]
    rounds: int
    startup: bool
    micro: bool
    json: Path | None
    render: bool


def run(console: Console, request: Request) -> int:
    """Measure, print the tables, write the files; return the exit code.

    Raises:
        OctetError: for a model or a browser that is not there, or a page that broke.
    """
    if request.json or not request.render:
        _measure(console, request)
    if request.render:
        render.write_page()
        console.print(f"{render.PAGE} from {render.DATA}")
    return 0


def _measure(console: Console, request: Request) -> None:
    models = find_models(request.models)
    started = find_models(request.models or STARTED) if request.startup else []
    layered = find_models(request.models or LAYERED) if request.micro else []
    if request.with_peers:
        peers.install()
    with site.serve([*models, *started, *layered], with_peers=request.with_peers) as server:
        with chromium() as browser:
            results = Results(describe_machine(browser.version))
        if request.rounds:
            _measure_latency(console, request, server, models, results)
        if started:
            _measure_starts(console, request, server, started, results)
        if request.micro:
            _measure_kernels(console, request, server, layered, results)
    # A file holds longer lines than what rich takes for a terminal that it does not know.
    wide = console if console.is_terminal else Console(highlight=False, width=FILE_COLUMNS)
    for table in report.tables(results):
        wide.print(table)
        wide.print()
    if request.json:
        results.save(request.json)


def _measure_latency(
    console: Console,
    request: Request,
    server: site.Site,
    models: Sequence[Model],
    results: Results,
) -> None:
    todo = [(model, _entries(request, model)) for model in models]
    total = sum(latency.steps(entries, request.rounds) for _, entries in todo)
    with _progress(console) as progress, chromium() as browser:
        task = progress.add_task("", total=total)
        for model, entries in todo:
            found, failed = latency.measure(
                browser, server, model, entries, request.rounds, _advance(progress, task, model)
            )
            results.latency += found
            results.failed += failed


def _measure_starts(
    console: Console,
    request: Request,
    server: site.Site,
    models: Sequence[Model],
    results: Results,
) -> None:
    todo = [(model, _entries(request, model)) for model in models]
    total = sum(startup.steps(entries) for _, entries in todo)
    with _progress(console) as progress:
        task = progress.add_task("", total=total)
        for model, entries in todo:
            starts, sizes, memory, failed = startup.measure(
                server, model, entries, _advance(progress, task, model)
            )
            results.startup += starts
            results.size += sizes
            results.memory += memory
            results.failed += failed


def _measure_kernels(
    console: Console,
    request: Request,
    server: site.Site,
    models: Sequence[Model],
    results: Results,
) -> None:
    variants: Sequence[str | None] = request.variants or [None]
    with _progress(console) as progress, chromium() as browser:
        task = progress.add_task("ceilings", total=len(models) * len(variants))
        limits = micro.ceilings(browser, server)
        results.ceilings = {name: round(value, 1) for name, value in limits.items()}
        for model in models:
            for variant in variants:
                _advance(progress, task, model)("layers")
                results.micro += micro.measure(browser, server, model, variant, limits)


def _progress(console: Console) -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn())
    return Progress(*columns, console=console, transient=True)


def _advance(progress: Progress, task: TaskID, model: Model) -> Callable[[str], None]:
    def on_step(step: str) -> None:
        progress.update(task, advance=1, description=f"{model.name}: {step}")

    return on_step


def _entries(request: Request, model: Model) -> list[Entry]:
    """Every engine that can load the model, as often as it is to be set up."""
    entries = []
    variants: Sequence[str | None] = request.variants or [None]
    others = (*PEERS, *CLIENTS) if request.with_peers else ()
    engines = [engine for engine in others if site.file_of(model, engine.model_format)]
    for threads in request.threads:
        entries += [Entry(OCTET.name, threads, variant) for variant in variants]
        entries += [Entry(engine.name, threads) for engine in engines]
    return entries
