# SPDX-License-Identifier: Apache-2.0
"""Every operator in every kind against LiteRT: what holds, and how many elements differ."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from tests.tflite.operators.browser import OperatorPage, Outcome, Run
from tests.tflite.operators.draft import ENTRIES, Generator
from tests.tflite.operators.litert import run_litert
from tests.tflite.operators.writing import Sample, write
from tests.tflite.tiny_models import Array

DRAWS = 5

FLOAT = 1e-5
"""Relative: of each element, or of the largest one where sums cancel out."""


@dataclass(frozen=True)
class Checked:
    """One model of an operator in a kind.

    Attributes:
        key: the operator, and which variant of it.
        kind: a key of KINDS.
        seed: which of its models.
        outcome: what octet made of it.
        elements: integers compared, quantized or not.
        differing: those that differ.
        problem: what is out of bounds, "" if nothing.
    """

    key: str
    kind: str
    seed: int
    outcome: Outcome
    elements: int = 0
    differing: int = 0
    problem: str = ""


def sample(key: str, kind: str, seed: int) -> tuple[Sample, list[Array]]:
    """A model of an operator and what LiteRT makes of it, always the same for the same arguments.

    Some draws are beyond LiteRT, such as scales that its kernels have no shifts for: the first one
    that it runs counts.
    """
    for attempt in range(DRAWS):
        words = [zlib.crc32(key.encode()), zlib.crc32(kind.encode()), seed, attempt]
        generator = Generator(words, kind)
        try:
            one = write(ENTRIES[key].draw(generator), kind, generator)
            return one, run_litert(one.model, one.inputs)
        except (RuntimeError, ValueError):
            if attempt == DRAWS - 1:
                raise
    raise AssertionError


def check_all(
    page: OperatorPage, count: int, keys: Sequence[str] = tuple(ENTRIES)
) -> Iterator[Checked]:
    """Compare ``count`` models of each operator and kind."""
    for key in keys:
        for kind in ENTRIES[key].kinds:
            samples = [sample(key, kind, seed) for seed in range(count)]
            runs = [Run(f"{key} {kind} {i}", s.model, s.inputs) for i, (s, _) in enumerate(samples)]
            outcomes = page.run(runs)
            for seed, ((one, expected), outcome) in enumerate(zip(samples, outcomes, strict=True)):
                yield check(Checked(key, kind, seed, outcome), one, expected)


def check(result: Checked, one: Sample, expected: list[Array]) -> Checked:
    """Compare octet's outputs with LiteRT's."""
    outputs = result.outcome.outputs
    if result.outcome.error:
        return replace(result, problem=result.outcome.error)
    problems = []
    if one.twin is not None:
        for got, hybrid in zip(outputs, expected, strict=True):
            problems.append(_beyond(got, hybrid, one.bound))
        expected = run_litert(one.twin, one.inputs)
    if one.exact is not None:
        for litert, right in zip(expected, one.exact, strict=True):
            problems.append(_problem(litert, right, one))
        expected, one = list(one.exact), replace(one, steps=1)
    elements = differing = 0
    for got, wanted in zip(outputs, expected, strict=True):
        problems.append(_problem(got, wanted, one))
        if wanted.dtype.kind != "f" and got.shape == wanted.shape:
            elements += got.size
            differing += int((got != wanted).sum())
    problem = next(filter(None, problems), "")
    return replace(result, elements=elements, differing=differing, problem=problem)


def _problem(got: Array, wanted: Array, one: Sample) -> str:
    if got.shape != wanted.shape:
        return f"shape: got {got.shape}, expected {wanted.shape}"
    if wanted.dtype.kind == "f":
        size = np.abs(wanted.astype(np.float64))
        return _beyond(got, wanted, FLOAT * (size.max(initial=0) if one.sums else size))
    steps = one.steps if wanted.dtype in (np.int8, np.uint8, np.int16) else 0
    return _beyond(got, wanted, steps)


def _beyond(got: Array, wanted: Array, bound: Array | float) -> str:
    if got.shape != wanted.shape:
        return f"shape: got {got.shape}, expected {wanted.shape}"
    got, wanted = got.astype(np.float64), wanted.astype(np.float64)
    same = (got == wanted) | (np.isnan(got) & np.isnan(wanted))
    difference = np.where(same, 0, np.abs(got - wanted))
    beyond = ~(difference <= bound) & ~same
    if not beyond.any():
        return ""
    at = int(np.argmax(np.where(beyond, np.nan_to_num(difference, nan=np.inf), -1)))
    within = np.broadcast_to(bound, wanted.shape).flat[at]
    return f"element {at}: got {got.flat[at]:.9g}, expected {wanted.flat[at]:.9g} ± {within:.3g}"
