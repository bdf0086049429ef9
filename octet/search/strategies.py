# SPDX-License-Identifier: Apache-2.0
"""How operators are chosen that stay out of 8 bits.

Operators are ranked by the error when each alone is in 8 bits: such errors are small and add up,
which the gains of leaving one out do not where another one spoils everything.

Greed (after Intel's accuracy-aware algorithm, as in POT and NNCF): operators are left out one after
the other until the loss is small enough; one that makes it worse is put back, and after some of
those the rest is ranked anew, by what leaving one out brings as things are. Bisection (after
Samsung ONE's mpqsolver): the loss may be e_all + ratio · (e_8 − e_all), between those of everything
left out and nothing, and the shortest prefix of an order of operators that keeps it is found in
log2 n steps.

Either ends with what it did not need: an operator that helps much for its milliseconds may be
chosen early, and be of no use once a larger one had to be chosen as well. So each is put back that
can be, the least valuable first.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from octet.quantize.quantize import Quantized
from octet.quantize.statistics import Report
from octet.search.candidates import Candidates
from octet.search.costs import Cost, cost
from octet.search.scores import METRICS, Evaluator, Score
from octet.search.times import Times

ORDERS = ("value", "damage", "front", "back")

PATIENCE = 3
"""Operators that made it worse before the rest is ranked anew."""

LEAST_SHARE = 0.01
"""Of the network's time in 8 bits: what leaving an operator out costs at least. Estimates are not
better than this, and some operators are faster in float."""


@dataclass(frozen=True)
class Goal:
    """What to look for; the fields are those of `SearchOptions`."""

    max_drop: float
    ratio: float | None
    order: str
    rank_records: int
    refine: bool


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

    def numbers(self) -> tuple[int, float, float]:
        """Return what is better the less it is: bytes, milliseconds, loss."""
        return self.cost.size, self.cost.ms, self.score.drop

    def beats(self, other: Point) -> bool:
        """Return whether this is as good in size, time and loss, and better in one of them."""
        no_worse = all(a <= b for a, b in zip(self.numbers(), other.numbers(), strict=True))
        return no_worse and self.numbers() != other.numbers()


@dataclass(frozen=True)
class Ranked:
    """An operator and what leaving it out brings and costs.

    Attributes:
        position: of the operator.
        score: over the records of the ranking, when it alone is in 8 bits.
        gain: its error, in the unit that adds up over operators (`Metric.power`).
        ms: what the network in 8 bits takes longer without it.
    """

    position: int
    score: Score
    gain: float
    ms: float

    def value(self) -> float:
        """Return the gain per millisecond; a loss is a loss, whatever it costs."""
        return self.gain / self.ms if self.gain > 0 else self.gain


class Searcher:
    """One search.

    Attributes:
        points: all that was tried, in order.
        ranking: the first one that was made.
        target: the loss that is accepted.
    """

    def __init__(
        self,
        made: Candidates,
        evaluator: Evaluator,
        times: Times,
        goal: Goal,
        confirm: Callable[[tuple[int, ...]], Quantized],
        report: Report | None,
    ) -> None:
        """Take what makes, scores and times candidates, and what makes the whole of one."""
        self._made, self._evaluator, self._times, self._goal = made, evaluator, times, goal
        self._quantize, self._report = confirm, report
        self._tried: dict[frozenset[int], Point] = {}
        self._confirmed: dict[tuple[int, ...], tuple[Quantized, Point]] = {}
        self.points: list[Point] = []
        self.ranking: list[Ranked] = []
        self.target = goal.max_drop

    def run(self) -> tuple[int, ...]:
        """Return the operators to leave out."""
        found = self._greedy() if self._goal.ratio is None else self._bisect(self._goal.ratio)
        return self._put_back(found) if self._goal.refine and len(found) > 1 else found

    def confirmed(self, left_out: tuple[int, ...]) -> tuple[Quantized, Point]:
        """Quantize in full, as the configuration will: a candidate's biases are nearly the same."""
        if left_out not in self._confirmed:
            made = self._quantize(left_out)
            point = Point(left_out, self._evaluator.score(made.model), self._cost(made))
            self._confirmed[left_out] = (made, point)
        return self._confirmed[left_out]

    # Strategies ----------------------------------------------------------------------------------

    def _greedy(self) -> tuple[int, ...]:
        chosen: tuple[int, ...] = ()
        best = self._try(chosen)
        if self._is_enough(best):
            return chosen
        waiting, ranked_for = self._order(chosen, self._made.positions), chosen
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
                waiting, ranked_for = self._order(chosen, [*waiting, *worse]), chosen
                worse = []
        for position in worse:  # alone none of them helps; all of them together are the float model
            chosen = (*chosen, position)
            if self._is_enough(self._try(chosen)):
                break
        return chosen

    def _bisect(self, ratio: float) -> tuple[int, ...]:
        order = self._order((), self._made.positions)
        nothing, everything = self._try(()), self._try(tuple(order))
        least = everything.score.drop
        self.target = least + ratio * (nothing.score.drop - least)
        if self._is_enough(nothing):
            return ()
        low, high = 0, len(order)
        while high - low > 1:
            middle = (low + high) // 2
            if self._try(tuple(order[:middle])).score.drop <= self.target:
                high = middle
            else:
                low = middle
        while high < len(order) and not self._is_enough(self._try(tuple(order[:high]))):
            high += 1
        return tuple(order[:high])

    def _put_back(self, chosen: tuple[int, ...]) -> tuple[int, ...]:
        """Return ``chosen`` without what is not needed, the least valuable tried first."""
        if self._try(chosen).score.drop > self.target:
            return chosen
        places = {one.position: i for i, one in enumerate(self.ranking)}
        kept = chosen
        for position in sorted(chosen, key=lambda p: -places.get(p, 0)):
            fewer = tuple(p for p in kept if p != position)
            point = self._try(fewer)
            if point.score.drop <= self.target and point.cost.ms <= self._try(kept).cost.ms:
                kept = fewer
        return kept if kept == chosen or self._is_enough(self._try(kept)) else chosen

    def _order(self, chosen: tuple[int, ...], positions: Sequence[int]) -> list[int]:
        """Return operators in the order in which they are to be left out."""
        if self._goal.order in ("front", "back"):
            return sorted(positions, reverse=self._goal.order == "back")
        if self._goal.order == "damage":
            ranked = sorted(self._rank(chosen, positions), key=lambda one: (-one.gain, one.ms))
        else:
            ranked = sorted(self._rank(chosen, positions), key=lambda one: -one.value())
        self.ranking = self.ranking or ranked
        return [one.position for one in ranked]

    def _rank(self, chosen: tuple[int, ...], positions: Sequence[int]) -> list[Ranked]:
        """Rank operators: alone in 8 bits, or alone left out where some are left out already."""
        count, wanted = self._evaluator.records, self._goal.rank_records
        subset = [i * count // wanted for i in range(wanted)]
        before = self._made.model(chosen)
        ms, least = (
            self._times.model(before),
            LEAST_SHARE * self._times.model(self._made.base.model),
        )
        energy = self._energy(self._evaluator.score(before, subset)) if chosen else 0.0
        ranked = []
        for number, position in enumerate(positions, 1):
            without = self._made.model((*chosen, position))
            longer = max(self._times.model(without) - ms, least)
            if chosen:
                score = self._evaluator.score(without, subset)
                gain = energy - self._energy(score)
            else:
                others = [p for p in self._made.positions if p != position]
                score = self._evaluator.score(self._made.model(others), subset)
                gain = self._energy(score)
            ranked.append(Ranked(position, score, gain, longer))
            if self._report:
                self._report("ranking", number, len(positions))
        return ranked

    def _energy(self, score: Score) -> float:
        power = METRICS[self._evaluator.metric].power
        return float(score.noise**2 if power is None else abs(score.drop) ** power)

    # Candidates ----------------------------------------------------------------------------------

    def _try(self, left_out: tuple[int, ...]) -> Point:
        key = frozenset(left_out)
        if key not in self._tried:
            model = self._made.model(left_out)
            taken = cost(model, self._made.ready.model, self._times)
            self._tried[key] = Point(left_out, self._evaluator.score(model), taken)
            self.points.append(self._tried[key])
            if self._report:
                self._report("configurations", len(self.points), len(self._made.positions) + 1)
        return self._tried[key]

    def _is_enough(self, point: Point) -> bool:
        """Return whether the loss is accepted, of the candidate and of what `quantize` makes."""
        if point.score.drop > self.target:
            return False
        return self.confirmed(point.left_out)[1].score.drop <= self.target

    def _cost(self, made: Quantized) -> Cost:
        return cost(made.model, self._made.ready.model, self._times)
