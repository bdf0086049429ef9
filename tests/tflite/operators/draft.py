# SPDX-License-Identifier: Apache-2.0
"""Random models of one operator, drawn in real numbers and written in any of TFLite's codings.

An operator's function draws a `Draft`: shapes, options and real values. `write` turns it into a
model of one of KINDS; the scales of quantized outputs come from what LiteRT makes of the same draft
in float32.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from tests.tflite.tiny_models import Array, Operator, Tensor

KINDS = {
    "f32": "float32",
    "f16": "float32 with float16 constants",
    "hybrid": "float32 with int8 constants",
    "u8": "uint8",
    "i8": "int8",
    "i16": "int16 with int8 constants",
    "i32": "int32",
    "i64": "int64",
    "bool": "bool",
}
FLOAT, BYTES = ("f32",), ("u8", "i8")
REAL = ("f32", "u8", "i8", "i16")
WEIGHTED = ("f32", "f16", "hybrid", "u8", "i8", "i16")
MOVED = ("f32", "u8", "i8", "i16", "i32", "i64", "bool")
DTYPES = {"u8": "uint8", "i8": "int8", "i16": "int16", "i32": "int32", "i64": "int64"}
CODED = ("u8", "i8", "i16")

NONE, RELU, RELU_N1, RELU6, TANH = range(5)

Coding = str | Mapping[str, tuple[float, int]]


@dataclass(frozen=True)
class Part:
    """An input of an operator.

    ``role``: "feed" (an input of the model), "fixed" (a constant in the kind's coding), "weights",
    "bias" (in units of first input × weights), "literal" (a constant as it is).
    """

    data: Array
    role: str
    low: float = 0.0
    high: float = 0.0
    axis: int | None = None
    coding: tuple[float, int] | None = None


@dataclass(frozen=True)
class Draft:
    """One operator with its inputs.

    ``coding`` of quantized outputs: "free" (from their range), "same" (one for all feeds and
    outputs), or scale and zero point by kind. ``rough`` says,
    by kind, how many steps LiteRT's own kernel may be from the exact result; octet then has to be
    within one step of that. ``inner`` makes of coded outputs the coded states and
    ``intermediates``. ``chain`` are the operators where one does not make a model, and ``between``
    the tensors that they hand on; in plain kinds only.
    """

    name: str
    inputs: dict[str, Part]
    options: str | None = None
    fields: dict[str, Any] = field(default_factory=dict)
    outputs: tuple[str, ...] = ("y",)
    coding: Coding = "free"
    output_dtype: str | None = None
    output_dtypes: dict[str, str] = field(default_factory=dict)
    order: tuple[str, ...] | None = None
    states: dict[str, tuple[int, ...]] = field(default_factory=dict)
    inner: Callable[[dict[str, Tensor]], dict[str, Tensor]] | None = None
    intermediates: tuple[str, ...] = ()
    chain: tuple[Operator, ...] = ()
    between: dict[str, Tensor] = field(default_factory=dict)
    custom_options: bytes | None = None
    rough: Mapping[str, int] = field(default_factory=dict)


class Generator:
    """Draws the parts of one model; ``kind`` is a key of KINDS."""

    def __init__(self, seed: list[int], kind: str) -> None:
        self.rng = np.random.default_rng(seed)
        self.kind = kind

    @property
    def real(self) -> bool:
        """Whether values stand for real numbers."""
        return self.kind not in ("i32", "i64", "bool")

    def integer(self, low: int, high: int) -> int:
        """A number from low to high, both included."""
        return int(self.rng.integers(low, high + 1))

    def choice(self, *values: Any) -> Any:
        return values[self.integer(0, len(values) - 1)]

    def flag(self) -> bool:
        return bool(self.integer(0, 1))

    def shape(self, low: int = 1, high: int = 4, most: int = 6) -> tuple[int, ...]:
        """A shape of low to high dimensions."""
        return tuple(self.integer(1, most) for _ in range(self.integer(low, high)))

    def activation(self) -> int:
        return int(self.choice(NONE, RELU, RELU_N1, RELU6))

    def values(self, shape: tuple[int, ...], low: float, high: float) -> Array:
        """Random content of the kind: uniform real numbers, whole ones, or flags."""
        if self.kind == "bool":
            return self.rng.integers(0, 2, shape).astype(bool)
        if not self.real:
            lowest, highest = int(np.ceil(low)), int(np.floor(high))
            return self.rng.integers(lowest, highest + 1, shape).astype(DTYPES[self.kind])
        return self.rng.uniform(low, high, shape).astype(np.float32)

    def feed(
        self, shape: tuple[int, ...], low: float = -4.0, high: float = 4.0, **more: Any
    ) -> Part:
        """An input of the model."""
        return Part(self.values(shape, low, high), "feed", low, high, **more)

    def fixed(self, shape: tuple[int, ...], low: float = -4.0, high: float = 4.0) -> Part:
        """A constant coded like an input."""
        return Part(self.values(shape, low, high), "fixed", low, high)

    def weights(self, shape: tuple[int, ...], axis: int | None = 0) -> Part:
        """Constant weights; per channel of ``axis`` in int8, or one scale where that is None."""
        return Part(self.values(shape, -1.0, 1.0), "weights", -1.0, 1.0, axis)

    def bias(self, channels: int) -> Part:
        return Part(self.values((channels,), -2.0, 2.0), "bias", -2.0, 2.0)

    def flags(self, shape: tuple[int, ...]) -> Part:
        """Booleans as an input, whatever the kind."""
        return Part(self.rng.integers(0, 2, shape).astype(bool), "feed")

    def indices(self, shape: tuple[int, ...], below: int, dtype: str = "int32") -> Part:
        """Indices as an input, whatever the kind."""
        return Part(self.rng.integers(0, below, shape).astype(dtype), "feed")


def literal(data: Any, dtype: str = "int32") -> Part:
    """A constant as it is."""
    return Part(np.asarray(data, dtype), "literal")


Draw = Callable[[Generator], Draft]


@dataclass(frozen=True)
class Entry:
    """An operator the tests know: what draws it and in which kinds."""

    name: str
    draw: Draw
    kinds: tuple[str, ...]


ENTRIES: dict[str, Entry] = {}


def operator(name: str, kinds: tuple[str, ...] | str, variant: str = "") -> Callable[[Draw], Draw]:
    """Register a function that draws the operator; ``variant`` tells apart several of one name."""

    def register(draw: Draw) -> Draw:
        words = tuple(kinds.split()) if isinstance(kinds, str) else kinds
        key = f"{name} {variant}".strip()
        assert key not in ENTRIES, key
        ENTRIES[key] = Entry(name, draw, words)
        return draw

    return register


def parts_operator(draft: Draft) -> Operator:
    """The draft's operator over its own names."""
    inputs = draft.order or tuple(draft.inputs)
    return Operator(
        draft.name,
        inputs,
        draft.outputs,
        draft.options,
        dict(draft.fields),
        draft.custom_options,
    )


def plain_tensor(part: Part) -> Tensor:
    """A part without quantization: constant unless it is fed."""
    data = None if part.role == "feed" else part.data
    return Tensor(part.data.shape, part.data.dtype.name, data=data)


def in_float(draft: Draft) -> Draft:
    """The draft with float parts as float32."""

    def converted(part: Part) -> Part:
        if part.data.dtype.kind != "f":
            return part
        return replace(part, data=part.data.astype(np.float32))

    return replace(draft, inputs={k: converted(p) for k, p in draft.inputs.items()})
