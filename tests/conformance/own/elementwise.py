# SPDX-License-Identifier: Apache-2.0
"""Elementwise operators: shapes of all ranks, broadcasting, edges of the types, rounding."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from octet.web.cases import Array
from tests.conformance.own.case import (
    ANY,
    FLOAT,
    SEED,
    SIGNED,
    OwnCase,
    Rng,
    Shape,
    numbers,
    small,
)

SHAPES: list[Shape] = [
    *([], [1], [5], [17], [2, 3], [33, 7], [3, 4, 5], [1, 2, 3, 4], [2, 1, 3, 2, 2]),
    *([2, 1, 2, 1, 3, 2], [64], [4097]),
]

PAIRS: list[tuple[Shape, Shape]] = [
    *(([], []), ([3], [3]), ([5], []), ([], [7]), ([2, 3], [3]), ([3], [2, 3])),
    *(([2, 1, 4], [3, 1]), ([4, 1], [1, 5]), ([1, 1, 1, 2, 3], [2, 1, 1, 1, 3]), ([17], [17])),
    *(
        ([2, 3, 4, 5], [1, 3, 1, 1]),
        ([4097], [1]),
        ([2, 4097], [2, 1]),
        ([2, 2, 1, 2, 1, 2], [3, 1]),
    ),
]

TRIPLES: list[tuple[Shape, Shape, Shape]] = [
    *(([], [], []), ([3], [3], [3]), ([], [5], [5]), ([5], [], []), ([2, 3], [3], [])),
    *(([3], [2, 3], [2, 1]), ([2, 1, 1], [3, 1], [4]), ([1, 4], [4, 1], [4, 4]), ([17], [1], [17])),
    *(([2, 1, 3, 1, 2], [3, 1, 1], [1]), ([33, 3], [33, 1], [1, 3]), ([2, 3, 4], [2, 3, 4], [4])),
]

UNITS = {
    **dict.fromkeys(["add", "sub", "mul", "prelu", "sqrt", "div", "reciprocal", "leakyRelu"], 0.5),
    **dict.fromkeys(["log", "sin", "cos", "tan", "erf", "gelu", "softplus", "pow"], 0.51),
    **{"exp": 1, "sigmoid": 2.5, "tanh": 1.5, "elu": 1.5},
    **{"linear": 2, "hardSigmoid": 2, "softsign": 3, "hardSwish": 4},
}
"""kernels.h says how near its functions come; for the others it is the W3C suite."""

FUNCTIONS: dict[str, tuple[float, float]] = {
    **dict.fromkeys(["cos", "sin", "tan"], (-40, 40)),
    **dict.fromkeys(["erf", "gelu", "tanh", "softsign", "hardSwish", "softplus"], (-6, 6)),
    **{"exp": (-10, 10), "sigmoid": (-12, 12), "log": (0, 9), "sqrt": (0, 900)},
    "reciprocal": (0.01, 40),
}
"""Float operators without options and the range of their arguments."""

NO_LIMIT = {"gelu", "hardSwish", "softsign"}
"""Their formulas are not defined at infinity."""

ROUNDINGS = ("ceil", "floor", "roundEven")

PARAMETERS: dict[str, list[dict[str, float]]] = {
    "elu": [{}, {"alpha": 0.5}, {"alpha": 2.25}, {"alpha": -1.5}],
    "hardSigmoid": [{}, {"alpha": 0.3}, {"beta": 0.25}, {"alpha": -0.2, "beta": 0.75}],
    "leakyRelu": [{}, {"alpha": 0.2}, {"alpha": 1.5}, {"alpha": -0.3}],
    "linear": [{}, {"alpha": 2.5}, {"beta": -3.0}, {"alpha": -1.25, "beta": 0.5}],
}

EDGES = [
    0.0,
    -0.0,
    1.0,
    -1.0,
    0.5,
    -0.5,
    1.5,
    -1.5,
    2.5,
    -2.5,
    0.4990234375,
    1e-7,
    -1e-7,
    3.0,
    -3.0,
]


def cases() -> Iterator[OwnCase]:
    """All cases of the family."""
    rng = np.random.default_rng(SEED)
    for dtype in ANY:
        for a, b in PAIRS:
            yield from _binary(rng, dtype, a, b)
        yield from _choices(rng, dtype)
        yield from _casts(rng, dtype)
        yield from (
            OwnCase("identity", dtype, [numbers(rng, dtype, s)], exact="bits") for s in SHAPES
        )
        yield from _clamps(rng, dtype)
    for dtype in SIGNED:
        yield from _signed(rng, dtype)
    for dtype in FLOAT:
        yield from _functions(rng, dtype)
        yield from _predicates(rng, dtype)
    yield from _logic(rng)


def edges(dtype: str, *, limits: bool = True) -> Array:
    """Numbers around which functions turn, the type's ends and, if wished for, infinity and NaN."""
    info = np.finfo(dtype)
    ends = [float(info.max), float(info.min), float(info.tiny), float(info.smallest_subnormal)]
    beyond = [np.inf, -np.inf, np.nan] if limits else []
    return np.array([*EDGES, *ends, *beyond], dtype)


