# SPDX-License-Identifier: Apache-2.0
"""Lets a float model find the extremes of its own tensors.

REDUCE_MIN and REDUCE_MAX go behind the operator that writes a tensor, so that LiteRT looks at it
with the widest vectors of the CPU while it is still in the CPU's caches; a last operator packs all
extremes into one tensor. The reductions read a tensor as any operator does: nobody may overwrite it
before. What the other operators compute stays as it was.

A reduction's answer about a tensor with NaN in it depends on where the NaN is. So this is for
models whose operators make none of finite numbers that are not huge, and an answer only counts
where all numbers are smaller than LIMIT.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from octet.errors import OctetError
from octet.quantize.rules import RULES
from octet.tflite.model import Model
from octet.tflite.runtime import Session
from octet.tflite.types import Array

LIMIT = 1e12
"""A sum of as many as 10^14 products of two numbers below this is finite in float32, and so is the
cube in GELU."""

FINITE = {*RULES, "ABS", "CAST", "CEIL", "COS", "EXP", "FLOOR", "NEG", "ROUND", "SIN", "SQUARE"}
"""Operators that make no NaN of numbers below LIMIT. EXP makes infinity, which is above it."""

PACKED = "octet_extremes"


def with_extremes(model: Model, tensors: Sequence[int]) -> bytes | None:
    """Return ``model`` with one more output: the minima of ``tensors``, then their maxima.

    Args:
        model: a float model; it stays as it is. Tensors keep their indices.
        tensors: indices of float32 activations.

    Returns:
        A ``.tflite`` file, whose output PACKED is float32[2 · tensors]; None where its answers
        could be wrong, or LiteRT refuses it.
    """
    if not tensors or not _is_suitable(model, tensors):
        return None
    made = model.copy()
    made.tree.signatureDefs = None
    ranks = {len(made.shape(index)) for index in tensors}
    axes = {rank: made.add_constant("", np.arange(rank, dtype=np.int32)) for rank in ranks}
    found: dict[int, tuple[int, int]] = {}
    operators = []
    writers = [(None, made.inputs), *((operator, operator.outputs) for operator in made.operators)]
    wanted = set(tensors)
    for operator, written in writers:
        operators += [operator] if operator is not None else []
        for index in sorted(wanted & {int(output) for output in written}):
            inputs = [index, axes[len(made.shape(index))]]
            ends = [made.add_tensor(f"{word} {index}", [], "float32") for word in ("least", "most")]
            for kind, end in zip(("REDUCE_MIN", "REDUCE_MAX"), ends, strict=True):
                operators.append(made.make_operator(kind, inputs, [end], "ReducerOptions"))
            found[index] = (ends[0], ends[1])
    parts = [found[index][end] for end in (0, 1) for index in tensors]
    packed = made.add_tensor(PACKED, [len(parts)], "float32")
    fields = {"valuesCount": len(parts), "axis": 0}
    operators.append(made.make_operator("PACK", parts, [packed], "PackOptions", fields))
    made.graph.operators = operators
    made.graph.outputs = [*made.outputs, packed]
    data = made.to_bytes()
    try:
        Session(data, model.name, kernels="builtin")
    except OctetError:
        return None
    return data


def without_extremes(data: bytes, name: str) -> bytes:
    """Return the file that `with_extremes` made another output of, as it was but for names."""
    model = Model.parse(data, name)
    first = min(model.operators[-1].inputs)  # what reductions write lies behind all else
    model.graph.operators = [o for o in model.operators if all(i < first for i in o.outputs)]
    model.graph.outputs = model.outputs[:-1]
    return model.to_bytes()


def _is_suitable(model: Model, tensors: Sequence[int]) -> bool:
    if not all(model.operator_name(operator) in FINITE for operator in model.operators):
        return False
    # A tensor without dimensions may be one whose shape is only known in a run.
    if not all(model.shape(index) and min(model.shape(index)) > 0 for index in tensors):
        return False
    read = {int(index) for operator in model.operators for index in operator.inputs}
    for index in read:
        if index >= 0 and model.dtype(index).startswith("float"):
            value = model.constant(index)
            if value is not None and value.size and not _is_below_limit(value):
                return False
    return True


def _is_below_limit(value: Array) -> bool:
    low, high = float(value.min()), float(value.max())  # NaN where there is one
    return low > -LIMIT and high < LIMIT
