# SPDX-License-Identifier: Apache-2.0
"""Values of random graphs, with what is known of their errors.

A value is exact where every correct implementation gives the same bits: inputs, what moves or
compares them, sums and products of numbers with few digits. Everything else carries a bound: the
reference is asked how much it changes when its arguments change by theirs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from octet.web.cases import Array
from tests.conformance.recorder import Operand, Recorder
from tests.conformance.reference import evaluate

FLOATS = ("float32", "float16")
DIGITS = {"float32": 24, "float16": 11}
ROUNDING = {"float32": 2.0**-18, "float16": 2.0**-9}
"""What an operator may be off, in units of its largest result: 32 ULP of float32, 2 of float16."""

EXACT = {
    *("add", "sub", "mul", "matmul", "gemm", "conv2d", "reduceSum", "reduceL1", "reduceSumSquare"),
    *("cumulativeSum", "linear", "dequantizeLinear", "prelu", "averagePool2d", "reduceMean"),
}
"""Operators that make no error where all their sums fit into the digits of the type."""

PRODUCTS = {"mul", "matmul", "gemm", "conv2d", "reduceSumSquare", "linear", "prelu"}

PLAIN = {
    *("abs", "neg", "relu", "max", "min", "clamp", "identity", "where", "cast", "maxPool2d"),
    *("reduceMax", "reduceMin", "transpose", "reshape", "slice", "concat", "pad", "expand", "tile"),
    *("reverse", "split", "gather", "triangular", "resample2d"),
}
"""Operators whose results are among their arguments, or as exact."""

STEPS = {"floor", "ceil", "roundEven", "sign", "argMax", "argMin", "equal", "greater", "lesser"}
"""Operators that jump: only for what is known exactly."""

LARGEST = 2.0**13
"""Larger numbers are left out."""

VAGUE = 2.0**-4
"""An error of which nothing is asked, in units of the largest number."""


@dataclass(frozen=True)
class Value:
    """An operand and its numbers.

    Attributes:
        operand: in the recorder.
        dtype: of the operand.
        array: float64 for floats, else of the type.
        error: the largest that each element may be off.
        digits: all numbers are multiples of 2^-digits; None where they are any numbers.
        sums: whether a quantized sum may round it the other way: ties of such sums go up
            (kernels.h), not to even.
    """

    operand: Operand
    dtype: str
    array: Array
    error: float = 0.0
    digits: int | None = None
    sums: bool = False

    @property
    def shape(self) -> tuple[int, ...]:
        """Its shape."""
        return self.array.shape

    @property
    def rank(self) -> int:
        """Its rank."""
        return self.array.ndim


def digits_of(array: Array) -> int | None:
    """How many binary places the numbers need, if no more than 12."""
    for digits in range(13):
        scaled = array * 2.0**digits
        if np.array_equal(scaled, np.rint(scaled)):
            return digits
    return None


class Writer:
    """Writes a graph call by call and computes along."""

    def __init__(self, rng: np.random.Generator) -> None:
        self.rng = rng
        self.to = Recorder()
        self.made: list[Value] = []
        self.used: set[str] = set()

    def number(self, dtype: str, array: Array, *, constant: bool = False) -> Value:
        """An input or a constant."""
        stored = np.asarray(array).astype(dtype)
        operand = self.to.constant(stored) if constant else self.to.input(stored)
        wide = stored.astype(np.float64) if dtype in FLOATS else stored
        digits = digits_of(wide) if dtype in FLOATS else 0
        return Value(operand, dtype, wide, digits=digits)

    def call(
        self,
        op: str,
        args: Sequence[Any],
        options: Mapping[str, Any] | None = None,
        dtype: str = "",
    ) -> list[Value] | None:
        """Write a call; None, and nothing written, where its results could not be judged."""
        named = dict(options or {})
        values = [v for v in _flat([*args, *named.values()]) if isinstance(v, Value)]
        if op in STEPS and any(v.error for v in values):
            return None
        results = _evaluate(op, args, named)
        kind = dtype or next(v.dtype for v in values if op != "where" or v is not values[0])
        judged = [_judge(op, args, named, values, y, kind, i) for i, y in enumerate(results)]
        if any(j is None for j in judged):
            return None
        operands = self.to.calls(len(results), op, *_operands(args), **_operands_of(named))
        self.used |= {v.operand.name for v in values}
        sums = op in ("add", "sub") or any(v.sums for v in values)
        made = []
        for operand, y, judgement in zip(operands, results, judged, strict=True):
            assert judgement is not None
            of = y.dtype.name if y.dtype.kind != "f" else kind
            if of in FLOATS and not judgement[0]:
                y = y.astype(of).astype(np.float64)
            made.append(Value(operand, of, y, *judgement, sums=sums and of in FLOATS))
        self.made += made
        return made


def _flat(args: Sequence[Any]) -> list[Any]:
    return [x for arg in args for x in (arg if isinstance(arg, list) else [arg])]


def _operands(args: Sequence[Any]) -> list[Any]:
    return [_operand(arg) for arg in args]


def _operands_of(options: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _operand(value) for name, value in options.items()}


def _operand(arg: Any) -> Any:
    if isinstance(arg, list):
        return [_operand(item) for item in arg]
    return arg.operand if isinstance(arg, Value) else arg


def _evaluate(op: str, args: Sequence[Any], options: Mapping[str, Any], change: Any = None) -> Any:
    """The reference's results, each value passed through ``change`` first."""

    def plain(arg: Any) -> Any:
        if isinstance(arg, list):
            return [plain(item) for item in arg]
        if isinstance(arg, Value):
            return change(arg) if change else arg.array
        return arg

    named = {name: plain(value) for name, value in options.items()}
    return evaluate(op, [plain(arg) for arg in args], named)