def divisors(a: Array, b: Array) -> Array:
    """Return b without zeros, and without -1 where it would divide the smallest number."""
    b = np.where(b == 0, np.ones((), b.dtype), b).astype(b.dtype)
    if b.dtype.kind == "i" and (a == np.iinfo(a.dtype).min).any():
        b = np.where(b == -1, np.full((), 3, b.dtype), b).astype(b.dtype)
    return b


def _binary(rng: Rng, dtype: str, a: Shape, b: Shape) -> Iterator[OwnCase]:
    x, y = numbers(rng, dtype, a), numbers(rng, dtype, b)
    for op in ("add", "sub", "mul"):
        yield OwnCase(op, dtype, [x, y], units=UNITS[op])
    yield OwnCase("div", dtype, [x, divisors(x, y)], units=UNITS["div"])
    for op in ("max", "min"):
        yield OwnCase(op, dtype, [x, y], exact="equal")
    base = numbers(rng, dtype, a, 0.01, 8) if dtype in FLOAT else small(rng, dtype, a, -9, 9)
    power = numbers(rng, dtype, b, -3, 3) if dtype in FLOAT else small(rng, dtype, b, 0, 9)
    yield OwnCase("pow", dtype, [base, power], units=UNITS["pow"])
    near, far = small(rng, dtype, a, -2, 2), small(rng, dtype, b, -2, 2)
    if dtype in FLOAT and near.size > 4:
        near.ravel()[:4] = [np.nan, np.inf, -np.inf, -0.0]
    for op in ("equal", "notEqual", "greater", "greaterOrEqual", "lesser", "lesserOrEqual"):
        yield OwnCase(op, dtype, [near, far])
        yield OwnCase(op, dtype, [x, y])
    if dtype in SIGNED:
        yield OwnCase("prelu", dtype, [x, y], units=UNITS["prelu"])


def _choices(rng: Rng, dtype: str) -> Iterator[OwnCase]:
    for condition, a, b in TRIPLES:
        chosen = rng.choice(np.array([0, 0, 1, 2, 255], np.uint8), condition)
        values = [numbers(rng, dtype, a), numbers(rng, dtype, b)]
        yield OwnCase("where", dtype, [np.asarray(chosen), *values], exact="bits")


def _casts(rng: Rng, dtype: str) -> Iterator[OwnCase]:
    for into in ANY:
        for shape in ([], [6], [2, 3, 5]):
            x = numbers(rng, dtype, shape)
            if dtype in FLOAT and into not in FLOAT:
                limits = np.iinfo(into)
                reach = 60000.0 if dtype == "float16" else 2.0**62
                low, high = max(limits.min, -reach), min(limits.max, reach)
                x = numbers(rng, dtype, shape, low + 0.9, high * 0.99)
                x = np.where(rng.random(shape) < 0.5, x, np.clip(x / (high / 4), low, high))
                x = x.astype(dtype)
            yield OwnCase("cast", dtype, [x, into], exact="bits")
    if dtype == "float32":
        ties = np.float32(1) + np.arange(-9, 10, dtype=np.float32) * np.float32(2**-12)
        yield OwnCase("cast", dtype, [ties, "float16"], exact="bits")
        yield OwnCase("cast", dtype, [edges(dtype), "float16"], exact="bits")
    if dtype in ("int64", "uint64"):
        around = [2**24 + 1, 2**24 + 3, 2**53 + 1, 2**62 + 2**38, 2**62 + 2**38 + 1, 2**63 - 1]
        yield OwnCase("cast", dtype, [np.array(around, dtype), "float32"], exact="bits")


