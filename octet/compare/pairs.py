# SPDX-License-Identifier: Apache-2.0
"""Finds which tensor of one model is which tensor of another."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from octet.tflite.model import Model

STEPS = ("QUANTIZE", "DEQUANTIZE")
"""Operators that are in a quantized model and not in the float one."""

INPUT = "input"


@dataclass(frozen=True)
class Pair:
    """A tensor of two models.

    Attributes:
        operator: position of the operator of ``a`` that writes it, −1 for an input.
        kind: that operator's name, or INPUT.
        a: its index in the first model.
        b: its index in the second: where it is computed, not a converted copy.
    """

    operator: int
    kind: str
    a: int
    b: int


def pair_tensors(a: Model, b: Model) -> list[Pair]:
    """Return the pairs of two models in the order in which ``a`` computes them.

    Tensors belong together if they have the same name and number of elements. Where names say
    nothing, operators of the same kind and output shape do, in the same order.
    """
    by_name = _by_unique_name(b)
    found = {}
    for index in [*a.inputs, *a.producers()]:
        other = by_name.get(a.tensor_name(index))
        if other is not None and _elements(a, index) == _elements(b, other):
            found[index] = other
    if 2 * len(found) < len(a.operators):
        found |= {left: right for left, right in _aligned(a, b) if left not in found}
    pairs = []
    makers = b.producers()
    for left, right in zip(a.inputs, b.inputs, strict=False):
        pairs.append(Pair(-1, INPUT, left, _as_read(b, right)))
    for position, operator in enumerate(a.operators):
        for index in operator.outputs:
            if index in found and a.operator_name(operator) not in STEPS:
                name = a.operator_name(operator)
                pairs.append(Pair(position, name, index, _as_computed(b, makers, found[index])))
    return pairs


def same_tensors(model: Model) -> list[Pair]:
    """Return every tensor that a model computes of its inputs, paired with itself."""
    return [
        Pair(position, model.operator_name(operator), index, index)
        for position, operator in enumerate(model.operators)
        for index in operator.outputs
        if index >= 0 and not all(i < 0 or model.is_constant(i) for i in operator.inputs)
    ]


def _by_unique_name(model: Model) -> dict[str, int]:
    computed = [*model.inputs, *model.producers()]
    names = Counter(model.tensor_name(index) for index in computed)
    return {
        model.tensor_name(index): index
        for index in computed
        if names[model.tensor_name(index)] == 1
    }


def _aligned(a: Model, b: Model) -> list[tuple[int, int]]:
    left, right = _outline(a), _outline(b)
    matcher = SequenceMatcher(None, [x[0] for x in left], [x[0] for x in right], autojunk=False)
    return [
        (left[block.a + i][1], right[block.b + i][1])
        for block in matcher.get_matching_blocks()
        for i in range(block.size)
    ]


def _outline(model: Model) -> Sequence[tuple[tuple[str, tuple[int, ...]], int]]:
    """Return kind, output shape and output of the operators, conversions left out."""
    return [
        ((model.operator_name(operator), model.shape(operator.outputs[0])), operator.outputs[0])
        for operator in model.operators
        if model.operator_name(operator) not in STEPS and operator.outputs
    ]


def _elements(model: Model, index: int) -> int:
    count = 1
    for size in model.shape(index):
        count *= size
    return count


def _as_computed(model: Model, makers: Mapping[int, int], index: int) -> int:
    """Return the tensor of which ``index`` is a dequantized copy; itself if it is none."""
    while index in makers:
        operator = model.operators[makers[index]]
        source = operator.inputs[0] if operator.inputs else -1
        if model.operator_name(operator) != "DEQUANTIZE" or model.is_constant(source):
            return index
        index = source
    return index


def _as_read(model: Model, index: int) -> int:
    """Return the quantized copy of an input, if there is nothing else that reads it."""
    readers = model.consumers().get(index, [])
    if len(readers) == 1 and model.operator_name(model.operators[readers[0]]) == "QUANTIZE":
        return int(model.operators[readers[0]].outputs[0])
    return index
