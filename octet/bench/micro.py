# SPDX-License-Identifier: Apache-2.0
"""How fast octet's kernels are on a model's layers, beside what the CPU can do at most."""

from __future__ import annotations

import statistics
from collections.abc import Iterable
from typing import Any

from playwright.sync_api import Browser

from octet.bench import processes, site
from octet.bench.models import Model
from octet.bench.results import Micro
from octet.web.browser import open_page

RUNS = 30

CEILINGS: dict[str, dict[str, str | None]] = {
    "scalar": {"int": None, "float32": None},
    "simd": {"int": "i16 dot, add", "float32": "f32 mul, add"},
    "relaxed:none": {"int": "i16 dot, add", "float32": "f32 madd"},
    "relaxed:pairs": {"int": "i8 dot, i16 dot, add", "float32": "f32 madd"},
    "relaxed:unsigned": {"int": "i8 dot-add", "float32": "f32 madd"},
    "relaxed:signed": {"int": "i8 dot-add", "float32": "f32 madd"},
}
"""By variant and type of the layer, the instructions that its kernels are made of."""


def ceilings(browser: Browser, server: site.Site) -> dict[str, float]:
    """Return the GMAC/s of each sequence of instructions, without loads, on one thread."""
    script = "import('/bench/ceiling.js').then(({ceilings}) => ceilings())"
    page = open_page(browser)
    try:
        page.goto(f"{server.url}/bench/frame.html")
        processes.take_precedence()
        found: dict[str, float] = page.evaluate(script)
        return found
    finally:
        page.close()


def measure(
    browser: Browser,
    server: site.Site,
    model: Model,
    variant: str | None,
    limits: dict[str, float],
) -> list[Micro]:
    """Time the distinct layers of ``model`` that multiply and add, in the order of the model.

    Args:
        variant: octet's; None for its choice.
        limits: what `ceilings` found.
    """
    script = "(args) => import('/bench/layers.js').then(({layers}) => layers(...args))"
    page = open_page(browser)
    try:
        page.goto(f"{server.url}/bench/frame.html")
        processes.take_precedence()
        found = page.evaluate(script, [site.url_of(model, "tflite"), variant, RUNS])
    finally:
        page.close()
    facts = found["facts"]
    used = facts["variant"]
    if used == "relaxed":
        used = f"relaxed:{facts.get('dot', 'none')}"
    return [_row(model, used, group, limits) for group in _groups(found["steps"])]


def _groups(steps: Iterable[dict[str, Any]]) -> list[list[dict[str, Any]]]:
    """Steps of the same kernel and shape, together."""
    groups: dict[tuple[Any, ...], list[dict[str, Any]]] = {}
    for step in steps:
        if step["macs"]:
            key = (step["kernel"], step["macs"], *step["shape"])
            groups.setdefault(key, []).append(step)
    return list(groups.values())


def _row(
    model: Model, variant: str, steps: list[dict[str, Any]], limits: dict[str, float]
) -> Micro:
    step = steps[0]
    kind = "float32" if step["dataType"] == "float32" else "int"
    ceiling = limits.get(CEILINGS.get(variant, {}).get(kind) or "")
    elements = 1
    for size in step["shape"]:
        elements *= size
    milliseconds = float(statistics.median(step["ms"] for step in steps))
    rate = step["macs"] / milliseconds / 1e6 if milliseconds else 0.0
    return Micro(
        model=model.name,
        variant=variant,
        kernel=step["kernel"],
        shape=tuple(step["shape"]),
        depth=step["macs"] // elements,
        layers=len(steps),
        ms=round(milliseconds, 4),
        gmacs=round(rate, 2),
        ceiling_gmacs=round(ceiling, 1) if ceiling else None,
    )
