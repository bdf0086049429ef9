# SPDX-License-Identifier: Apache-2.0
"""Searches on networks that are small enough to try everything: the right answer is known."""

from __future__ import annotations

from functools import cache
from itertools import combinations

import pytest

from octet.quantize.config import Config, LayerRule
from octet.quantize.quantize import Quantized, QuantizeOptions, make_ready, quantize_ready
from octet.search.candidates import Candidates
from octet.search.scores import Evaluator, Score
from octet.search.strategies import Goal, Searcher
from octet.search.times import Times
from octet.tflite.model import Model
from tests.quantize.networks import ONE_JOB, Net, random_records

FLOATS = Config(layers=(LayerRule(type="ADD", dtype="float32"),))
OPTIONS = QuantizeOptions(config=FLOATS, record=ONE_JOB)

TIMES = Times(
    {"CONV_2D of pictures 8bit": (1.0, 0.0), "CONV_2D of pictures float32": (4.0, 0.0)}, {}, "test"
)
"""A multiplication costs 1 ns or 4 ns, and nothing else anything."""


def sum_of_branches() -> Model:
    """Convolutions side by side, whose sum is the output.

    One channel's bias stretches the range of a branch, and so its rounding; the kernel makes its
    time. Errors add up, additions stay in float: nearly a knapsack.
    """
    net = Net("branches", seed=11)
    x = net.input("x", 1, 8, 8, 4)
    total = -1
    for i, (kernel, range_) in enumerate([(5, 60), (1, 55), (3, 40), (1, 20), (5, 15), (3, 8)]):
        out = net.conv(f"branch{i}", x, 4, kernel)
        bias = net.model.operators[-1].inputs[2]
        value = net.model.constant(bias)
        assert value is not None
        value = value.copy()
        value[i % 4] += range_
        net.model.operators[-1].inputs[2] = net.constant(f"bias{i}", value)
        total = out if total < 0 else net.add(f"sum{i}", total, out)
    return net.finish(total)


@cache
def candidates() -> Candidates:
    model = sum_of_branches()
    return Candidates(
        make_ready(model, OPTIONS, random_records(model)), OPTIONS, random_records(model)
    )


def evaluator() -> Evaluator:
    made = candidates()
    source = random_records(sum_of_branches(), 6, seed=9)
    return Evaluator(made.ready.model, source, made.ready.inputs, "mse")


@cache
def everything() -> dict[tuple[int, ...], tuple[Score, float]]:
    """Loss and milliseconds of every set of operators."""
    made = candidates()
    found = {}
    with evaluator() as scores:
        for count in range(len(made.positions) + 1):
            for chosen in combinations(made.positions, count):
                model = made.model(chosen)
                found[chosen] = (scores.score(model), TIMES.model(model))
    return found


def best(target: float) -> float:
    """The least milliseconds at which a loss can be had."""
    return min(ms for score, ms in everything().values() if score.drop <= target)


def confirm(left_out: tuple[int, ...]) -> Quantized:
    made = candidates()
    options = QuantizeOptions(config=made.config(left_out), record=ONE_JOB)
    return quantize_ready(made.ready, options)


def search(order: str, target: float | None, ratio: float | None, refine: bool = True) -> float:
    """The milliseconds of what the search chooses; it must keep its target."""
    with evaluator() as scores:
        goal = Goal(target or 0.0, ratio, order, 6, refine)
        found = Searcher(candidates(), scores, TIMES, goal, confirm, None)
        _, point = found.confirmed(found.run())
        assert point.score.drop <= found.target
        assert point.cost.ms == pytest.approx(everything()[tuple(sorted(point.left_out))][1])
        return point.cost.ms


SHARES = (0.9, 0.7, 0.5, 0.3, 0.2, 0.1, 0.05)
"""Of the loss of 8 bits, above that of everything in float."""


def target_of(share: float) -> float:
    made = candidates()
    return (
        share * everything()[()][0].drop + (1 - share) * everything()[tuple(made.positions)][0].drop
    )


@pytest.mark.parametrize("share", SHARES)
def test_the_fastest_that_is_good_enough_is_found(share: float) -> None:
    right = best(target_of(share))
    assert search("value", target_of(share), None) == pytest.approx(right)
    assert search("value", None, share) == pytest.approx(right)


def test_operators_are_ranked_by_the_error_of_each_alone() -> None:
    made = candidates()
    with evaluator() as scores:
        goal = Goal(target_of(0.5), None, "damage", 6, refine=False)
        found = Searcher(made, scores, TIMES, goal, confirm, None)
        found.run()
    gains = [one.gain for one in found.ranking]
    assert gains == sorted(gains, reverse=True)
    for one in found.ranking:
        others = tuple(p for p in made.positions if p != one.position)
        assert one.score == everything()[others][0]
        assert one.gain == one.score.drop  # of mean squares, which add up
        alone = everything()[(one.position,)][1] - everything()[()][1]
        assert one.ms == pytest.approx(alone)


def test_what_is_not_needed_is_put_back() -> None:
    target = target_of(0.3)
    assert search("value", target, None, refine=False) > 1.1 * best(target)


def test_damage_alone_says_nothing_of_time() -> None:
    target = target_of(0.7)
    assert search("damage", target, None) > 1.5 * best(target)
