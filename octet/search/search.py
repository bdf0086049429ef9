# SPDX-License-Identifier: Apache-2.0
"""Accuracy-aware mixed precision: leaves out of 8 bits what costs the most accuracy.

Two strategies share one evaluator. Greedy (Intel's accuracy-aware algorithm, as in POT and NNCF):
operators are ranked by what the loss is less when they alone are left out, then left out one after
the other until the loss is small enough; one that makes it worse is put back, and after some of
those the rest is ranked anew. Bisection (Samsung ONE's mpqsolver): the loss may be e_all + ratio ·
(e_8 − e_all), between those of everything left out and nothing, and the shortest prefix of an order
of operators that keeps it is found in log2 n steps; the order is that of damage, or of depth from
either end as in ONE.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from octet.errors import OctetError
from octet.quantize.config import FLOAT, Config
from octet.quantize.data.source import Source
from octet.quantize.quantize import (
    Quantized,
    QuantizeOptions,
    Ready,
    make_ready,
    processors,
    quantize_ready,
)
from octet.quantize.statistics import Report
from octet.search.candidates import Candidates
from octet.search.costs import Cost, cost
from octet.search.scores import Evaluator, Score, default_metric
from octet.tflite.model import Model
from octet.tflite.types import Array

FALLBACKS = (FLOAT, "int16x8")
ORDERS = ("damage", "front", "back")

PATIENCE = 3
"""Operators that made it worse before the rest is ranked anew."""


@dataclass(frozen=True)
class SearchOptions:
    """What to look for.

    Attributes:
        metric: a key of METRICS; "" takes what suits the model, see `default_metric`.
        max_drop: the loss that is accepted.
        ratio: instead, the share of the way from the least loss to that of 8 bits; 0 to 1.
        order: of bisection, one of ORDERS.
        fallback: one of FALLBACKS: what operators become that are left out.
        rank_records: how many records the ranking looks at, evenly spread.
        quantize: the configuration to start from, ranges, bias correction, equalization.
    """

    metric: str = ""
    max_drop: float = 0.01
    ratio: float | None = None
    order: str = "damage"
    fallback: str = FLOAT
    rank_records: int = 32
    quantize: QuantizeOptions = field(
        default_factory=lambda: QuantizeOptions(bias_correction="fast")
    )


@dataclass(frozen=True)
class Point:
    """A configuration that was tried.

    Attributes:
        left_out: operators, in the order in which they were left out.
        score: over all records.
        cost: what it takes.
    """

    left_out: tuple[int, ...]
    score: Score
    cost: Cost


@dataclass(frozen=True)
class SearchResult:
    """What was found.

    Attributes:
        config: for `quantize_model`.
        quantized: the model that it makes.
        chosen: what it costs and loses.
        points: all that was tried, in order.
        ranking: operators by their damage, worst first, with the loss when they are left out alone.
        names: of the operators by position.
        metric: what was used.
        target: the loss that was accepted.
    """

    config: Config
    quantized: Quantized
    chosen: Point
    points: list[Point]
    ranking: list[tuple[int, Score]]
    names: dict[int, str]
    metric: str
    target: float

    def met(self) -> bool:
        """Return whether the loss is accepted."""
        return self.chosen.score.drop <= self.target

    def frontier(self) -> list[Point]:
        """Return the points that no other beats in both size and loss, smallest file first."""
        ordered = sorted(self.points, key=lambda point: (point.cost.size, point.score))
        best: list[Point] = []
        for point in ordered:
            if not best or point.score < best[-1].score:
                best.append(point)
        return best


def search_model(
    model: Model,
    source: Source,
    options: SearchOptions | None = None,
    *,
    evaluation: Source | None = None,
    labels: Array | None = None,
    cache: Path | None = None,
    report: Report | None = None,
) -> SearchResult:
    """Find what to leave out of 8 bits.

    Args:
        model: a float model; it stays as it is.
        source: representative records, for ranges.
        options: what to look for.
        evaluation: records on which the loss is measured; ``source`` if None. They are those of
            the float model.
        labels: int64[records of evaluation], the right classes.
        cache: where the ranges of each record are kept.
        report: told of progress.

    Raises:
        OctetError: for options that do not fit one another or the model.
        DataError: for a record that does not fit.
    """
    options = options or SearchOptions()
    _check(options)
    ready = make_ready(model, options.quantize, source, cache=cache, report=report)
    metric = options.metric or ("nrmse" if options.ratio is not None else "")
    metric = metric or default_metric(ready.model, labels)
    with Evaluator(
        ready.model,
        evaluation or source,
        ready.inputs,
        metric,
        labels,
        threads=processors(),
        report=report,
    ) as evaluator:
        return _Search(ready, source, options, evaluator, report).run()


def _check(options: SearchOptions) -> None:
    if options.fallback not in FALLBACKS:
        raise OctetError(f"fallback: got {options.fallback!r}, expected one of {FALLBACKS}.")
    if options.order not in ORDERS:
        raise OctetError(f"order: got {options.order!r}, expected one of {ORDERS}.")
    if options.ratio is not None and not 0 <= options.ratio <= 1:
        raise OctetError(f"ratio: got {options.ratio:g}, expected 0 to 1.")
    if options.max_drop < 0 or options.rank_records < 1:
        raise OctetError("max drop: expected 0 or more; records to rank by: expected 1 or more.")


class _Search:
    """One search."""

    def __init__(
        self,
        ready: Ready,
        source: Source,
        options: SearchOptions,
        evaluator: Evaluator,
        report: Report | None,
    ) -> None:
        self._ready, self._source, self._options = ready, source, options
        self._evaluator, self._report = evaluator, report
        self._made = Candidates(ready, options.quantize, source, options.fallback, report)
        self._points: list[Point] = []
        self._confirmed: dict[tuple[int, ...], tuple[Quantized, Point]] = {}
        self._ranking: list[tuple[int, Score]] = []
        self._target = options.max_drop

    def run(self) -> SearchResult:
        if self._options.ratio is not None:
            left_out = self._bisect(self._options.ratio)
        else:
            left_out = self._greedy()
        quantized, chosen = self._confirm(left_out)
        return SearchResult(
            config=self._made.config(left_out),
            quantized=quantized,
            chosen=chosen,
            points=self._points,
            ranking=self._ranking,
            names={position: self._made.name(position) for position in self._made.positions},
            metric=self._evaluator.metric,
            target=self._target,
        )

    # Strategies ----------------------------------------------------------------------------------

    def _greedy(self) -> tuple[int, ...]:
        chosen: tuple[int, ...] = ()
        best = self._try(chosen)
        if self._is_enough(best):
            return chosen
        waiting, ranked_for = self._rank(chosen, self._made.positions), chosen
        worse: list[int] = []
        while waiting:
            position = waiting.pop(0)
            point = self._try((*chosen, position))
            if point.score < best.score:
                chosen, best = point.left_out, point
                if self._is_enough(best):
                    return chosen
                continue
            worse.append(position)
            if len(worse) >= PATIENCE and ranked_for != chosen:
                waiting, ranked_for = self._rank(chosen, [*waiting, *worse]), chosen
                worse = []
        for position in worse:  # alone none of them helps; all of them together are the float model
            chosen = (*chosen, position)
            if self._is_enough(self._try(chosen)):
                break
        return chosen

    def _bisect(self, ratio: float) -> tuple[int, ...]:
        positions = self._made.positions
        if self._options.order == "damage":
            order = self._rank((), positions)
        else:
            order = positions if self._options.order == "front" else positions[::-1]
        nothing, everything = self._try(()), self._try(tuple(order))
        least = everything.score.drop
        self._target = least + ratio * (nothing.score.drop - least)
        if nothing.score.drop <= self._target:
            return ()
        low, high = 0, len(order)
        while high - low > 1:
            middle = (low + high) // 2
            if self._try(tuple(order[:middle])).score.drop <= self._target:
                high = middle
            else:
                low = middle
        return tuple(order[:high])

    def _rank(self, chosen: tuple[int, ...], positions: Sequence[int]) -> list[int]:
        """Return operators, the one first whose being left out helps the most."""
        count = self._evaluator.records
        wanted = min(count, self._options.rank_records)
        subset = [i * count // wanted for i in range(wanted)]
        scored = []
        for number, position in enumerate(positions, 1):
            model = self._made.model((*chosen, position))
            scored.append((position, self._evaluator.score(model, subset)))
            if self._report:
                self._report("ranking", number, len(positions))
        scored.sort(key=lambda one: one[1])
        self._ranking = self._ranking or scored
        return [position for position, _ in scored]

    # Candidates ----------------------------------------------------------------------------------

    def _try(self, left_out: tuple[int, ...]) -> Point:
        model = self._made.model(left_out)
        point = Point(left_out, self._evaluator.score(model), cost(model, self._ready.model))
        self._points.append(point)
        if self._report:
            self._report("configurations", len(self._points), len(self._made.positions) + 1)
        return point

    def _is_enough(self, point: Point) -> bool:
        """Return whether the loss is accepted, of the candidate and of what `quantize` makes."""
        if point.score.drop > self._target:
            return False
        return self._confirm(point.left_out)[1].score.drop <= self._target

    def _confirm(self, left_out: tuple[int, ...]) -> tuple[Quantized, Point]:
        """Quantize in full, as the configuration will: a candidate's biases are nearly the same."""
        if left_out not in self._confirmed:
            options = replace(self._options.quantize, config=self._made.config(left_out))
            made = quantize_ready(self._ready, options, self._source)
            point = Point(
                left_out, self._evaluator.score(made.model), cost(made.model, self._ready.model)
            )
            self._confirmed[left_out] = (made, point)
        return self._confirmed[left_out]
