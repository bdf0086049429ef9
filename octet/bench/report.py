# SPDX-License-Identifier: Apache-2.0
"""Results as tables on the terminal."""

from __future__ import annotations

from collections.abc import Iterator

from rich.table import Table

from octet.bench.results import Results


def tables(results: Results) -> Iterator[Table]:
    """Return a table for each kind of result that there is."""
    if results.latency:
        yield _latency(results)
    if results.startup:
        yield _startup(results)
    if results.micro:
        yield _micro(results)
    if results.failed:
        yield _failed(results)


def _latency(results: Results) -> Table:
    table = Table("model", "engine", "variant", box=None, pad_edge=False)
    for name in ("threads", "median ms", "min", "max", "ratio"):
        table.add_column(name, justify="right")
    table.add_column("to")
    for name in ("load ms", "first", "difference"):
        table.add_column(name, justify="right")
    table.add_column("")
    previous = None
    for row in sorted(results.latency, key=lambda row: (row.model, row.threads)):
        if previous not in (None, (row.model, row.threads)):
            table.add_row()
        other = results.reference_of(row)
        compared = other is not None and other is not row
        ratio = f"{row.ratio_to(other):.2f}" if other and compared else ""
        table.add_row(
            row.model if previous != (row.model, row.threads) else "",
            row.engine,
            row.variant or "",
            str(row.threads),
            f"{row.median_ms:.2f}",
            f"{row.min_ms:.2f}",
            f"{row.max_ms:.2f}",
            ratio,
            other.engine if other and compared else "",
            f"{row.init_ms + row.compile_ms:.0f}",
            f"{row.first_ms:.0f}",
            "" if row.difference is None else f"{row.difference:.3g}",
            row.note,
        )
        previous = (row.model, row.threads)
    return table


def _startup(results: Results) -> Table:
    table = Table("starts", "engine", box=None, pad_edge=False)
    numbers = ("cold ms", "min", "max", "warm ms", "min", "max")
    parts = ("scripts", "init", "compile", "first run")
    for name in ("threads", *numbers, *parts, "kB", "brotli kB", "peak MB"):
        table.add_column(name, justify="right")
    sizes = {(row.model, row.engine, row.threads): row for row in results.size}
    peaks = {(row.model, row.engine, row.threads): row.peak_mb for row in results.memory}
    for row in results.startup:
        key = (row.model, row.engine, row.threads)
        times = (row.cold_ms, row.cold_min_ms, row.cold_max_ms)
        again = (row.warm_ms, row.warm_min_ms, row.warm_max_ms)
        size = sizes[key]
        table.add_row(
            row.model,
            row.engine,
            str(row.threads),
            *(f"{value:.0f}" for value in (*times, *again, *row.parts_ms.values())),
            f"{size.raw_bytes / 1e3:,.0f}",
            f"{size.brotli_bytes / 1e3:,.0f}",
            f"{peaks[key]:.0f}" if key in peaks else "",
        )
    return table


def _micro(results: Results) -> Table:
    table = Table("layers of", "variant", "kernel", "output", box=None, pad_edge=False)
    for name in ("depth", "layers", "ms each", "ms", "GMAC/s", "ceiling", "of it"):
        table.add_column(name, justify="right")
    for row in results.micro:
        limit = row.ceiling_gmacs
        table.add_row(
            row.model,
            row.variant,
            row.kernel,
            "x".join(map(str, row.shape)),
            str(row.depth),
            str(row.layers),
            f"{row.ms:.3f}",
            f"{row.ms * row.layers:.3f}",
            f"{row.gmacs:.1f}",
            f"{limit:.0f}" if limit else "",
            f"{row.gmacs / limit:.0%}" if limit else "",
        )
    return table


def _failed(results: Results) -> Table:
    table = Table("failed", "model", "threads", "because", box=None, pad_edge=False)
    for row in results.failed:
        table.add_row(row.engine, row.model, str(row.threads), row.error)
    return table
