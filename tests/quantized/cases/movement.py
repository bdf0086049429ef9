# SPDX-License-Identifier: Apache-2.0
"""Operators that move elements: they commute with quantization, so bytes are moved."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from ..recording import (
    Array,
    Params,
    QuantizedCase,
    Recorder,
    Rng,
    Tensor,
    from_bytes,
    number,
    ref,
    refs,
)
from ..values import clamps_of, dims, near, params_of, tensor_of
from .elementwise import requantized

MOVES_EACH = 8
CONCATS = 24
PADS = 24


def movement_cases(rng: Rng) -> Iterator[QuantizedCase]:
    """Yield cases of every operator that moves elements."""
    for name in MOVERS:
        for _ in range(MOVES_EACH):
            yield moved(rng, name)
    for _ in range(PADS):
        yield padded(rng)
    for _ in range(CONCATS):
        yield joined(rng)


Mover = Callable[[Rng, Array], tuple[Array, list[Any]]]


def _reshape(rng: Rng, x: Array) -> tuple[Array, list[Any]]:
    shape = [1, x.shape[0], *x.shape[1:]] if rng.random() < 0.5 else [x.size]
    return x.reshape(shape), [shape]


def _transpose(rng: Rng, x: Array) -> tuple[Array, list[Any]]:
    permutation = [int(p) for p in rng.permutation(x.ndim)]
    return x.transpose(permutation), [{"permutation": permutation}]


def _slice(rng: Rng, x: Array) -> tuple[Array, list[Any]]:
    starts = [int(rng.integers(d)) for d in x.shape]
    sizes = [int(rng.integers(1, d - s + 1)) for d, s in zip(x.shape, starts, strict=True)]
    at = tuple(slice(s, s + n) for s, n in zip(starts, sizes, strict=True))
    return x[at], [starts, sizes]


def _expand(rng: Rng, x: Array) -> tuple[Array, list[Any]]:
    shape = [int(rng.integers(1, 4)), *(int(d) for d in x.shape)]
    return np.broadcast_to(x, shape), [shape]


def _tile(rng: Rng, x: Array) -> tuple[Array, list[Any]]:
    times = [int(n) for n in rng.integers(1, 4, x.ndim)]
    return np.tile(x, times), [times]


MOVERS: dict[str, Mover] = {
    "reshape": _reshape,
    "transpose": _transpose,
    "slice": _slice,
    "expand": _expand,
    "tile": _tile,
}
"""Builder method, and its result on an array with its arguments but for the operand."""


def _result(
    note: str, rec: Recorder, value: str, data: Array, params: tuple[Params, Params], clamps: Any
) -> QuantizedCase:
    """Return the case whose bytes, of params[0], are ``data`` before they become params[1]."""
    x, y = params
    lo, hi = y.bounds(clamps)
    output = rec.quantize(rec.clamps(value, clamps), data.ndim, y)
    same = x.same_bytes(y) and (lo, hi) == (0, 255)
    expected = {output: from_bytes(requantized(data, x, y, lo, hi), y)}
    kernels = () if same else ("qu8_requantize",)
    note = f"{note} {x} -> {y} clamps {clamps}"
    return QuantizedCase(note, rec.case(output), expected, kernels, moves=True)


def moved(rng: Rng, name: str) -> QuantizedCase:
    """Return elements somewhere else."""
    x = tensor_of(rng, dims(rng, int(rng.integers(2, 5)), 7))
    data, arguments = MOVERS[name](rng, x.bytes)
    rec = Recorder()
    value = rec.call(name, ref(rec.tensor(x)), *arguments)
    note = f"{name} {x.values.shape} {arguments}"
    return _result(note, rec, value, data, (x.params, near(rng, x.params)), clamps_of(rng)[:1])


def padded(rng: Rng) -> QuantizedCase:
    """Return padding by a number that the input's type can hold, or by its own elements."""
    x = tensor_of(rng, dims(rng, int(rng.integers(1, 5)), 6))
    mode = str(rng.choice(["constant", "constant", "edge", "reflection"]))
    most = [d if mode == "reflection" else 4 for d in x.values.shape]
    before, after = ([int(rng.integers(n)) for n in most] for _ in range(2))
    byte = int(rng.choice([x.params.zero, 0, 255, 99]))
    value = float((np.float32(byte) - x.params.zero) * np.float32(x.params.scale))
    width = list(zip(before, after, strict=True))
    if mode == "constant":
        data = np.pad(x.bytes, width, constant_values=byte)
    else:
        data = np.pad(x.bytes, width, mode="edge" if mode == "edge" else "reflect")
    options = {"mode": mode, "value": number(value)}
    rec = Recorder()
    result = rec.call("pad", ref(rec.tensor(x)), before, after, options)
    note = f"pad {x.values.shape} {before} {after} {options}"
    return _result(note, rec, result, data, (x.params, near(rng, x.params)), clamps_of(rng)[:1])


def joined(rng: Rng) -> QuantizedCase:
    """Return a concatenation of parts that each have parameters of their own, or the result's."""
    rank = int(rng.integers(1, 5))
    axis = int(rng.integers(rank))
    shape = dims(rng, rank)
    y = params_of(rng, 2.0 ** float(rng.uniform(-6, 0)))
    rec = Recorder()
    operands, parts, kernels = [], [], []
    for _ in range(int(rng.integers(2, 6))):
        size = tuple(int(rng.integers(1, 9)) if a == axis else d for a, d in enumerate(shape))
        part = tensor_of(rng, size)
        params = near(rng, y) if rng.random() < 0.6 else y
        part = Tensor(
            part.bytes if params.dtype == "uint8" else from_bytes(part.bytes, params), params
        )
        operands.append(rec.tensor(part))
        parts.append(requantized(part.bytes, params, y))
        if not params.same_bytes(y):
            kernels.append("qu8_requantize")
    value = rec.call("concat", refs(operands), axis)
    data = np.concatenate(parts, axis)
    output = rec.quantize(value, rank, y)
    note = f"concat {[p.shape for p in parts]} axis {axis} -> {y}"
    expected = {output: from_bytes(data, y)}
    return QuantizedCase(note, rec.case(output), expected, tuple(kernels), moves=True)
