# SPDX-License-Identifier: Apache-2.0
"""Sums, products, functions of one tensor, softmax, requantization."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from tests.kernels.contract import Struct, model
from tests.kernels.contract.elementwise import UNARY

from ..recording import (
    F32,
    Array,
    Params,
    QuantizedCase,
    Recorder,
    Rng,
    Tensor,
    from_bytes,
    number,
    ref,
)
from ..values import clamps_of, dims, integers, near, params_of, tensor_of, usual_scale

SUMS = 50
PRODUCTS = 24
SOFTMAXES = 24
REQUANTIZATIONS = 40


def elementwise_cases(rng: Rng) -> Iterator[QuantizedCase]:
    """Yield cases of every elementwise operator."""
    for i in range(SUMS):
        yield addition(rng, *_broadcast(rng), subtract=i % 3 == 2)
    yield addition(rng, (3, 8193), (1, 1), subtract=False)
    yield addition(rng, (150, 1001), (150, 1001), subtract=True)
    for _ in range(PRODUCTS):
        yield product(rng, *_broadcast(rng))
    yield product(rng, (200, 801), (200, 801))
    for _ in range(REQUANTIZATIONS):
        yield requantization(rng, dims(rng, int(rng.integers(1, 5))))
    yield requantization(rng, (300, 999))
    for dtype in ("uint8", "int8"):
        for name in FUNCTIONS:
            yield table(rng, name, dtype)
    for _ in range(SOFTMAXES):
        rank = int(rng.integers(1, 4))
        shape = (*dims(rng, rank - 1), int(rng.choice([1, 2, 3, 4, 5, 16, 17, 100, 1001])))
        yield softmax(rng, shape)
    yield softmax(rng, (400, 91))


def _broadcast(rng: Rng) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return two shapes that broadcast."""
    rank = int(rng.integers(1, 5))
    full = list(dims(rng, rank))
    full[-1] = int(rng.choice([1, 2, 3, 15, 16, 17, 33, 64]))
    shapes = [tuple(1 if rng.random() < 0.25 else d for d in full) for _ in range(2)]
    return shapes[0], shapes[1][int(rng.integers(rank)) if rng.random() < 0.3 else 0 :]


def _broadcast_struct(a: tuple[int, ...], b: tuple[int, ...]) -> Struct:
    """Return the broadcast_shape of two contiguous operands."""
    out = np.broadcast_shapes(a, b)
    strides = []
    for shape in (a, b):
        view = np.broadcast_to(np.empty(shape, np.int8), out)
        strides.append(view.strides)
    return Struct(rank=len(out), dims=out, a_strides=strides[0], b_strides=strides[1])


def _binary(op: str, a: Tensor, b: Tensor, y: Params, clamps: Any) -> tuple[Recorder, str]:
    rec = Recorder()
    value = rec.call(op, ref(rec.tensor(a)), ref(rec.tensor(b)))
    rank = max(a.values.ndim, b.values.ndim)
    return rec, rec.quantize(rec.clamps(value, clamps), rank, y)


