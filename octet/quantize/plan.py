# SPDX-License-Identifier: Apache-2.0
"""Decides what is quantized, and how: a type for every operator, parameters for every tensor.

A tensor may be read in several types, so parameters belong to a node: a tensor in an element type.
Operators whose rule is SAME join the nodes that they read and write to groups with one range, the
union of theirs. A node with fixed parameters (the output of SOFTMAX) gives them to its group if
that has no other source; otherwise whoever joins it reads a requantized copy.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from octet.errors import OctetError
from octet.quantize.config import FLOAT, Config, ConfigError, Layer, TensorRule, Wanted
from octet.quantize.rules import FIXED, FIXED_OUTPUTS, RULES, SAME, Rule, value_positions
from octet.quantize.schemes import BY_ACTIVATION, SCHEMES, Params, activation_params
from octet.tflite.model import Model

LEAST_FLOAT = float(np.finfo(np.float32).min)

Node = tuple[int, str]
"""A tensor in an element type."""


@dataclass(frozen=True)
class OperatorPlan:
    """What becomes of an operator.

    Attributes:
        dtype: element type of its activations, FLOAT to leave it alone.
        granularity: of its weights.
        why: for an operator that stays in float, the reason.
        inputs: parameters in which it reads each input, by position; others are not quantized.
        outputs: parameters in which it writes each output, by position.
    """

    dtype: str
    granularity: str
    why: str = ""
    inputs: dict[int, Params] = field(default_factory=dict)
    outputs: dict[int, Params] = field(default_factory=dict)


@dataclass(frozen=True)
class Plan:
    """What becomes of a model.

    Attributes:
        operators: one per operator.
        home: parameters in which each quantized tensor is stored.
        entry: for a float input of the graph, the parameters in which it is read first.
    """

    operators: list[OperatorPlan]
    home: dict[int, Params]
    entry: dict[int, Params]


def make_plan(model: Model, layers: Sequence[Layer], config: Config) -> Plan:
    """Return the plan for a float model with recorded ranges.

    Raises:
        ConfigError: for a configuration that does not fit the model.
        OctetError: naming a tensor without a range.
    """
    wanted = config.wanted(layers)
    floats = _float_regions(model, config)
    types = _types(model, wanted, floats)
    nodes = _Nodes(model, [dtype for dtype, _ in types], config)
    plans = []
    for position, (dtype, why) in enumerate(types):
        inputs, outputs = nodes.of_operator(position)
        plans.append(OperatorPlan(dtype, wanted[position].granularity, why, inputs, outputs))
    home = {index: nodes.params((index, dtype)) for index, dtype in nodes.home.items()}
    entry = {}
    for index in model.inputs:
        if index in nodes.first_reader:
            entry[index] = nodes.params((index, nodes.first_reader[index]))
    return Plan(plans, home, entry)


# Types
# ----------------------------------------------------------------------------------------------


def _float_regions(model: Model, config: Config) -> set[int]:
    """Return the operators before quantize_after and behind dequantize_after."""
    by_name = {model.tensor_name(i): i for i in range(len(model.tensors))}
    producers, consumers = model.producers(), model.consumers()
    found: set[int] = set()

    def tensor(name: str, key: str) -> int:
        if name not in by_name:
            raise ConfigError(f'{key}: {model.name} has no tensor "{name}".')
        return by_name[name]

    todo = [tensor(name, "quantize-after") for name in config.quantize_after]
    while todo:
        position = producers.get(todo.pop(), -1)
        if position >= 0 and position not in found:
            found.add(position)
            todo += [index for index in model.operators[position].inputs if index >= 0]
    todo = [tensor(name, "dequantize-after") for name in config.dequantize_after]
    behind: set[int] = set()
    while todo:
        for position in consumers.get(todo.pop(), []):
            if position not in behind:
                behind.add(position)
                todo += model.operators[position].outputs
    return found | behind


def _types(model: Model, wanted: Sequence[Wanted], floats: set[int]) -> list[tuple[str, str]]:
    """Return each operator's activation type and, for FLOAT, why."""
    result: list[tuple[str, str]] = []
    made: dict[int, str] = {}
    undecided = []
    for position, operator in enumerate(model.operators):
        want = wanted[position]
        dtype = FLOAT if want.dtype == FLOAT else SCHEMES[want.dtype].activation
        rule = RULES.get(model.operator_name(operator))
        why = "asked for" if dtype == FLOAT else ""
        if position in floats:
            dtype, why = FLOAT, "outside of the quantized part"
        if dtype != FLOAT:
            why = cannot(model, operator, rule, dtype)
        if not why and rule is not None and rule.moves and not want.explicit:
            sources = {made.get(index, "input") for index in _values(model, operator, rule)}
            kinds = sources - {"input", FLOAT}
            if len(kinds) == 1 and not cannot(model, operator, rule, next(iter(kinds))):
                dtype = kinds.pop()
            elif "input" in sources and not kinds:
                undecided.append(position)
            elif not kinds:
                why = "its neighbours are in float"
        result.append((FLOAT if why else dtype, why))
        made |= {index: result[-1][0] for index in operator.outputs}
    consumers = model.consumers()
    for position in reversed(undecided):
        # What only moves the input about is quantized where a reader of it is.
        readers = [r for out in model.operators[position].outputs for r in consumers.get(out, [])]
        if readers and all(result[reader][0] == FLOAT for reader in readers):
            result[position] = (FLOAT, "its neighbours are in float")
    return result


