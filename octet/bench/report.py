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


def _failed(results: Results) -> Table:
    table = Table("failed", "model", "threads", "because", box=None, pad_edge=False)
    for row in results.failed:
        table.add_row(row.engine, row.model, str(row.threads), row.error)
    return table
