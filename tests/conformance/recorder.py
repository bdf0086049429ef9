# SPDX-License-Identifier: Apache-2.0
"""Writes cases as a page would write a graph: builder calls on operands."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from octet.web.cases import Array, Call, Case


@dataclass(frozen=True)
class Operand:
    """An operand by name."""

    name: str


class Recorder:
    """Collects the inputs, constants and calls of a graph; names are given in order."""

    def __init__(self) -> None:
        self._inputs: dict[str, Array] = {}
        self._constants: set[str] = set()
        self._calls: list[Call] = []

    @property
    def size(self) -> int:
        """How many inputs and constants there are."""
        return len(self._inputs)

    def input(self, array: Array) -> Operand:
        """An input with what it is fed."""
        operand = Operand(f"x{len(self._inputs)}")
        self._inputs[operand.name] = np.asarray(array)
        return operand

    def constant(self, array: Array) -> Operand:
        """A constant."""
        operand = self.input(array)
        self._constants.add(operand.name)
        return operand

    def call(self, op: str, *args: Any, **options: Any) -> Operand:
        """A builder call that returns one operand."""
        return self.calls(1, op, *args, **options)[0]

    def calls(self, count: int, op: str, *args: Any, **options: Any) -> list[Operand]:
        """A builder call that returns a list of ``count`` operands."""
        outputs = [Operand(f"v{len(self._calls)}_{i}") for i in range(count)]
        plain = [_plain(arg) for arg in args]
        if options:
            plain.append(_plain(options))
        self._calls.append(Call(op, plain, [output.name for output in outputs]))
        return outputs

    def case(self, outputs: Sequence[Operand]) -> Case:
        """The graph with these outputs."""
        names = [output.name for output in outputs]
        return Case(self._inputs, self._calls, names, frozenset(self._constants))


def _plain(arg: Any) -> Any:
    """Return an argument as JSON that the page understands (octet.web.cases.Call)."""
    if isinstance(arg, Operand):
        return {"$operand": arg.name}
    if isinstance(arg, dict):
        return {name: _plain(value) for name, value in arg.items()}
    if isinstance(arg, list | tuple):
        return [_plain(item) for item in arg]
    if isinstance(arg, float | np.floating) and not np.isfinite(arg):
        return {"$number": str(arg).replace("nan", "NaN").replace("inf", "Infinity")}
    if isinstance(arg, int) and not isinstance(arg, bool) and abs(arg) > 2**53:
        return {"$bigint": str(arg)}
    return arg.item() if isinstance(arg, np.generic) else arg
