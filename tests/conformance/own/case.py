# SPDX-License-Identifier: Apache-2.0
"""A case of one operator: its arguments, and how near its result must come to the reference."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from octet.web.cases import Array
from tests.conformance.recorder import Operand, Recorder
from tests.conformance.reference import evaluate

SEED = 20260627

Shape = Sequence[int]
Rng = np.random.Generator

ANY = ("float32", "float16", "int32", "uint32", "int64", "uint64", "int8", "uint8")
FLOAT = ("float32", "float16")
SIGNED = ("float32", "float16", "int64", "int32", "int8")
SUMMED = ("float32", "float16", "int32", "uint32", "int64", "uint64")


@dataclass(frozen=True)
class OwnCase:
    """One builder call.

    Attributes:
        op: the operator.
        dtype: of its first operand: what cases are counted by.
        args: arguments of the call; arrays stand for operands.
        options: the same.
        exact: ``bits`` or ``equal`` (zeros of either sign are) instead of a tolerance.
        units: how many units in the last place of float32 the computation may be off, beyond the
            rounding to the result's type.
        spread: whether the units are those of the result for operands without signs: sums cancel.
        absolute: what may be off besides.
    """

    op: str
    dtype: str
    args: Sequence[Any]
    options: Mapping[str, Any] = field(default_factory=dict)
    exact: str | None = None
    units: float = 0.0
    spread: bool = False
    absolute: float = 0.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "args", [_as_array(arg) for arg in self.args])

    def __str__(self) -> str:
        shown = [_shown(arg) for arg in self.args]
        shown += [f"{name}={_shown(value)}" for name, value in self.options.items()]
        return f"{self.op}({', '.join(shown)})"

    def expected(self) -> list[Array]:
        """The reference's results."""
        return evaluate(self.op, self.args, self.options)

    def record(self, to: Recorder, count: int, *, constants: bool) -> list[Operand]:
        """Write the call; the operands after the first may be constants."""
        given = 0

        def operand(arg: Any) -> Any:
            nonlocal given
            if isinstance(arg, np.ndarray):
                given += 1
                return to.constant(arg) if constants and given > 1 else to.input(arg)
            if isinstance(arg, list) and arg and isinstance(arg[0], np.ndarray):
                return [operand(item) for item in arg]
            return arg

        args = [operand(arg) for arg in self.args]
        options = {name: operand(value) for name, value in self.options.items()}
        return to.calls(count, self.op, *args, **options)

    def problem(self, got: Sequence[Array], expected: Sequence[Array]) -> str | None:
        """What is wrong with the results, or None."""
        allowed: list[Any] = [None] * len(expected)
        if self.spread:
            allowed = evaluate(self.op, [_bare(arg) for arg in self.args], self._bare_options())
        for y, e, size in zip(got, expected, allowed, strict=True):
            wanted = e.dtype.name if e.dtype.kind != "f" else self._float_type()
            if y.dtype.name != wanted or y.shape != e.shape:
                return f"{self}: got {y.dtype}{list(y.shape)}, expected {wanted}{list(e.shape)}"
            wrong = self._wrong(y.ravel(), e.ravel(), None if size is None else size.ravel())
            if wrong.any():
                at = int(wrong.argmax())
                values = f"got {y.ravel()[at]!r}, expected {e.ravel()[at]!r}"
                return f"{self}: [{at}]: {values}; {int(wrong.sum())} of {y.size} are off"
        return None

    def _bare_options(self) -> dict[str, Any]:
        return {name: _bare(value) for name, value in self.options.items()}

    def _float_type(self) -> str:
        if self.op == "cast":
            name: str = self.args[1]
            return name
        return self.args[1].dtype.name if self.op == "dequantizeLinear" else self.dtype

    def _wrong(self, y: Array, e: Array, size: Array | None) -> Array:
        if e.dtype.kind != "f":
            if not self.absolute:
                return np.asarray(y != e)
            return np.asarray(np.abs(y.astype(np.int64) - e.astype(np.int64)) > self.absolute)
        with np.errstate(all="ignore"):
            rounded = e.astype(y.dtype)
            same = (np.isnan(y) & np.isnan(e)) | (y == rounded)
            if self.exact:
                bits = same & ((np.signbit(y) == np.signbit(rounded)) | np.isnan(e))
                return np.asarray(~(bits if self.exact == "bits" else same))
            unit = np.spacing(np.abs(e if size is None else size).astype(np.float32))
            half = np.spacing(np.abs(rounded)).astype(np.float64) / 2
            allowed = half + (self.units + 0.5) * unit.astype(np.float64) + self.absolute
            return np.asarray(~(same | (np.abs(y.astype(np.float64) - e) <= allowed)))


def _as_array(arg: Any) -> Any:
    """Return NumPy's scalars as arrays: they stand for operands."""
    return np.asarray(arg) if isinstance(arg, np.generic) else arg


def _bare(arg: Any) -> Any:
    """Return an argument without signs."""
    if isinstance(arg, np.ndarray):
        return np.abs(arg) if arg.dtype.kind == "f" else arg
    return abs(arg) if isinstance(arg, float) else arg


def _shown(arg: Any) -> str:
    if isinstance(arg, np.ndarray):
        return f"{arg.dtype}{list(arg.shape)}"
    if isinstance(arg, list) and arg and isinstance(arg[0], np.ndarray):
        return f"[{', '.join(_shown(item) for item in arg)}]"
    return repr(arg)


def numbers(rng: Rng, dtype: str, shape: Shape, low: float = -6, high: float = 6) -> Array:
    """Floats between the bounds; whole numbers from all of the type, its ends more often."""
    kind = np.dtype(dtype)
    if kind.kind == "f":
        return np.asarray(rng.uniform(low, high, shape)).astype(kind)
    limits = np.iinfo(kind)
    anything = rng.integers(limits.min, limits.max, shape, kind, endpoint=True)
    ends = np.array([limits.min, limits.max, 0, 1, 2], kind)
    return np.where(rng.random(shape) < 0.25, rng.choice(ends, shape), anything).astype(kind)


def small(rng: Rng, dtype: str, shape: Shape, low: int = -4, high: int = 4) -> Array:
    """Whole numbers near 0, as floats too."""
    kind = np.dtype(dtype)
    return np.asarray(rng.integers(0 if kind.kind == "u" else low, high + 1, shape)).astype(kind)