def addition(
    rng: Rng, a_shape: tuple[int, ...], b_shape: tuple[int, ...], *, subtract: bool
) -> QuantizedCase:
    """Return a + b or a - b, by the fixed-point form of the two ratios of scales."""
    a = tensor_of(rng, a_shape)
    far = rng.random() < 0.2
    exponent = float(rng.choice([-9.0, 7.5])) if far else float(rng.uniform(-3, 3))
    b = tensor_of(rng, b_shape, scale=a.params.scale * 2.0**exponent)
    larger = max(a.params.scale, b.params.scale)
    y, clamps = params_of(rng, larger * 2.0 ** float(rng.uniform(-0.5, 1))), clamps_of(rng)
    ratio_a = float(F32(a.params.scale) / F32(y.scale))
    ratio_b = float(F32(b.params.scale) / F32(y.scale)) * (-1 if subtract else 1)
    shift = 20 - math.floor(math.log2(max(ratio_a, abs(ratio_b))))
    a_multiplier, b_multiplier = round(ratio_a * 2**shift), round(ratio_b * 2**shift)
    bias = 2 ** (shift - 1) - a_multiplier * a.params.zero - b_multiplier * b.params.zero
    shape = _broadcast_struct(a_shape, b_shape)
    out = np.zeros(shape.dims, np.uint8)
    lo, hi = y.bounds(clamps)
    model("qu8_add")(
        out.reshape(-1),
        a.bytes.ravel(),
        b.bytes.ravel(),
        *(a_multiplier, b_multiplier, bias, shift, y.zero, lo, hi, shape),
    )
    op = "sub" if subtract else "add"
    rec, output = _binary(op, a, b, y, clamps)
    note = f"{op} {a_shape} {b_shape} {a.params} {b.params} -> {y} clamps {clamps}"
    return QuantizedCase(note, rec.case(output), {output: from_bytes(out, y)}, ("qu8_add",))


def product(rng: Rng, a_shape: tuple[int, ...], b_shape: tuple[int, ...]) -> QuantizedCase:
    """Return a * b."""
    a, b = tensor_of(rng, a_shape), tensor_of(rng, b_shape)
    spread = float(rng.choice([1e-9, 20, 60, 60, 127, 1e9]))
    y = params_of(rng, a.params.scale * b.params.scale * spread)
    clamps = clamps_of(rng)
    lo, hi = y.bounds(clamps)
    scale = F32(a.params.scale) * F32(b.params.scale) / F32(y.scale)
    shape = _broadcast_struct(a_shape, b_shape)
    out = np.zeros(shape.dims, np.uint8)
    model("qu8_mul")(
        out.reshape(-1),
        a.bytes.ravel(),
        b.bytes.ravel(),
        *(scale, a.params.zero, b.params.zero, y.zero, lo, hi, shape),
    )
    rec, output = _binary("mul", a, b, y, clamps)
    note = f"mul {a_shape} {b_shape} {a.params} {b.params} -> {y} clamps {clamps}"
    return QuantizedCase(note, rec.case(output), {output: from_bytes(out, y)}, ("qu8_mul",))


# ---------------------------------------------------------------------------
# One tensor


def requantized(data: Array, x: Params, y: Params, lo: int = 0, hi: int = 255) -> Array:
    """Return bytes of ``x`` as bytes of ``y``."""
    out = np.zeros(data.size, np.uint8)
    scale = F32(x.scale) / F32(y.scale)
    model("qu8_requantize")(out, data.ravel(), scale, x.zero, y.zero, lo, hi)
    return out.reshape(data.shape)


def requantization(rng: Rng, shape: tuple[int, ...]) -> QuantizedCase:
    """Return a tensor in other parameters, bounded by at most one clamp."""
    x = tensor_of(rng, shape)
    y = near(rng, x.params)
    kind = rng.random()
    if kind < 0.15:
        y = params_of(rng, x.params.scale * 2.0 ** float(rng.choice([-100, -30, 30, 100])))
    elif kind < 0.3:  # the other type, the same numbers
        move = -128 if x.params.dtype == "uint8" else 128
        other = "int8" if x.params.dtype == "uint8" else "uint8"
        y = Params(other, x.params.scale, x.params.zero_point + move)
    clamps = clamps_of(rng)[:1]
    lo, hi = y.bounds(clamps)
    out = requantized(x.bytes, x.params, y, lo, hi)
    rec = Recorder()
    output = rec.quantize(rec.clamps(rec.tensor(x), clamps), len(shape), y)
    copied = x.params.same_bytes(y) and (lo, hi) == (0, 255)
    note = f"requantize {shape} {x.params} -> {y} clamps {clamps}"
    kernels = () if copied else ("qu8_requantize",)
    return QuantizedCase(
        note, rec.case(output), {output: from_bytes(out, y)}, kernels, moves=copied
    )