def cannot(model: Model, operator: Any, rule: Rule | None, dtype: str) -> str:
    """Return why an operator cannot run in ``dtype``, or ""."""
    kind = model.operator_name(operator)
    if rule is None:
        return f"{kind} has no integer form"
    if dtype not in rule.versions:
        return f"{kind} has no {dtype} kernel"
    tensors = [model.tensors[i] for i in (*operator.inputs, *operator.outputs) if i >= 0]
    if any(tensor.isVariable for tensor in tensors):
        return "it has a state"
    values = _values(model, operator, rule)
    floats = [index for index in values if model.dtype(index) == "float32"]
    if not floats:
        return "it works on whole numbers"
    for position in (rule.weights, rule.bias):
        if position is None or position >= len(operator.inputs) or operator.inputs[position] < 0:
            continue
        index = operator.inputs[position]
        if not model.is_constant(index) or model.dtype(index) != "float32":
            return "its weights or bias are not float constants"
    if rule.weights is not None and len(operator.inputs) <= rule.weights:
        return "it has no weights"
    return ""


def _values(model: Model, operator: Any, rule: Rule) -> list[int]:
    positions = value_positions(rule, len(operator.inputs))
    return [operator.inputs[p] for p in positions if operator.inputs[p] >= 0]


# Parameters
# -----------------------------------------------------------------------------------------


