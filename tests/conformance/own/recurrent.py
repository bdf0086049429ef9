# SPDX-License-Identifier: Apache-2.0
"""Recurrent networks and cells, against ONNX Runtime."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from tests.conformance.own.case import FLOAT, SEED, OwnCase, Rng, numbers

SIZES = [(1, 1, 1, 1), (2, 1, 3, 2), (3, 2, 2, 4), (2, 3, 5, 8), (4, 1, 2, 3)]
"""Steps, batch, inputs, hidden size."""

NETWORKS: list[dict[str, Any]] = [
    {},
    {"bias": 1},
    {"bias": 1, "recurrentBias": 1, "returnSequence": True},
    {"direction": "backward", "returnSequence": True, "bias": 1},
    {"direction": "both", "returnSequence": True, "recurrentBias": 1},
    {"initialHiddenState": 1, "direction": "both"},
    {"layout": 1, "bias": 1, "recurrentBias": 1},
    {"layout": 1, "direction": "both", "bias": 1, "initialHiddenState": 1, "returnSequence": True},
    {"activations": ["relu", "tanh"], "bias": 1},
    {"activations": ["tanh", "sigmoid"], "recurrentBias": 1, "direction": "backward"},
    {"initialCellState": 1, "initialHiddenState": 1, "bias": 1},
    {"peepholeWeight": 1, "bias": 1, "direction": "both", "returnSequence": True},
    {"peepholeWeight": 1, "initialCellState": 1, "layout": 1},
    {"resetAfter": False, "bias": 1, "recurrentBias": 1},
    {"resetAfter": False, "layout": 1, "direction": "both", "recurrentBias": 1},
]
"""Options; 1 asks for an operand or for the other layout."""

SECOND_LAYOUT = {"gru": "rzn", "lstm": "ifgo"}

GATES = {"gru": 3, "lstm": 4}

NEAR = 2.0**-18
"""Both compute in float32, in sums of another order: 64 units of 1, the size of what saturates."""


def cases() -> Iterator[OwnCase]:
    """All cases of the family."""
    rng = np.random.default_rng(SEED + 5)
    for dtype in FLOAT:
        for op in ("gru", "lstm"):
            for i, wishes in enumerate(NETWORKS):
                yield _network(rng, op, dtype, SIZES[i % len(SIZES)], wishes)
                yield _cell(rng, op, dtype, SIZES[i % len(SIZES)], wishes)


def _operands(
    rng: Rng, op: str, dtype: str, leading: list[int], batch: int, hidden: int
) -> dict[str, Any]:
    rows = GATES[op] * hidden
    shapes = {
        "bias": [rows],
        "recurrentBias": [rows],
        "peepholeWeight": [3 * hidden],
        "initialHiddenState": [batch, hidden],
        "initialCellState": [batch, hidden],
    }
    return {name: numbers(rng, dtype, [*leading, *s], -1, 1) for name, s in shapes.items()}


def _options(op: str, wishes: dict[str, Any], operands: dict[str, Any]) -> dict[str, Any]:
    """The wishes that the operator knows, as options."""
    unknown = {"initialCellState", "peepholeWeight"} if op == "gru" else {"resetAfter"}
    options: dict[str, Any] = {}
    for name, wish in wishes.items():
        if name in unknown:
            continue
        if name == "layout":
            options[name] = SECOND_LAYOUT[op]
        elif name == "activations":
            options[name] = wish if op == "gru" else [*wish, "tanh"]
        else:
            options[name] = operands.get(name, wish)
    return options


def _network(
    rng: Rng, op: str, dtype: str, sizes: tuple[int, int, int, int], wishes: dict[str, Any]
) -> OwnCase:
    steps, batch, inputs, hidden = sizes
    directions = 2 if wishes.get("direction") == "both" else 1
    rows = GATES[op] * hidden
    x = numbers(rng, dtype, [steps, batch, inputs], -1, 1)
    weight = numbers(rng, dtype, [directions, rows, inputs], -1, 1)
    recurrent = numbers(rng, dtype, [directions, rows, hidden], -0.5, 0.5)
    operands = _operands(rng, op, dtype, [directions], batch, hidden)
    args = [x, weight, recurrent, steps, hidden]
    return OwnCase(op, dtype, args, _options(op, wishes, operands), absolute=NEAR)


def _cell(
    rng: Rng, op: str, dtype: str, sizes: tuple[int, int, int, int], wishes: dict[str, Any]
) -> OwnCase:
    _, batch, inputs, hidden = sizes
    rows = GATES[op] * hidden
    x = numbers(rng, dtype, [batch, inputs], -1, 1)
    weight = numbers(rng, dtype, [rows, inputs], -1, 1)
    recurrent = numbers(rng, dtype, [rows, hidden], -0.5, 0.5)
    operands = _operands(rng, op, dtype, [], batch, hidden)
    of_networks = ("direction", "returnSequence", "initialHiddenState", "initialCellState")
    known = {name: wish for name, wish in wishes.items() if name not in of_networks}
    names = ["initialHiddenState", *(["initialCellState"] if op == "lstm" else [])]
    states = [operands[name] for name in names]
    args = [x, weight, recurrent, *states, hidden]
    return OwnCase(f"{op}Cell", dtype, args, _options(op, known, operands), absolute=NEAR)
