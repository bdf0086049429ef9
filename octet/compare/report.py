# SPDX-License-Identifier: Apache-2.0
"""Draws a comparison as a page that needs no other file: graph, outputs, layers, distributions."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from octet.codegen.render import render
from octet.compare.comparison import (
    Comparison,
    LayerReport,
    OutputReport,
    decibel_text,
    short_name,
)
from octet.compare.layout import HEIGHT, WIDTH, Box, lay_out

TEMPLATE = Path(__file__).with_name("report.html.j2")

SLOTS = 9
"""Colours between the least and the greatest error, as in visq."""

PICTURE = (96, 28)
"""Width and height of a histogram's coordinates."""


@dataclass(frozen=True)
class Metric:
    """What the graph can be coloured by.

    Attributes:
        key: in the page.
        title: for people.
        value: of a layer, None where there is none.
        text: of a value.
        rising: whether greater is worse.
    """

    key: str
    title: str
    value: Callable[[LayerReport], float | None]
    text: Callable[[float], str]
    rising: bool = True


METRICS = (
    Metric("sqnr", "SQNR", lambda layer: layer.errors.sqnr, decibel_text, rising=False),
    Metric("lost", "dB lost here", lambda layer: layer.lost, lambda v: f"{v:.1f} dB"),
    Metric("srmse", "SRMSE (steps)", lambda layer: layer.srmse, lambda v: f"{v:.3g}"),
    Metric("mpeir", "MPEIR", lambda layer: layer.errors.mpeir, lambda v: f"{v:.3g}"),
    Metric("tae", "TAE", lambda layer: layer.errors.tae, lambda v: plain(v)),
)


def plain(value: float) -> str:
    """Return three digits, and no powers of ten for what has more before the point."""
    return f"{value:,.0f}" if 1000 <= value < 1e9 else f"{value:.3g}"


def render_report(found: Comparison) -> str:
    """Return the page as HTML."""
    slots = {metric.key: _slots(found.layers, metric) for metric in METRICS}
    rows = [
        _row(number, layer, {key: values[number] for key, values in slots.items()})
        for number, layer in enumerate(found.layers)
    ]
    rows.sort(key=lambda row: row["sqnr"])
    drawing = lay_out(found.graph)
    decisions = [output.classes for output in found.outputs]
    accuracy = any(one is not None and one.accuracy_a is not None for one in decisions)
    places = {layer.pair.a: number for number, layer in enumerate(found.layers)}
    by_number = {row["number"]: row for row in rows}
    return render(
        TEMPLATE,
        found=found,
        outputs=[_output(output, accuracy) for output in found.outputs],
        rows=rows,
        nodes=[_node(box, by_number.get(places.get(box.tensor, -1))) for box in drawing.boxes],
        drawing=drawing,
        box=(WIDTH, HEIGHT),
        picture=PICTURE,
        slots=range(SLOTS),
        metrics=[(metric.key, metric.title, *_ends(found.layers, metric)) for metric in METRICS],
        parting=[
            ("First layer that is not equal", _place(found, found.first_difference)),
            (f"First layer with {found.rule}", _place(found, found.first_divergence)),
        ],
    )


def _slots(layers: Sequence[LayerReport], metric: Metric) -> list[int | None]:
    """Return each layer's colour, 0 the best; exact and unknown values are outside of the scale."""
    low, high = _range(layers, metric)
    found: list[int | None] = []
    for layer in layers:
        value = metric.value(layer)
        if value is None or math.isnan(value):
            found.append(None)
            continue
        share = (min(max(value, low), high) - low) / (high - low) if high > low else 0.0
        share = share if metric.rising else 1 - share
        found.append(0 if high == low else min(SLOTS - 1, int(share * SLOTS)))
    return found


def _range(layers: Sequence[LayerReport], metric: Metric) -> tuple[float, float]:
    values = [value for layer in layers if (value := metric.value(layer)) is not None]
    values = [value for value in values if math.isfinite(value)] or [0.0]
    return min(values), max(values)


def _ends(layers: Sequence[LayerReport], metric: Metric) -> tuple[str, str]:
    """Return the best and the worst value as text."""
    low, high = (metric.text(value) for value in _range(layers, metric))
    return (low, high) if metric.rising else (high, low)


def _row(number: int, layer: LayerReport, slots: dict[str, int | None]) -> dict[str, Any]:
    a, b = layer.dtype
    errors, spread = layer.errors, layer.spread
    texts = {}
    for metric in METRICS:
        value = metric.value(layer)
        texts[metric.key] = "" if value is None else metric.text(value)
    return {
        "number": number,
        "operator": layer.pair.operator,
        "kind": layer.pair.kind,
        "name": layer.name,
        "short": short_name(layer.name),
        "shape": " × ".join(map(str, layer.shape)),
        "types": a if a == b else f"{a} → {b}",
        "slots": {key: slot for key, slot in slots.items() if slot is not None},
        "texts": texts,
        "sqnr": errors.sqnr,
        "numbers": {m.key: m.value(layer) for m in METRICS},
        "differing": f"{errors.differing:.2%}",
        "largest": f"{errors.largest:.4g}",
        "cosine": f"{errors.cosine:.5f}",
        "steps": layer.steps,
        "spread": spread
        and {
            "low": f"{spread.low:.3g}",
            "high": f"{spread.high:.3g}",
            "reach": f"{spread.reach:.3g}",
            "reference": bars(spread.reference, spread.found),
            "found": bars(spread.found, spread.reference),
            "errors": bars(spread.errors),
        },
    }


def bars(counts: Sequence[int], beside: Sequence[int] = ()) -> str:
    """Return the outline of a histogram as path data; heights are square roots, to show tails.

    Args:
        counts: of the bins.
        beside: of another histogram that is drawn at the same scale.
    """
    width, height = PICTURE
    top = math.sqrt(max((*counts, *beside, 1)))
    path = [f"M0 {height}"]
    for number, count in enumerate(counts, 1):
        y = height - height * math.sqrt(count) / top
        path.append(f"V{y:.1f}H{number * width / len(counts):g}")
    return "".join(path) + f"V{height}Z"


def _node(box: Box, row: dict[str, Any] | None) -> dict[str, Any]:
    return {"box": box, "row": row}


def _place(found: Comparison, index: int | None) -> dict[str, Any] | None:
    if index is None:
        return None
    layer = found.layers[index]
    return {"number": index, "kind": layer.pair.kind, "short": short_name(layer.name)}


def _output(output: OutputReport, accuracy: bool) -> dict[str, Any]:
    errors, classes = output.errors, output.classes
    cells = [
        ("MAE", f"{errors.mae:.4g}"),
        ("MAPE", f"{errors.mape:.2%}"),
        ("MSE", f"{errors.mse:.4g}"),
        ("MPEIR", f"{errors.mpeir:.4f}"),
        ("SQNR", decibel_text(errors.sqnr)),
        ("Cosine", f"{errors.cosine:.5f}"),
        ("Same first class", _share(classes.top1 if classes else None)),
        ("First among five", _share(classes.top5 if classes else None)),
    ]
    if accuracy:
        cells.append(("Accuracy, reference", _share(classes.accuracy_a if classes else None)))
        cells.append(("Accuracy, other", _share(classes.accuracy_b if classes else None)))
    return {"name": short_name(output.name), "shape": output.shape, "cells": cells}


def _share(value: float | None) -> str:
    return "–" if value is None else f"{value:.2%}"
