# SPDX-License-Identifier: Apache-2.0
"""The TFLite model that is being written, and how each ONNX value lies in it.

ONNX computes on [N, C, H, W], TFLite on [N, H, W, C]. A value's dimensions may be stored in any
order: what only computes element by element keeps the order of its input, a Transpose changes
nothing but the order, and TRANSPOSE is emitted where an operator needs another order than there is.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from octet.onnx.graph import Graph, Node, OnnxError
from octet.tflite.model import Model
from octet.tflite.types import TENSOR_TYPES, Array

Order = tuple[int, ...]


@dataclass
class Value:
    """A value of the ONNX graph.

    Attributes:
        shape: in ONNX's order.
        dtype: NumPy's name.
        constant: its number, in ONNX's order, if it is known.
        stored: the tensors that hold it, by order: dimension k of the tensor is dimension order[k].
    """

    shape: tuple[int, ...]
    dtype: str
    constant: Array | None = None
    stored: dict[Order, int] = field(default_factory=dict)

    @property
    def rank(self) -> int:
        """Number of dimensions."""
        return len(self.shape)

    @property
    def order(self) -> Order:
        """The order in which it was stored first."""
        return next(iter(self.stored), natural(self.rank))


def natural(rank: int) -> Order:
    """Return ONNX's own order of dimensions."""
    return tuple(range(rank))


def channels_last(rank: int) -> Order:
    """Return the order with dimension 1 at the end."""
    return natural(rank) if rank < 3 else (0, *range(2, rank), 1)


class Emitter:
    """Builds the model; the functions of the operators call it."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.model = Model.empty(graph.name)
        self.values: dict[str, Value] = {}
        self._counts: dict[str, int] = {}
        for name, array in graph.constants.items():
            self.values[name] = constant_value(array)

    # Values --------------------------------------------------------------------------------------

    def input(self, node: Node, position: int) -> Value:
        """Return a node's input. Raises OnnxError if it is absent."""
        value = self.optional(node, position)
        if value is None:
            raise OnnxError(f"{node.where()}: input {position} is missing.")
        return value

    def optional(self, node: Node, position: int) -> Value | None:
        """Return a node's input, or None if it is left out."""
        if position >= len(node.inputs) or not node.inputs[position]:
            return None
        return self.values[node.inputs[position]]

    def constant(self, node: Node, position: int) -> Array | None:
        """Return a node's constant input, None if it is left out.

        Raises:
            OnnxError: if it is there but not constant.
        """
        value = self.optional(node, position)
        if value is not None and value.constant is None:
            raise OnnxError(
                f'{node.where()}: input {position} "{node.inputs[position]}": '
                "got a computed value, expected a constant."
            )
        return None if value is None else value.constant

    def tensor(self, value: Value, order: Order | None = None) -> int:
        """Return a tensor that holds ``value`` in ``order``, ONNX's own by default."""
        order = natural(value.rank) if order is None else order
        if order in value.stored:
            return value.stored[order]
        if value.constant is not None:
            array = np.ascontiguousarray(value.constant.transpose(order))
            value.stored[order] = self.model.add_constant(self._free_name("constant"), array)
            return value.stored[order]
        now, index = next(iter(value.stored.items()))
        name = f"{self.model.tensor_name(index)}/transposed"
        steps = tuple(now.index(dimension) for dimension in order)
        shape = [value.shape[dimension] for dimension in order]
        value.stored[order] = self._reordered(index, steps, shape, name, value.dtype)
        return value.stored[order]

    def _reordered(self, index: int, steps: Order, shape: list[int], name: str, dtype: str) -> int:
        target = self.model.add_tensor(self._free_name(name), shape, dtype)
        before = self.model.shape(index)
        long = [step for step in steps if before[step] != 1]
        if long == sorted(long):  # nothing but dimensions of 1 moves
            self.emit_raw(
                "RESHAPE", [index, self.numbers(shape)], [target], "ReshapeOptions", newShape=shape
            )
        else:
            self.emit_raw("TRANSPOSE", [index, self.numbers(steps)], [target], "TransposeOptions")
        return target

    def numbers(self, values: Iterable[int]) -> int:
        """Return a constant int32 vector."""
        array = np.asarray(list(values), np.int32)
        return self.model.add_constant(self._free_name("numbers"), array)

    def define(self, name: str, value: Value) -> None:
        """Let a name of the ONNX graph stand for ``value``."""
        self.values[name] = value

    # Operators -----------------------------------------------------------------------------------

    def emit(
        self,
        kind: str,
        inputs: Sequence[int],
        shape: Sequence[int],
        dtype: str,
        name: str,
        options: str | None = None,
        order: Order | None = None,
        version: int = 1,
        **fields: Any,
    ) -> Value:
        """Append an operator with one output and return that.

        Args:
            kind: TFLite's name of it.
            inputs: tensors.
            shape: of the output, in ONNX's order.
            dtype: of the output.
            name: of the output tensor.
            options: the schema's table.
            order: in which the output is stored.
            version: of the kernel.
            fields: of the table.
        """
        order = natural(len(shape)) if order is None else order
        stored = [shape[dimension] for dimension in order]
        target = self.model.add_tensor(self._free_name(name), stored, dtype)
        self.emit_raw(kind, inputs, [target], options, version, **fields)
        return Value(tuple(shape), dtype, None, {order: target})

    def emit_raw(
        self,
        kind: str,
        inputs: Sequence[int],
        outputs: Sequence[int],
        options: str | None = None,
        version: int = 1,
        **fields: Any,
    ) -> None:
        """Append an operator."""
        operator = self.model.make_operator(kind, inputs, outputs, options, fields, version)
        self.model.operators.append(operator)

    def float_constant(self, value: Array | float, name: str = "constant") -> int:
        """Return a constant float32 tensor."""
        return self.model.add_constant(self._free_name(name), np.asarray(value, np.float32))

    def new_name(self, name: str) -> str:
        """Return ``name``, or one like it that no tensor has."""
        return self._free_name(name)

    def _free_name(self, name: str) -> str:
        count = self._counts.get(name, 0)
        self._counts[name] = count + 1
        return self._free_name(f"{name}_{count}") if count else name


def transposed(value: Value, steps: Sequence[int]) -> Value:
    """Return a value whose dimension k is dimension steps[k] of ``value``: the same tensors."""
    shape = tuple(value.shape[step] for step in steps)
    constant = None if value.constant is None else value.constant.transpose(steps)
    back = list(steps)
    stored = {tuple(back.index(d) for d in order): i for order, i in value.stored.items()}
    return Value(shape, value.dtype, constant, stored)


def constant_value(array: Array) -> Value:
    """Return a known value; types that TFLite lacks are refused when they are stored."""
    return Value(tuple(array.shape), array.dtype.name, array)


def check_dtype(dtype: str, what: str) -> None:
    """Raise OnnxError for an element type without a TFLite tensor type."""
    if dtype not in TENSOR_TYPES:
        raise OnnxError(f"{what}: element type {dtype} is not supported.")
