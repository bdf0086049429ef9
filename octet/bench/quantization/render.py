# SPDX-License-Identifier: Apache-2.0
"""docs/QUANTIZATION.md and docs/QUANTIZING.md from the committed results."""

from __future__ import annotations

import statistics
from pathlib import Path
from typing import Any

import jinja2

from octet.bench.quantization.networks import NETWORKS
from octet.bench.quantization.results import Accuracy, Recording, Results
from octet.bench.quantization.speed import ratio
from octet.toolchain.paths import ROOT

DATA = ROOT / "docs/quantization.json"
PAGE = ROOT / "docs/QUANTIZATION.md"
GUIDE = ROOT / "docs/QUANTIZING.md"
TEMPLATES = Path(__file__).parent


def write_pages() -> None:
    """Render both pages from docs/quantization.json. Raises OctetError if that is not there."""
    results = Results.load(DATA)
    PAGE.write_text(render(results))
    GUIDE.write_text(render_guide(results))


def render_guide(results: Results) -> str:
    """Return the guide for users, with the numbers of the first network."""
    rows = {
        (row.dtype, row.setting): row
        for row in results.accuracy
        if row.network == NETWORKS[0].name and row.quantizer in ("octet", "as published")
    }
    names = {
        ("float32", ""): "float32",
        ("int8", "fast bias correction"): "int8, as above",
        ("uint8", "equalize + fast bias correction"): "uint8, with `--dtype uint8`",
        ("int16x8", "fast bias correction"): "int16x8, with `--dtype int16x8`",
    }
    return _template("quantizing.md.j2").render(
        summary=[{**_accuracy(rows[key], None), "name": name} for key, name in names.items()],
        plain_uint8=f"{rows['uint8', 'plain'].top1:.1f}",
    )


def _template(name: str) -> jinja2.Template:
    environment = jinja2.Environment(
        undefined=jinja2.StrictUndefined, keep_trailing_newline=True, autoescape=False
    )
    return environment.from_string((TEMPLATES / name).read_text())


def render(results: Results) -> str:
    """Return the page of all measurements."""
    return _template("quantization.md.j2").render(
        machine=results.machine,
        cores=results.cores,
        networks=[_network(results, network.name, network.data) for network in NETWORKS],
        recording=recording_lines(results),
        rounds=max((len(row.seconds) for row in results.recording), default=0),
    )


def _network(results: Results, name: str, data: str) -> dict[str, Any]:
    rows = [row for row in results.accuracy if row.network == name]
    floats = next((row for row in rows if row.dtype == "float32"), None)
    return {
        "name": name,
        "data": data,
        "records": rows[0].records if rows else 0,
        "has_classes": bool(rows and rows[0].top1 is not None),
        "rows": [_accuracy(row, floats) for row in rows],
    }


def _accuracy(row: Accuracy, floats: Accuracy | None) -> dict[str, str]:
    change = ""
    if row.top1 is not None and floats is not None and floats.top1 is not None and row != floats:
        change = f"{row.top1 - floats.top1:+.2f}"
    own = row.quantizer == "octet"
    name = f"{row.quantizer} {row.version}".strip()
    return {
        "name": f"**{name}**" if own else name,
        "setting": row.setting,
        "type": f"{row.dtype}, per {row.granularity}" if row.granularity else row.dtype,
        "kilobytes": f"{row.bytes / 1000:,.0f}",
        "top1": "" if row.top1 is None else f"{row.top1:.2f}",
        "change": change,
        "agreement": f"{row.agreement:.2f}",
    }


def recording_lines(results: Results) -> list[tuple[str, ...]]:
    """Return network, recorder, threads, ms a record, time and CPU time by bare inference's."""
    lines: list[tuple[str, ...]] = []
    for row in results.recording:
        base = _bare(results, row)
        to_bare = ("", "") if base is row else (f"{ratio(row, base):.2f}", _cpu(row, base))
        name = (
            f"{row.recorder} {row.version}".strip() if row.recorder != "bare" else "bare inference"
        )
        per_record = 1000 * statistics.median(row.seconds) / row.records
        lines.append((row.network, name, str(row.threads), f"{per_record:.2f}", *to_bare))
    return lines


def _cpu(row: Recording, base: Recording) -> str:
    return f"{ratio(row, base, cpu=True):.2f}"


def _bare(results: Results, row: Recording) -> Recording:
    return next(
        other
        for other in results.recording
        if (other.network, other.recorder, other.threads) == (row.network, "bare", row.threads)
    )