def _judge(
    op: str,
    args: Sequence[Any],
    options: Mapping[str, Any],
    values: Sequence[Value],
    y: Array,
    dtype: str,
    at: int,
) -> tuple[float, int | None] | None:
    """The error and the digits of a result; None where nothing can be said."""
    if y.dtype.kind != "f":
        worst = max((v.error for v in values), default=0.0)
        return (worst, 0) if not worst or op in PLAIN else None
    if not np.isfinite(y).all() or np.abs(y).max(initial=0) > LARGEST:
        return None
    digits = digits_of(y)
    if not any(v.error for v in values):
        if op in STEPS or (op in PLAIN and options.get("mode") != "linear"):
            fits = np.array_equal(y, y.astype(dtype).astype(np.float64))
            return (0.0, digits) if fits else (_rounding(y, dtype), None)
        if op in EXACT and digits is not None and _sums_fit(op, args, options, values, dtype, at):
            return 0.0, digits
    shaken = max(
        float(np.abs(_evaluate(op, args, options, _shaken(i))[at] - y).max(initial=0))
        for i in range(3)
    )
    error = 4 * shaken + _rounding(y, dtype, _magnitude(op, args, options, at))
    return (error, None) if error <= VAGUE * max(1.0, float(np.abs(y).max(initial=0))) else None


def _rounding(y: Array, dtype: str, largest: float = 0.0) -> float:
    return ROUNDING[dtype] * max(1.0, float(np.abs(y).max(initial=0)), largest * 2.0**-2)


def _magnitude(op: str, args: Sequence[Any], options: Mapping[str, Any], at: int) -> float:
    """The largest sum without signs, of operators that sum."""
    if op not in EXACT:
        return 0.0
    bare = _evaluate(op, args, options, lambda v: np.abs(v.array))[at]
    return float(np.abs(bare).max(initial=0))


def _sums_fit(
    op: str,
    args: Sequence[Any],
    options: Mapping[str, Any],
    values: Sequence[Value],
    dtype: str,
    at: int,
) -> bool:
    known = [v.digits for v in values if v.dtype in FLOATS]
    if any(d is None for d in known):
        return False
    places = [d for d in known if d is not None]
    needed = sum(places) if op in PRODUCTS else max(places, default=0)
    needed = 2 * needed if op in ("reduceSumSquare", "linear") else needed
    bare = _magnitude(op, args, options, at)
    if op in ("averagePool2d", "reduceMean"):
        # The sum, before it is divided.
        bare *= values[0].array.size
    bits = np.log2(max(bare, 1.0)) + needed
    # Half is computed in float32 and rounded once.
    result = _evaluate(op, args, options)[at]
    rounded = np.array_equal(result, result.astype(dtype).astype(np.float64))
    return bool(bits < DIGITS["float32"] and rounded)


def _shaken(seed: int) -> Any:
    rng = np.random.default_rng(seed)

    def shaken(v: Value) -> Array:
        if not v.error or v.dtype not in FLOATS:
            return v.array
        return np.asarray(v.array + rng.choice([-v.error, v.error], v.shape))

    return shaken