def _function(op: int, p: float = 0.0, q: float = 0.0) -> Callable[[Array], Array]:
    return lambda v: UNARY[op](v, p, q)


FUNCTIONS: dict[str, tuple[list[Any], Callable[[Array], Array]]] = {
    "sigmoid": ([], _function(1)),
    "tanh": ([], _function(3)),
    "exp": ([], _function(2)),
    "gelu": ([], _function(17)),
    "elu": ([{"alpha": 0.75}], _function(18, 0.75)),
    "leakyRelu": ([{"alpha": 0.1}], _function(22, 0.1)),
    "hardSigmoid": ([{"alpha": 0.25, "beta": 0.5}], _function(23, 0.25, 0.5)),
    "hardSwish": ([], _function(24)),
    "abs": ([], _function(4)),
    "neg": ([], _function(5)),
    "div": ([3.7], lambda v: v / F32(3.7)),
    "clamp": ([{"minValue": -0.5, "maxValue": 0.75}], _function(0, -0.5, 0.75)),
}
"""Builder method, its arguments but for the operand, and what it computes in float32."""


def table(rng: Rng, name: str, dtype: str) -> QuantizedCase:
    """Return a function of each byte; clamp is taken twice, so that it is no requantization."""
    arguments, function = FUNCTIONS[name]
    scale = 2.0 ** float(rng.uniform(-7, -3))
    x = Tensor(integers(rng, dtype, (3, 100)), params_of(rng, scale, dtype))
    unit = params_of(rng, float(rng.choice([1 / 256, 1 / 128, 1 / 20])))
    real = (x.values.astype(np.int64) - x.params.zero_point).astype(F32) * F32(x.params.scale)
    out = np.zeros(x.values.size, np.uint8)
    with np.errstate(all="ignore"):
        model("f32_qu8_quantize")(out, function(real).ravel(), unit.scale, unit.zero)
    rec = Recorder()
    operand = rec.tensor(x)
    if name == "div":
        value = rec.call("div", ref(operand), ref(rec.constant(np.full((1, 1), arguments[0], F32))))
    else:
        value = rec.call(name, ref(operand), *arguments)
    if name == "clamp":
        value = rec.call("clamp", ref(value), {"minValue": number(-np.inf), "maxValue": 100})
    output = rec.quantize(value, 2, unit)
    note = f"{name} {x.params} -> {unit}"
    expected = {output: from_bytes(out.reshape(x.values.shape), unit)}
    return QuantizedCase(note, rec.case(output), expected, ("x8_lut",))


def softmax(rng: Rng, shape: tuple[int, ...]) -> QuantizedCase:
    """Return softmax over the last axis."""
    scale = float(rng.choice([usual_scale(rng), 2.0**-12, 40.0]))
    x = tensor_of(rng, shape, scale=scale)
    y = params_of(rng, float(rng.choice([1 / 256, 1 / 256, 1 / 128, 1 / 3, 2.0**-30])))
    if rng.random() < 0.5:
        y = Params(y.dtype, 1 / 256, np.iinfo(y.dtype).min)
    clamps = clamps_of(rng)
    lo, hi = y.bounds(clamps)
    exponentials = np.zeros(256, np.uint32)
    model("qu8_softmax_table")(exponentials, F32(x.params.scale))
    out = np.zeros(x.values.size, np.uint8)
    last = shape[-1]
    model("qu8_softmax")(out, x.bytes.ravel(), exponentials, y.scale, y.zero, lo, hi, last)
    rec = Recorder()
    value = rec.call("softmax", ref(rec.tensor(x)), len(shape) - 1)
    output = rec.quantize(rec.clamps(value, clamps), len(shape), y)
    note = f"softmax {shape} {x.params} -> {y} clamps {clamps}"
    expected = {output: from_bytes(out.reshape(shape), y)}
    return QuantizedCase(note, rec.case(output), expected, ("qu8_softmax",))