class _Nodes:
    """Groups of nodes and their parameters.

    Attributes:
        home: element type in which each tensor that a quantized operator writes is stored.
        first_reader: element type of the first quantized reader of each other tensor.
    """

    def __init__(self, model: Model, types: Sequence[str], config: Config) -> None:
        self._model = model
        self._produced = model.producers()
        self._types = types
        self.home: dict[int, str] = {}
        self.first_reader: dict[int, str] = {}
        self._fixed: dict[Node, Params] = {}
        self._parent: dict[Node, Node] = {}
        self._rules = {rule.name: rule for rule in config.tensors}
        self._collect()
        self._split = self._find_splits()
        self._join(self._split)
        self._params: dict[Node, Params] = {}

    def of_operator(self, position: int) -> tuple[dict[int, Params], dict[int, Params]]:
        """Return the parameters of an operator's inputs and outputs, by position."""
        dtype = self._types[position]
        if dtype == FLOAT:
            return {}, {}
        group = self._group_of(position)
        inputs = {}
        for slot, index in self._inputs(position):
            node = (index, dtype)
            inputs[slot] = self.params(group if group and node in self._split else node)
        outputs = {slot: self.params((index, dtype)) for slot, index in self._outputs(position)}
        return inputs, outputs

    def params(self, node: Node) -> Params:
        """Return a node's parameters, computed once per group."""
        root = self._root(node)
        if root not in self._params:
            self._params[root] = self._choose(root)
        return self._params[root]

    def _collect(self) -> None:
        model, produced = self._model, self._produced
        for position, dtype in enumerate(self._types):
            if dtype == FLOAT:
                continue
            for _, index in self._inputs(position):
                self._parent.setdefault((index, dtype), (index, dtype))
                if index not in produced and not model.is_constant(index):
                    self.first_reader.setdefault(index, dtype)
            operator = model.operators[position]
            fixed = FIXED_OUTPUTS.get(model.operator_name(operator), {}).get(dtype)
            for _, index in self._outputs(position):
                self._parent.setdefault((index, dtype), (index, dtype))
                self.home[index] = dtype
                if fixed and RULES[model.operator_name(operator)].scales == FIXED:
                    self._fixed[(index, dtype)] = Params(dtype, fixed[0], fixed[1])
        for node in self._parent:
            forced = self._rules.get(model.tensor_name(node[0]))
            if forced is not None and forced.scale is not None:
                self._fixed.setdefault(node, _forced(forced, node[1]))
        self._check_rules()

    def _check_rules(self) -> None:
        names = {self._model.tensor_name(index) for index, _ in self._parent}
        for name in self._rules:
            if name not in names:
                raise ConfigError(f'tensors: "{name}" is no quantized tensor of the model.')

    def _find_splits(self) -> set[Node]:
        """Return the fixed nodes that cannot give their parameters to the group they would join."""
        self._join(set())
        members: dict[Node, list[Node]] = {}
        for node in self._parent:
            members.setdefault(self._root(node), []).append(node)
        split: set[Node] = set()
        for group in members.values():
            fixed = {self._fixed[node] for node in group if node in self._fixed}
            own = [node for node in group if node not in self._fixed and self._is_source(node)]
            if len(group) > 1 and fixed and (own or len(fixed) > 1):
                split |= {node for node in group if node in self._fixed}
        for node in self._parent:
            self._parent[node] = node
        return split

    def _is_source(self, node: Node) -> bool:
        """Return whether a node's numbers are made, not moved: its range is its own."""
        index, _ = node
        if self._model.is_constant(index):
            return False
        position = self._produced.get(index)
        if position is None or self._types[position] == FLOAT:
            return True
        name = self._model.operator_name(self._model.operators[position])
        return RULES[name].scales != SAME

    def _join(self, split: set[Node]) -> None:
        for position, dtype in enumerate(self._types):
            group = self._group_of(position)
            if group is None:
                continue
            for _, index in (*self._outputs(position), *self._inputs(position)):
                if (index, dtype) not in split:
                    self._parent[self._root((index, dtype))] = self._root(group)

    def _group_of(self, position: int) -> Node | None:
        """Return the node of the first output of an operator that keeps one scale."""
        if self._types[position] == FLOAT:
            return None
        operator = self._model.operators[position]
        if RULES[self._model.operator_name(operator)].scales != SAME:
            return None
        outputs = self._outputs(position)
        return (outputs[0][1], self._types[position]) if outputs else None

    def _root(self, node: Node) -> Node:
        while self._parent[node] != node:
            self._parent[node] = self._parent[self._parent[node]]
            node = self._parent[node]
        return node

    def _choose(self, root: Node) -> Params:
        group = [node for node in self._parent if self._root(node) == root]
        fixed = {self._fixed[node] for node in group if node in self._fixed}
        if len(fixed) > 1:
            names = ", ".join(f'"{self._model.tensor_name(index)}"' for index, _ in sorted(group))
            raise ConfigError(f"tensors: {names} need one scale, but were given several.")
        if fixed:
            return fixed.pop()
        # Constants do not widen a group: where they count, its outputs reach as far.
        ranged = [node for node in group if not self._model.is_constant(node[0])] or group
        ranged = [node for node in ranged if not self._is_padded_with_least(node[0])] or ranged
        ranges = [self._range(index) for index, _ in ranged]
        scheme = BY_ACTIVATION[root[1]]
        return activation_params(min(r[0] for r in ranges), max(r[1] for r in ranges), scheme)

    def _is_padded_with_least(self, index: int) -> bool:
        """Return whether a tensor has pads of the least float, which lose against whatever there
        is in the maximum behind them, and so does the least integer.
        """
        operator = self._model.operators[self._produced[index]] if index in self._produced else None
        if operator is None or self._model.operator_name(operator) != "PADV2":
            return False
        fill = self._model.constant(operator.inputs[2])
        return fill is not None and bool((fill <= LEAST_FLOAT).all())

    def _range(self, index: int) -> tuple[float, float]:
        name = self._model.tensor_name(index)
        forced = self._rules.get(name)
        if forced is not None and forced.min is not None and forced.max is not None:
            return forced.min, forced.max
        value = self._model.constant(index)
        if value is not None:
            return float(value.min()), float(value.max())
        found = recorded_range(self._model, index)
        if found is None:
            raise OctetError(
                f'{self._model.name}: tensor "{name}": no recorded range. '
                "Run octet record-minmax first, or give --data."
            )
        return found

    def _inputs(self, position: int) -> list[tuple[int, int]]:
        """Return slot and tensor of each input that is quantized as an activation."""
        operator = self._model.operators[position]
        rule = RULES[self._model.operator_name(operator)]
        return [
            (slot, operator.inputs[slot])
            for slot in value_positions(rule, len(operator.inputs))
            if operator.inputs[slot] >= 0 and self._model.dtype(operator.inputs[slot]) == "float32"
        ]

    def _outputs(self, position: int) -> list[tuple[int, int]]:
        operator = self._model.operators[position]
        if not RULES[self._model.operator_name(operator)].numbers_out:
            return []
        return [
            (slot, index)
            for slot, index in enumerate(operator.outputs)
            if index >= 0 and self._model.dtype(index) == "float32"
        ]


def recorded_range(model: Model, index: int) -> tuple[float, float] | None:
    """Return the range in a tensor's quantization parameters, as record-minmax writes it."""
    quantization = model.tensors[index].quantization
    if quantization is None or quantization.min is None or quantization.max is None:
        return None
    if not len(quantization.min) or not len(quantization.max):
        return None
    return float(quantization.min[0]), float(quantization.max[0])


def _forced(rule: TensorRule, dtype: str) -> Params:
    assert rule.scale is not None and rule.zero_point is not None
    scheme = BY_ACTIVATION[dtype]
    if not rule.scale > 0 or not scheme.low <= rule.zero_point <= scheme.high:
        raise ConfigError(
            f'tensors: "{rule.name}": got scale {rule.scale}, zero point {rule.zero_point}, '
            f"expected a positive scale and {scheme.low} to {scheme.high}."
        )
    return Params(dtype, rule.scale, rule.zero_point)