def _clamps(rng: Rng, dtype: str) -> Iterator[OwnCase]:
    bounds: list[dict[str, Any]] = [
        *({}, {"minValue": 0}, {"maxValue": 1}, {"minValue": -1, "maxValue": 1}),
        *({"minValue": 0, "maxValue": 6}, {"minValue": 2, "maxValue": 2}, {"minValue": 1.75}),
        *({"maxValue": 2.5}, {"minValue": float("-inf"), "maxValue": float("inf")}),
        *({"minValue": float("nan"), "maxValue": 3}, {"maxValue": -(2**70)}, {"minValue": -0.5}),
    ]
    if dtype in ("int64", "uint64"):
        bounds.append({"minValue": 2**53 + 1, "maxValue": 2**62 + 1})
    for i, bound in enumerate(bounds):
        options = bound
        if dtype in FLOAT and bound.get("maxValue", 0) < -(2**60):
            options = {"maxValue": -2.0}
        x = numbers(rng, dtype, SHAPES[i % len(SHAPES)])
        yield OwnCase("clamp", dtype, [x], options, exact="equal")


def _signed(rng: Rng, dtype: str) -> Iterator[OwnCase]:
    ways = {"abs": "bits", "neg": "bits", "sign": "equal", "relu": "equal"}
    for shape in SHAPES:
        x = numbers(rng, dtype, shape)
        yield from (OwnCase(op, dtype, [x], exact=exact) for op, exact in ways.items())
    if dtype in FLOAT:
        for op, exact in ways.items():
            x = edges(dtype, limits=op != "relu")
            yield OwnCase(op, dtype, [x], exact=exact)


def _functions(rng: Rng, dtype: str) -> Iterator[OwnCase]:
    for op, (low, high) in FUNCTIONS.items():
        for shape in SHAPES:
            yield OwnCase(op, dtype, [numbers(rng, dtype, shape, low, high)], units=UNITS[op])
        yield OwnCase(op, dtype, [edges(dtype, limits=op not in NO_LIMIT)], units=UNITS[op])
    for op in ROUNDINGS:
        for shape in SHAPES:
            halves = small(rng, dtype, shape, -9, 9) / np.asarray(2, dtype)
            yield OwnCase(op, dtype, [halves.astype(dtype)], exact="bits")
            yield OwnCase(op, dtype, [numbers(rng, dtype, shape, -99, 99)], exact="bits")
        yield OwnCase(op, dtype, [edges(dtype)], exact="bits")
    for op, choices in PARAMETERS.items():
        spread = op in ("linear", "hardSigmoid")
        for i, shape in enumerate(SHAPES):
            x = numbers(rng, dtype, shape)
            chosen = choices[i % len(choices)]
            yield OwnCase(
                op,
                dtype,
                [x],
                chosen,
                units=UNITS[op],
                spread=spread and op == "linear",
                absolute=2.0**-21 if op == "hardSigmoid" else 0.0,
            )
    squares = numbers(rng, dtype, [9])
    yield OwnCase("pow", dtype, [squares, np.full([], 2, dtype)], units=UNITS["pow"])
    whole = small(rng, dtype, [12], -5, 5)
    yield OwnCase("pow", dtype, [numbers(rng, dtype, [12]), whole], units=UNITS["pow"])


def _predicates(rng: Rng, dtype: str) -> Iterator[OwnCase]:
    strange = np.array([np.nan, np.inf, -np.inf, 0.0, -0.0, 1.0], dtype)
    for op in ("isNaN", "isInfinite"):
        for shape in SHAPES:
            yield OwnCase(op, dtype, [np.asarray(rng.choice(strange, shape))])
        yield OwnCase(op, dtype, [edges(dtype)])


def _logic(rng: Rng) -> Iterator[OwnCase]:
    for a, b in PAIRS:
        x, y = (np.asarray(rng.choice(np.array([0, 0, 1, 3, 255], np.uint8), s)) for s in (a, b))
        for op in ("logicalAnd", "logicalOr", "logicalXor"):
            yield OwnCase(op, "uint8", [x, y])
        yield OwnCase("logicalNot", "uint8", [x])
