# SPDX-License-Identifier: Apache-2.0
"""Accuracy-aware mixed precision: leaves out of 8 bits what costs the most accuracy.

Two strategies share one evaluator, see `strategies`: greed until the loss is small enough, and
bisection of an order of operators. The order is that of value: the error when an operator alone is
in 8 bits, per millisecond that leaving it out takes; or of this error; or of depth from either end.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

from octet.errors import OctetError
from octet.quantize.config import FLOAT, Config
from octet.quantize.data.source import Source
from octet.quantize.quantize import (
    Quantized,
    QuantizeOptions,
    make_ready,
    processors,
    quantize_ready,
)
from octet.quantize.statistics import Report
from octet.search.candidates import Candidates
from octet.search.measure import measured_times
from octet.search.scores import Evaluator, default_metric
from octet.search.strategies import (
    ORDERS,
    Goal,
    Point,
    Ranked,
    Searcher,
)
from octet.search.times import Times, standard_times
from octet.tflite.model import Model
from octet.tflite.types import Array

FALLBACKS = (FLOAT, "int16x8")


@dataclass(frozen=True)
class SearchOptions:
    """What to look for.

    Attributes:
        metric: a key of METRICS; "" takes what suits the model, see `default_metric`.
        max_drop: the loss that is accepted.
        ratio: instead, the share of the way from the least loss to that of 8 bits; 0 to 1.
        order: in which operators are left out, one of ORDERS.
        refine: at the end, put back what is not needed after all.
        fallback: one of FALLBACKS: what operators become that are left out.
        rank_records: how many records the ranking looks at, evenly spread.
        measure: measure times of this network in headless Chromium; otherwise they are estimated
            from a table of measured ones.
        quantize: the configuration to start from, ranges, bias correction, equalization.
    """

    metric: str = ""
    max_drop: float = 0.01
    ratio: float | None = None
    order: str = ORDERS[0]
    refine: bool = True
    fallback: str = FLOAT
    rank_records: int = 32
    measure: bool = False
    quantize: QuantizeOptions = field(
        default_factory=lambda: QuantizeOptions(bias_correction="fast")
    )


@dataclass(frozen=True)
class SearchResult:
    """What was found.

    Attributes:
        config: for `quantize_model`.
        quantized: the model that it makes.
        chosen: what it costs and loses.
        points: all that was tried, in order.
        ranking: operators in the order of the search, the first one first; empty where none was
            needed.
        names: of the operators by position.
        metric: what was used.
        target: the loss that was accepted.
        times: where the times are from.
    """

    config: Config
    quantized: Quantized
    chosen: Point
    points: list[Point]
    ranking: list[Ranked]
    names: dict[int, str]
    metric: str
    target: float
    times: str

    def met(self) -> bool:
        """Return whether the loss is accepted."""
        return self.chosen.score.drop <= self.target

    def frontier(self) -> list[Point]:
        """Return the points that no other beats in size, time and loss, smallest file first."""
        best: list[Point] = []
        for point in sorted(self.points, key=lambda point: (point.numbers(), point.score.noise)):
            if not any(other.beats(point) for other in self.points):
                best += [] if best and best[-1].numbers() == point.numbers() else [point]
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
    made = Candidates(ready, options.quantize, source, options.fallback, report)
    times = _times(made) if options.measure else standard_times()
    with Evaluator(
        ready.model,
        evaluation or source,
        ready.inputs,
        metric,
        labels,
        threads=processors(),
        report=report,
    ) as evaluator:
        goal = Goal(
            options.max_drop,
            options.ratio,
            options.order,
            min(options.rank_records, evaluator.records),
            options.refine,
        )

        def confirm(left_out: tuple[int, ...]) -> Quantized:
            wanted = replace(options.quantize, config=made.config(left_out))
            return quantize_ready(ready, wanted, source)

        found = Searcher(made, evaluator, times, goal, confirm, report)
        left_out = found.run()
        quantized, chosen = found.confirmed(left_out)
        return SearchResult(
            config=made.config(left_out),
            quantized=quantized,
            chosen=chosen,
            points=found.points,
            ranking=found.ranking,
            names={position: made.name(position) for position in made.positions},
            metric=metric,
            target=found.target,
            times=times.source,
        )


def _times(made: Candidates) -> Times:
    """Return times of the network: float, in 8 bits, and in 8 bits by turns, which converts."""
    models = [made.ready.model, made.base.model, made.model(made.positions[::2])]
    return measured_times(models, standard_times())


def _check(options: SearchOptions) -> None:
    if options.fallback not in FALLBACKS:
        raise OctetError(f"fallback: got {options.fallback!r}, expected one of {FALLBACKS}.")
    if options.order not in ORDERS:
        raise OctetError(f"order: got {options.order!r}, expected one of {ORDERS}.")
    if options.ratio is not None and not 0 <= options.ratio <= 1:
        raise OctetError(f"ratio: got {options.ratio:g}, expected 0 to 1.")
    if options.max_drop < 0 or options.rank_records < 1:
        raise OctetError("max drop: expected 0 or more; records to rank by: expected 1 or more.")
