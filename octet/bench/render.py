# SPDX-License-Identifier: Apache-2.0
"""PERFORMANCE.md from the committed results."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jinja2

from octet.bench import latency, startup, targets
from octet.bench.engines import ENGINES, Entry
from octet.bench.results import Failure, Latency, Results
from octet.toolchain.paths import ROOT

DATA = ROOT / "docs/performance.json"
PAGE = ROOT / "PERFORMANCE.md"
TEMPLATE = Path(__file__).parent / "performance.md.j2"


def write_page() -> None:
    """Render PERFORMANCE.md from docs/performance.json. Raises OctetError if that is not there."""
    PAGE.write_text(render(Results.load(DATA)))


def render(results: Results) -> str:
    """Return the page."""
    environment = jinja2.Environment(
        undefined=jinja2.StrictUndefined, keep_trailing_newline=True, autoescape=False
    )
    return environment.from_string(TEMPLATE.read_text()).render(
        machine=results.machine,
        runs_per_round=latency.RUNS,
        sittings=latency.SITTINGS,
        runs_after=startup.RUNS_AFTER,
        latency=[_latency(results, model) for model in _models(results.latency)],
        notes=_notes(results),
        failed=_failed(results.failed),
        checks=[_check(check) for check in targets.checks(results)],
        starts=_starts(results),
        micro=_micro(results),
        ceilings=", ".join(f"{name} {value:.0f}" for name, value in results.ceilings.items()),
    )


def _models(rows: Sequence[Any]) -> list[str]:
    return list(dict.fromkeys(row.model for row in rows))


def _latency(results: Results, model: str) -> dict[str, Any]:
    rows = [row for row in results.latency if row.model == model]
    threads = sorted({row.threads for row in rows})
    by_entry = {row.entry: row for row in rows}
    kinds = dict.fromkeys((row.engine, row.version, row.variant) for row in rows)
    return {
        "model": model,
        "threads": threads,
        "rows": [
            {
                "engine": f"{engine} {version}" + (f" ({variant})" if variant else ""),
                "cells": [
                    _cell(results, by_entry.get(Entry(engine, count, variant))) for count in threads
                ],
            }
            for engine, version, variant in kinds
        ],
    }


def _cell(results: Results, row: Latency | None) -> dict[str, str]:
    if row is None:
        return {"time": "", "ratio": ""}
    other = results.reference_of(row)
    ratio = f"{row.ratio_to(other):.2f}" if other and other is not row else ""
    if ratio and ENGINES[row.engine].on_octet:
        ratio = f"**{ratio}**"
    return {"time": f"{row.median_ms:.2f} ({row.min_ms:.2f}–{row.max_ms:.2f})", "ratio": ratio}


def _notes(results: Results) -> str:
    notes = dict.fromkeys((row.engine, row.model, row.note) for row in results.latency if row.note)
    return " ".join(f"On {model}, {engine} {note}." for engine, model, note in notes)


def _failed(failures: Sequence[Failure]) -> list[dict[str, str]]:
    """One row for the models on which an engine says the same."""
    models: dict[tuple[str, str], dict[str, None]] = {}
    for row in failures:
        error = " ".join(row.error.split()).replace("|", "\\|")
        models.setdefault((f"{row.engine} {row.version}", error), {})[row.model] = None
    return [
        {"engine": engine, "models": ", ".join(names), "error": error}
        for (engine, error), names in models.items()
    ]


def _check(check: targets.Check) -> dict[str, str]:
    bound = "≤" if check.at_most else "≥"
    return {
        "name": check.name,
        "wanted": f"{bound} {check.wanted:g}",
        "got": f"{check.got:.3g}",
        "verdict": "" if check.is_met else f"missed by {abs(check.got / check.wanted - 1):.0%}",
    }


def _starts(results: Results) -> list[dict[str, str]]:
    sizes = {(row.model, row.engine, row.threads): row for row in results.size}
    peaks = {(row.model, row.engine, row.threads): row.peak_mb for row in results.memory}
    rows = []
    for row in results.startup:
        key = (row.model, row.engine, row.threads)
        rows.append(
            {
                "model": row.model,
                "engine": row.engine,
                "version": row.version,
                "threads": str(row.threads),
                "cold": f"{row.cold_ms:.0f} ({row.cold_min_ms:.0f}–{row.cold_max_ms:.0f})",
                "warm": f"{row.warm_ms:.0f} ({row.warm_min_ms:.0f}–{row.warm_max_ms:.0f})",
                "raw": f"{sizes[key].raw_bytes / 1e3:,.0f}",
                "brotli": f"{sizes[key].brotli_bytes / 1e3:,.0f}",
                "peak": f"{peaks[key]:.0f}" if key in peaks else "",
            }
        )
    return rows


def _micro(results: Results) -> list[dict[str, Any]]:
    tables: dict[tuple[str, str], list[dict[str, str]]] = {}
    for row in results.micro:
        limit = row.ceiling_gmacs
        tables.setdefault((row.model, row.variant), []).append(
            {
                "kernel": f"`{row.kernel}`",
                "shape": "×".join(map(str, row.shape)),
                "depth": str(row.depth),
                "layers": str(row.layers),
                "ms": f"{row.ms * row.layers:.3f}",
                "rate": f"{row.gmacs:.1f}",
                "share": f"{row.gmacs / limit:.0%}" if limit else "",
            }
        )
    return [
        {"model": model, "variant": variant, "rows": rows}
        for (model, variant), rows in tables.items()
    ]
