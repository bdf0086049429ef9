# SPDX-License-Identifier: Apache-2.0
"""What octet wants to reach, and how far it is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from octet.bench.engines import ENGINES, OCTET
from octet.bench.results import Latency, Results, Startup

PEER_RATIOS = {
    "mobilenet-v2-uint8": 0.52,
    "mobilenet-v2-int8": 0.62,
    "mobilenet-v2-f32": 0.80,
    "ssd-uint8": 0.52,
    "ssd-f32": 0.75,
    "deeplab-uint8": 0.52,
    "deeplab-f32": 0.70,
}
"""octet's time, as a share of the fastest peer's, at any thread count."""

CLIENT_RATIOS = {"mobilenet-v2-int8": 0.30, "mobilenet-v2-f32": 0.65}
"""ONNX Runtime Web's time on octet, as a share of that on its own kernels."""

SCALING = 1.85
"""How much faster two threads are than one."""

FLOAT_TWINS = {
    "mobilenet-v2-uint8": "mobilenet-v2-f32",
    "ssd-uint8": "ssd-f32",
    "deeplab-uint8": "deeplab-513-f32",
}
INTEGER_GAIN = 1.7
"""How much faster octet runs a network in uint8 than in float."""

STARTED = "mobilenet-v2-uint8"
START_RATIO = 0.35
"""octet's time from navigation to first result, as a share of the fastest peer's."""

BROTLI_BYTES = 120_000
"""JavaScript and the one wasm module that a page of octet fetches."""


@dataclass(frozen=True)
class Check:
    """A target and what was measured.

    Attributes:
        name: what is compared.
        wanted: the bound.
        at_most: whether `wanted` is an upper bound, else it is a lower one.
        got: what was measured.
    """

    name: str
    wanted: float
    at_most: bool
    got: float

    @property
    def is_met(self) -> bool:
        """Whether it is reached."""
        return self.got <= self.wanted if self.at_most else self.got >= self.wanted


def checks(results: Results) -> Iterator[Check]:
    """Return every target that ``results`` say something about."""
    yield from _ratios(results)
    yield from _scaling(results)
    yield from _integer_gains(results)
    yield from _starts(results)
    for size in results.size:
        if size.engine == OCTET.name and size.model == STARTED:
            yield Check("kB of a page, brotli", BROTLI_BYTES / 1e3, True, size.brotli_bytes / 1e3)
            return


def _ratios(results: Results) -> Iterator[Check]:
    for row in results.latency:
        if not ENGINES[row.engine].on_octet or row is not best_variant(results, row):
            continue
        bounds = PEER_RATIOS if row.engine == OCTET.name else CLIENT_RATIOS
        other = results.reference_of(row)
        if row.model in bounds and other:
            name = f"{row.model}, {row.threads}T: {row.engine} / {other.engine}"
            yield Check(name, bounds[row.model], True, row.ratio_to(other))


def _scaling(results: Results) -> Iterator[Check]:
    for row in results.latency:
        if row.engine != OCTET.name or row.threads != 2 or row.model not in PEER_RATIOS:
            continue
        for other in results.latency:
            alone = (row.model, row.engine, 1, row.variant)
            if (other.model, other.engine, other.threads, other.variant) == alone:
                gain = 1 / row.ratio_to(other)
                if row is best_variant(results, row):
                    yield Check(f"{row.model}: two threads for one", SCALING, False, gain)


def _integer_gains(results: Results) -> Iterator[Check]:
    best = {
        (row.model, row.threads): row
        for row in results.latency
        if row.engine == OCTET.name and row is best_variant(results, row)
    }
    for (model, threads), row in best.items():
        other = best.get((FLOAT_TWINS.get(model, ""), threads))
        if other:
            name = f"{model}, {threads}T: against {other.model}"
            yield Check(name, INTEGER_GAIN, False, other.median_ms / row.median_ms)


def _starts(results: Results) -> Iterator[Check]:
    starts = [row for row in results.startup if row.model == STARTED]
    ours = [row for row in starts if row.engine == OCTET.name]
    peers = [row for row in starts if not ENGINES[row.engine].on_octet]
    if not ours or not peers:
        return

    def fastest(rows: list[Startup], warm: bool) -> float:
        return min(row.warm_ms if warm else row.cold_ms for row in rows)

    for name, warm in (("first", False), ("second", True)):
        ratio = fastest(ours, warm) / fastest(peers, warm)
        yield Check(f"{STARTED}: start, {name} visit", START_RATIO, True, ratio)


def best_variant(results: Results, row: Latency) -> Latency:
    """Return the fastest of the variants of what ``row`` measured."""
    same = [
        other
        for other in results.latency
        if (other.model, other.engine, other.threads) == (row.model, row.engine, row.threads)
    ]
    return min(same, key=lambda other: other.median_ms)
