# SPDX-License-Identifier: Apache-2.0
"""gru and lstm by ONNX Runtime, in float32."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import numpy as np
import onnxruntime as ort
from onnx import TensorProto, helper

from octet.web.cases import Array

F32 = np.float32

ONNX_ORDER = {"gru": "zrn", "lstm": "iofg"}
"""The order of the gates' rows in ONNX."""

DIRECTIONS = {"forward": "forward", "backward": "reverse", "both": "bidirectional"}


@cache
def _session(
    op: str, inputs: tuple[str, ...], outputs: int, attributes: tuple[tuple[str, Any], ...]
) -> ort.InferenceSession:
    names = ["y", "y_h", "y_c"][:outputs]
    node = helper.make_node(op, list(inputs), names, **dict(attributes))
    given = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in inputs if name
    ]
    results = [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in names]
    graph = helper.make_graph([node], op, given, results)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    return ort.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])


def _rows(value: Array, layout: str, order: str, hidden: int) -> Array:
    """Blocks of rows along axis 1 in ONNX's order."""
    blocks = [value[:, layout.index(g) * hidden : (layout.index(g) + 1) * hidden] for g in order]
    return np.concatenate(blocks, axis=1).astype(F32)


def _network(
    op: str,
    x: Array,
    weight: Array,
    recurrent: Array,
    hidden: int,
    states: Sequence[Array | None],
    bias: Array | None = None,
    recurrentBias: Array | None = None,
    peepholeWeight: Array | None = None,
    resetAfter: bool = True,
    returnSequence: bool = False,
    direction: str = "forward",
    layout: str | None = None,
    activations: Sequence[str] | None = None,
) -> list[Array]:
    order = ONNX_ORDER[op]
    layout = layout or order
    given = {
        "x": x.astype(F32),
        "w": _rows(weight, layout, order, hidden),
        "r": _rows(recurrent, layout, order, hidden),
    }
    if bias is not None or recurrentBias is not None:
        zeros = np.zeros((weight.shape[0], weight.shape[1]))
        both = [zeros if b is None else b for b in (bias, recurrentBias)]
        given["b"] = np.concatenate([_rows(b, layout, order, hidden) for b in both], axis=1)
    for name, state in zip(("h", "c"), states, strict=False):
        if state is not None:
            given[name] = state.astype(F32)
    if peepholeWeight is not None:
        given["p"] = peepholeWeight.astype(F32)
    slots = ["x", "w", "r", "b", "", "h", *(["c", "p"] if op == "lstm" else [])]
    inputs = tuple(name if name in given else "" for name in slots)
    defaults = ["sigmoid", "tanh", "tanh"][: 2 if op == "gru" else 3]
    chosen = [name.capitalize() for name in activations or defaults] * len(weight)
    attributes: dict[str, Any] = {"hidden_size": hidden, "direction": DIRECTIONS[direction]}
    attributes["activations"] = tuple(chosen)
    if op == "gru":
        attributes["linear_before_reset"] = int(resetAfter)
    count = 1 + len(states)
    session = _session(op.upper(), inputs, count, tuple(attributes.items()))
    sequence, *last = (np.asarray(y, np.float64) for y in session.run(None, given))
    return [*last, sequence] if returnSequence else last


def gru(
    x: Array,
    weight: Array,
    recurrent: Array,
    steps: int,
    hidden: int,
    initialHiddenState: Array | None = None,
    **options: Any,
) -> list[Array]:
    """The last hidden state and, if wished for, all of them."""
    return _network("gru", x, weight, recurrent, hidden, [initialHiddenState], **options)


def lstm(
    x: Array,
    weight: Array,
    recurrent: Array,
    steps: int,
    hidden: int,
    initialHiddenState: Array | None = None,
    initialCellState: Array | None = None,
    **options: Any,
) -> list[Array]:
    """The last hidden and cell states and, if wished for, all hidden ones."""
    states = [initialHiddenState, initialCellState]
    return _network("lstm", x, weight, recurrent, hidden, states, **options)


def _cell(
    op: str,
    x: Array,
    weight: Array,
    recurrent: Array,
    states: Sequence[Array],
    hidden: int,
    options: dict[str, Any],
) -> list[Array]:
    """A cell is a network of one step in one direction."""
    leading: dict[str, Any] = {
        k: v[None] if isinstance(v, np.ndarray) else v for k, v in options.items()
    }
    first = [state[None] for state in states]
    results = _network(op, x[None], weight[None], recurrent[None], hidden, first, **leading)
    return [result[0] for result in results]


def gru_cell(
    x: Array, weight: Array, recurrent: Array, state: Array, hidden: int, **options: Any
) -> Array:
    """The hidden state after a step."""
    return _cell("gru", x, weight, recurrent, [state], hidden, options)[0]


def lstm_cell(
    x: Array,
    weight: Array,
    recurrent: Array,
    state: Array,
    cell: Array,
    hidden: int,
    **options: Any,
) -> list[Array]:
    """The hidden and cell states after a step."""
    return _cell("lstm", x, weight, recurrent, [state, cell], hidden, options)


RECURRENT: dict[str, Callable[..., Any]] = {
    "gru": gru,
    "lstm": lstm,
    "gruCell": gru_cell,
    "lstmCell": lstm_cell,
}
