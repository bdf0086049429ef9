# SPDX-License-Identifier: Apache-2.0
"""Recurrent layers, all from a state of zero."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.tflite.operators.draft import NONE, RELU, TANH, Draft, Generator, Part, operator
from tests.tflite.tiny_models import Tensor

LSTM = "UNIDIRECTIONAL_SEQUENCE_LSTM"
LSTM_OPTIONS = "UnidirectionalSequenceLSTMOptions"
GATES = "ifco"


def sequence(g: Generator, depth: int, major: bool, reach: float = 4.0) -> tuple[Part, int]:
    """An input [steps, batch, depth], or [batch, steps, depth], and its batch."""
    steps, batch = g.integer(1, 9), g.integer(1, 3)
    shape = (steps, batch, depth) if major else (batch, steps, depth)
    return g.feed(shape, -reach, reach), batch


def gates(g: Generator, depth: int, hidden: int, outputs: int, prefix: str = "") -> dict[str, Part]:
    """Weights and biases of the four gates, each bias behind the weights that scale it."""
    parts = {f"{prefix}r{k}": g.weights((hidden, outputs), None) for k in GATES}
    for k in GATES:
        parts[f"{prefix}w{k}"] = g.weights((hidden, depth), None)
        parts[f"{prefix}b{k}"] = g.bias(hidden)
    return parts


def order(parts: dict[str, Part], state: tuple[str, ...], prefix: str = "") -> list[str]:
    """A cell's inputs in the operator's order, "" for those that are left out."""
    names = [f"{kind}{k}" for kind in "wr" for k in GATES]
    names += ["pi", "pf", "po", *(f"b{k}" for k in GATES), "pw", "pb"]
    return [prefix + n if prefix + n in parts else "" for n in names] + list(state)


@operator(LSTM, ("f32", "f16", "hybrid"))
def unidirectional_sequence_lstm(g: Generator) -> Draft:
    depth, hidden, major = g.integer(1, 6), g.integer(1, 6), g.flag()
    x, batch = sequence(g, depth, major)
    parts = {"x": x, **gates(g, depth, hidden, hidden)}
    fields = {
        "fusedActivationFunction": TANH,
        "cellClip": g.choice(0.0, 10.0),
        "timeMajor": major,
    }
    names = ("x", *order(parts, ("h", "c")), "", "", "", "")
    states: dict[str, tuple[int, ...]] = {"h": (batch, hidden), "c": (batch, hidden)}
    return Draft(LSTM, parts, LSTM_OPTIONS, fields, order=names, states=states)


def without_input_gate(parts: dict[str, Part]) -> None:
    for name in ("wi", "ri", "bi", "pi", "ni"):
        parts.pop(name, None)


@operator(LSTM, ("f32", "f16"), "with more")
def lstm_with_more(g: Generator) -> Draft:
    """Clips, peepholes, a projection, layer normalization, coupled gates."""
    # Of a few numbers, normalization divides by what rounding has left.
    depth, hidden, major = g.integer(1, 6), g.integer(4, 6), g.flag()
    x, batch = sequence(g, depth, major)
    projected, normalized = g.flag(), g.flag()
    outputs = g.integer(1, 5) if projected else hidden
    parts = {"x": x, **gates(g, depth, hidden, outputs)}
    if g.flag():
        parts |= {f"p{k}": g.weights((hidden,), None) for k in "ifo"}
    if projected:
        parts["pw"] = g.weights((outputs, hidden), None)
        if g.flag():
            parts["pb"] = g.bias(outputs)
    if normalized:
        parts |= {f"n{k}": g.fixed((hidden,), 0.2, 1.5) for k in GATES}
    if g.flag():
        without_input_gate(parts)
    fields = {
        "fusedActivationFunction": TANH,
        "cellClip": g.choice(0.0, 0.7),
        "projClip": g.choice(0.0, 0.4),
        "timeMajor": major,
    }
    norms = [f"n{k}" if f"n{k}" in parts else "" for k in GATES]
    names = ("x", *order(parts, ("h", "c")), *norms)
    states: dict[str, tuple[int, ...]] = {"h": (batch, outputs), "c": (batch, hidden)}
    return Draft(LSTM, parts, LSTM_OPTIONS, fields, order=names, states=states)


@operator(LSTM, ("i8",), "in 8 bits")
def lstm_in_8_bits(g: Generator) -> Draft:
    """Fully quantized: gates and cell in 16 bits."""
    depth, hidden, major = g.integer(1, 30), g.integer(1, 12), g.flag()
    x, batch = sequence(g, depth, major)
    projected = g.flag()
    outputs = g.integer(1, 8) if projected else hidden
    parts = {"x": x, **gates(g, depth, hidden, outputs)}
    if g.flag():
        without_input_gate(parts)
    hidden_coding: dict[str, Any] = {"scale": float(np.float32(g.rng.uniform(0.7, 1.1) / 128))}
    if projected:
        parts["pw"] = g.weights((outputs, hidden), None)
        hidden_coding["zero_point"] = g.integer(-20, 20)
    power = g.integer(9, 13)
    fields = {
        "fusedActivationFunction": TANH,
        "cellClip": g.choice(0.0, 0.7, 10.0),
        "projClip": g.choice(0.0, 0.4),
        "timeMajor": major,
    }

    def inner(coded: dict[str, Tensor]) -> dict[str, Tensor]:
        y = coded["y"]
        same: dict[str, Any] = {"scale": y.scale, "zero_point": y.zero_point}
        return {
            "h": Tensor((batch, outputs), "int8", variable=True, **same),
            "c": Tensor((batch, hidden), "int16", 2.0**-power, variable=True),
            **{f"m{k}": Tensor((0,)) for k in range(4)},
            "m4": Tensor((0,), "int8", **(hidden_coding if projected else same)),
        }

    return Draft(
        LSTM,
        parts,
        LSTM_OPTIONS,
        fields,
        order=("x", *order(parts, ("h", "c")), "", "", "", ""),
        states={"h": (batch, outputs), "c": (batch, hidden)},
        inner=inner,
        intermediates=tuple(f"m{k}" for k in range(5)),
    )


@operator("BIDIRECTIONAL_SEQUENCE_LSTM", ("f32", "f16"))
def bidirectional_sequence_lstm(g: Generator) -> Draft:
    depth, hidden, major = g.integer(1, 6), g.integer(1, 6), g.flag()
    # With batches in front, LiteRT's merged outputs change from run to run.
    merged = g.flag() and major
    x, batch = sequence(g, depth, major)
    parts = {"x": x}
    states: dict[str, tuple[int, ...]] = {}
    cells = []
    for prefix in ("f", "b"):
        cell = gates(g, depth, hidden, hidden, prefix)
        if g.flag():
            cell |= {f"{prefix}p{k}": g.weights((hidden,), None) for k in "ifo"}
        parts |= cell
        states |= {f"{prefix}h": (batch, hidden), f"{prefix}c": (batch, hidden)}
        cells.append(order(cell, (), prefix))
    second = g.integer(0, 2)
    names = ["x", *cells[0], *cells[1], "fh", "fc", "bh", "bc", *[""] * 9]
    if second:
        aside = g.integer(1, 5) if second == 2 else depth
        parts["a"] = g.feed((*x.data.shape[:2], aside))
        names[39] = "a"
    if second == 2:
        for i, prefix in enumerate("fb"):
            for k, gate in enumerate(GATES):
                parts[f"{prefix}a{gate}"] = g.weights((hidden, aside), None)
                names[40 + 4 * i + k] = f"{prefix}a{gate}"
    fields = {
        "fusedActivationFunction": TANH,
        "cellClip": g.choice(0.0, 0.7),
        "timeMajor": major,
        "mergeOutputs": merged,
    }
    return Draft(
        "BIDIRECTIONAL_SEQUENCE_LSTM",
        parts,
        "BidirectionalSequenceLSTMOptions",
        fields,
        outputs=("y",) if merged else ("y", "z"),
        order=tuple(names),
        states=states,
    )


def activated(g: Generator, parts: dict[str, Part], recurrent: tuple[str, ...]) -> int:
    """An activation; those without bounds get recurrent weights that do not grow."""
    activation = int(g.choice(TANH, RELU, NONE))
    if activation != TANH:
        for name in recurrent:
            parts[name].data[...] *= np.float32(0.5 / parts[name].data.shape[0])
    return activation


@operator("UNIDIRECTIONAL_SEQUENCE_RNN", ("f32", "f16", "hybrid"))
def unidirectional_sequence_rnn(g: Generator) -> Draft:
    depth, hidden, major = g.integer(1, 6), g.integer(1, 6), g.flag()
    x, batch = sequence(g, depth, major, 1.0)
    parts = {
        "x": x,
        "w": g.weights((hidden, depth), axis=None),
        "r": g.weights((hidden, hidden), axis=None),
        "b": g.bias(hidden),
    }
    fields = {"fusedActivationFunction": activated(g, parts, ("r",)), "timeMajor": major}
    return Draft(
        "UNIDIRECTIONAL_SEQUENCE_RNN",
        parts,
        "SequenceRNNOptions",
        fields,
        order=("x", "w", "r", "b", "h"),
        states={"h": (batch, hidden)},
    )


@operator("BIDIRECTIONAL_SEQUENCE_RNN", ("f32", "f16"))
def bidirectional_sequence_rnn(g: Generator) -> Draft:
    depth, hidden, major, merged = g.integer(1, 6), g.integer(1, 6), g.flag(), g.flag()
    x, batch = sequence(g, depth, major, 1.0)
    parts = {"x": x}
    for k in "fb":
        parts[f"{k}w"] = g.weights((hidden, depth), axis=None)
        parts[f"{k}r"] = g.weights((hidden, hidden), axis=None)
        parts[f"{k}b"] = g.bias(hidden)
    names = ["x", "fw", "fr", "fb", "fh", "bw", "br", "bb", "bh", "", "", ""]
    second = g.choice(0, 1, 2) if major else g.choice(0, 2)
    if second:
        # LiteRT steps through the second sequence by the first one's depth where steps come first.
        aside = depth if major else g.integer(1, 5)
        parts["a"] = g.feed((*x.data.shape[:2], aside), -1.0, 1.0)
        names[9] = "a"
    if second == 2:
        for i, k in enumerate("fb"):
            parts[f"{k}a"] = g.weights((hidden, aside), axis=None)
            names[10 + i] = f"{k}a"
    fields = {
        "fusedActivationFunction": activated(g, parts, ("fr", "br")),
        "timeMajor": major,
        "mergeOutputs": merged,
    }
    return Draft(
        "BIDIRECTIONAL_SEQUENCE_RNN",
        parts,
        "BidirectionalSequenceRNNOptions",
        fields,
        outputs=("y",) if merged else ("y", "z"),
        order=tuple(names),
        states={"fh": (batch, hidden), "bh": (batch, hidden)},
    )


@operator("RNN", ("f32", "hybrid"))
def rnn(g: Generator) -> Draft:
    batch, depth, hidden = (g.integer(1, k) for k in (3, 6, 6))
    inputs = {
        "x": g.feed((batch, depth)),
        "w": g.weights((hidden, depth), axis=None),
        "r": g.weights((hidden, hidden), axis=None),
        "b": g.bias(hidden),
    }
    fields = {"fusedActivationFunction": g.choice(TANH, RELU, NONE)}
    names = ("x", "w", "r", "b", "h")
    return Draft("RNN", inputs, "RNNOptions", fields, order=names, states={"h": (batch, hidden)})
