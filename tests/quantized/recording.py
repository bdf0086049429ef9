# SPDX-License-Identifier: Apache-2.0
"""Quantized tensors, and graphs dequantize → operator → quantize as recorded builder calls."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from octet.web.cases import Call, Case

Array = npt.NDArray[Any]
Rng = np.random.Generator
F32 = np.float32


@dataclass(frozen=True)
class Params:
    """How a tensor is quantized: number = (integer - zero_point) * scale.

    Attributes:
        dtype: ``uint8`` or ``int8``.
        scale: a float32.
        zero_point: in the range of ``dtype``.
    """

    dtype: str
    scale: float
    zero_point: int

    @property
    def origin(self) -> int:
        """What is added to an integer to get the byte that the kernels see."""
        return 128 if self.dtype == "int8" else 0

    @property
    def zero(self) -> int:
        """The zero point of the kernels' bytes."""
        return self.zero_point + self.origin

    def same_bytes(self, other: Params) -> bool:
        """Return whether the kernels' bytes mean the same numbers."""
        return (self.scale, self.zero) == (other.scale, other.zero)

    def bounds(self, clamps: Sequence[tuple[float, float]]) -> tuple[int, int]:
        """Return the bytes that clamps, innermost first, bound a result to."""
        lo, hi = 0, 255
        for low, high in clamps:
            least, most = self._byte(low), self._byte(high)
            lo, hi = min(max(lo, least), most), min(max(hi, least), most)
        return lo, hi

    def _byte(self, number: float) -> int:
        with np.errstate(over="ignore", under="ignore"):
            quotient = float(np.rint(F32(number) / F32(self.scale)))
        return int(min(max(quotient + self.zero, 0), 255))


@dataclass(frozen=True)
class Tensor:
    """Integers with their meaning."""

    values: Array
    params: Params

    @property
    def bytes(self) -> Array:
        """What the kernels see: uint8, int8 moved up by 128."""
        return (self.values.astype(np.int64) + self.params.origin).astype(np.uint8)


def from_bytes(data: Array, params: Params) -> Array:
    """Return the kernels' bytes in the type of ``params``."""
    return (data.astype(np.int64) - params.origin).astype(params.dtype)


@dataclass(frozen=True)
class QuantizedCase:
    """A graph, the integers it must give, and the kernels it must become.

    Attributes:
        note: what is special about it.
        case: the graph and its inputs.
        expected: integers by output name.
        kernels: of a dispatch, in any order; changes of sign left out.
        moves: whether steps that only move bytes may stand around them.
    """

    note: str
    case: Case
    expected: dict[str, Array]
    kernels: tuple[str, ...]
    moves: bool = False

    @property
    def bytes(self) -> int:
        """The size of its largest tensor."""
        tensors = [*self.expected.values(), *self.case.inputs.values()]
        return max(tensor.nbytes for tensor in tensors if isinstance(tensor, np.ndarray))


@dataclass
class Recorder:
    """Records builder calls; operands are handled by name."""

    inputs: dict[str, Array] = field(default_factory=dict)
    constants: set[str] = field(default_factory=set)
    calls: list[Call] = field(default_factory=list)

    def _name(self) -> str:
        return f"v{len(self.calls)}_{len(self.inputs)}"

    def input(self, array: Array) -> str:
        """Return an operand that a dispatch gives."""
        name = self._name()
        self.inputs[name] = array
        return name

    def constant(self, array: Array) -> str:
        """Return a constant operand."""
        name = self.input(array)
        self.constants.add(name)
        return name

    def call(self, op: str, *args: Any, outputs: int = 0) -> Any:
        """Return what ``builder.op(*args)`` returns; a list where it gives ``outputs`` operands."""
        name = self._name()
        names = [f"{name}_{i}" for i in range(outputs)] or [name]
        self.calls.append(Call(op, args, names))
        return names if outputs else name

    def tensor(self, tensor: Tensor, *, constant: bool = False) -> str:
        """Return ``tensor``, dequantized."""
        operand = (self.constant if constant else self.input)(tensor.values)
        return self.dequantize(operand, tensor.values.ndim, tensor.params)

    def dequantize(self, operand: str, rank: int, params: Params) -> str:
        """Return ``operand``, of ``rank`` dimensions, dequantized with one scale."""
        name: str = self.call("dequantizeLinear", ref(operand), *self._parameters(rank, params))
        return name

    def quantize(self, operand: str, rank: int, params: Params) -> str:
        """Return ``operand``, of ``rank`` dimensions, quantized with one scale."""
        name: str = self.call("quantizeLinear", ref(operand), *self._parameters(rank, params))
        return name

    def _parameters(self, rank: int, params: Params) -> list[Any]:
        ones = (1,) * rank
        scale = self.constant(np.full(ones, params.scale, F32))
        return [ref(scale), ref(self.constant(np.full(ones, params.zero_point, params.dtype)))]

    def channels(self, values: Array, axis: int, scales: Array, zero_points: Array) -> str:
        """Return a constant, dequantized with one scale, or one for each index of ``axis``."""
        shape = [1] * values.ndim
        shape[axis] = scales.size
        zero = zero_points.astype(values.dtype).reshape(shape)
        operands = (values, scales.astype(F32).reshape(shape), zero)
        name: str = self.call("dequantizeLinear", *(ref(self.constant(o)) for o in operands))
        return name

    def clamps(self, operand: str, clamps: Sequence[tuple[float, float]]) -> str:
        """Return ``operand`` clamped by each of ``clamps``; (0, inf) is relu."""
        for low, high in clamps:
            if (low, high) == (0.0, np.inf):
                operand = self.call("relu", ref(operand))
            else:
                limits = {"minValue": number(low), "maxValue": number(high)}
                operand = self.call("clamp", ref(operand), limits)
        return operand

    def case(self, *outputs: str) -> Case:
        """Return the graph with these outputs."""
        return Case(self.inputs, self.calls, outputs, frozenset(self.constants))


def ref(operand: str) -> dict[str, str]:
    """Return an operand as an argument."""
    return {"$operand": operand}


def refs(operands: Sequence[str]) -> list[dict[str, str]]:
    """Return operands as an argument that is a list."""
    return [ref(operand) for operand in operands]


def number(value: float) -> Any:
    """Return a number as an argument; JSON has no infinity."""
    return value if np.isfinite(value) else {"$number": "Infinity" if value > 0 else "-Infinity"}
