# SPDX-License-Identifier: Apache-2.0
"""Arithmetic, comparisons, logic and elementwise functions."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.tflite.operators.draft import (
    DTYPES,
    MOVED,
    NONE,
    REAL,
    Draft,
    Generator,
    Part,
    literal,
    operator,
)

WHOLE = ("i32", "i64")


def broadcast_pair(g: Generator) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Two shapes that broadcast; often equal."""
    whole = g.shape(1, 4)
    if g.flag():
        return whole, whole
    thin = [d if g.flag() else 1 for d in whole][g.integer(0, len(whole) - 1) :]
    pair = whole, tuple(thin)
    return pair if g.flag() else (pair[1], pair[0])


def pair(g: Generator, low: float = -4.0, high: float = 4.0) -> dict[str, Part]:
    """Two inputs; the second sometimes a constant."""
    a, b = broadcast_pair(g)
    constant = g.integer(0, 3) == 0
    second = g.fixed(b, low, high) if constant else g.feed(b, low, high)
    return {"a": g.feed(a, low, high), "b": second}


def binary(name: str, options: str | None, kinds: tuple[str, ...], **more: Any) -> None:
    low, high = more.pop("low", -4.0), more.pop("high", 4.0)

    def draw(g: Generator) -> Draft:
        fields = {}
        if options:
            fields["fusedActivationFunction"] = g.activation() if g.real else NONE
        return Draft(name, pair(g, low, high), options, fields, **more)

    operator(name, kinds)(draw)


binary("ADD", "AddOptions", (*REAL, *WHOLE))
binary("SUB", "SubOptions", (*REAL, *WHOLE))
binary("MUL", "MulOptions", (*REAL, *WHOLE))
binary("MAXIMUM", None, (*REAL, *WHOLE), coding="same")
binary("MINIMUM", None, (*REAL, *WHOLE), coding="same")
binary("SQUARED_DIFFERENCE", None, ("f32", "i8", "i32"))


DIVISORS = {"u8": (0.02, 0), "i8": (0.04, 0), "i16": (0.0002, 0)}


@operator("DIV", ("f32", "u8", "i8", "i16", "i32"))
def div(g: Generator) -> Draft:
    a, b = broadcast_pair(g)
    activation = g.activation() if g.real else NONE
    inputs = {"a": g.feed(a, -9, 9), "b": g.feed(b, 1, 5)}
    if g.kind in DIVISORS:
        # A divisor of zero is an error of the model: the coded range starts above it.
        inputs["b"] = Part(inputs["b"].data, "feed", coding=DIVISORS[g.kind])
    fields = {"fusedActivationFunction": activation}
    # Of int8, LiteRT's shifts turn some quotients near 0 into the lowest integer.
    return Draft("DIV", inputs, "DivOptions", fields, rough={"i8": 255})


def divided(name: str, kinds: tuple[str, ...]) -> None:
    def draw(g: Generator) -> Draft:
        a, b = broadcast_pair(g)
        divisor = g.feed(b, 1, 5)
        signs = g.rng.choice([-1, 1], b).astype(divisor.data.dtype)
        divisor = Part(divisor.data * signs, "feed", -5.0, 5.0)
        return Draft(name, {"a": g.feed(a, -9, 9), "b": divisor}, f"{_title(name)}Options")

    operator(name, kinds)(draw)


def _title(name: str) -> str:
    return "".join(word.title() for word in name.split("_"))


divided("FLOOR_DIV", ("f32", "i32"))
divided("FLOOR_MOD", ("f32", "i32", "i64"))


@operator("POW", ("f32", "i32"))
def power(g: Generator) -> Draft:
    a, b = broadcast_pair(g)
    low = 0.1 if g.real else 1
    return Draft("POW", {"a": g.feed(a, low, 4), "b": g.feed(b, low, 3)})


@operator("ADD_N", ("f32", "i32"))
def add_n(g: Generator) -> Draft:
    shape = g.shape()
    return Draft("ADD_N", {f"x{k}": g.feed(shape) for k in range(g.integer(2, 5))}, "AddNOptions")


def comparison(name: str, kinds: tuple[str, ...]) -> None:
    def draw(g: Generator) -> Draft:
        a, b = broadcast_pair(g)
        inputs = {"a": g.feed(a), "b": g.feed(b)}
        coding = "same" if g.kind == "i16" or (g.real and g.flag()) else "free"
        return Draft(name, inputs, f"{_title(name)}Options", coding=coding, output_dtype="bool")

    operator(name, kinds)(draw)


for _name in ("EQUAL", "NOT_EQUAL"):
    comparison(_name, (*REAL, "i32", "i64", "bool"))
for _name in ("GREATER", "GREATER_EQUAL", "LESS", "LESS_EQUAL"):
    comparison(_name, (*REAL, "i32", "i64"))


@operator("LOGICAL_AND", ("bool",))
def logical_and(g: Generator) -> Draft:
    return Draft("LOGICAL_AND", pair(g), "LogicalAndOptions")


@operator("LOGICAL_OR", ("bool",))
def logical_or(g: Generator) -> Draft:
    return Draft("LOGICAL_OR", pair(g), "LogicalOrOptions")


@operator("LOGICAL_NOT", ("bool",))
def logical_not(g: Generator) -> Draft:
    return Draft("LOGICAL_NOT", {"x": g.feed(g.shape())}, "LogicalNotOptions")


@operator("SELECT", (*REAL, "i32", "i64", "bool"))
def select(g: Generator) -> Draft:
    # LiteRT makes a scalar of three single elements.
    shape = (2, *g.shape(1, 3))
    condition = shape if g.flag() else shape[:1]
    inputs = {"c": g.flags(condition), "a": g.feed(shape), "b": g.feed(shape)}
    return Draft("SELECT", inputs, "SelectOptions", coding="same", output_dtype=dtype(g))


@operator("SELECT_V2", (*REAL, "i32", "i64", "bool"))
def select_v2(g: Generator) -> Draft:
    # LiteRT makes a scalar of three single elements.
    shape = (2, *g.shape(0, 3))
    thin = tuple(d if g.flag() else 1 for d in shape)
    inputs = {"c": g.flags(shape), "a": g.feed(shape), "b": g.feed(thin)}
    return Draft("SELECT_V2", inputs, "SelectV2Options", coding="same", output_dtype=dtype(g))


def dtype(g: Generator) -> str:
    """The type that the kind's values have before they are coded."""
    return str(g.values((), 0, 1).dtype)


# One input, one output of its shape.

LOGISTIC = {"u8": (1 / 256, 0), "i8": (1 / 256, -128), "i16": (1 / 32768, 0)}
TANH_CODING = {"u8": (1 / 128, 128), "i8": (1 / 128, 0), "i16": (1 / 32768, 0)}
LOG_SOFTMAX = {"u8": (16 / 256, 255), "i8": (16 / 256, 127)}


def unary(name: str, kinds: tuple[str, ...], low: float, high: float, **more: Any) -> None:
    options = more.pop("options", None)

    def draw(g: Generator) -> Draft:
        return Draft(name, {"x": g.feed(g.shape(), low, high)}, options, **more)

    operator(name, kinds)(draw)


# LiteRT's int16 kernels interpolate in tables of 513 entries, which saturate one by one.
TABLE = {"i16": 64}

unary("ABS", ("f32", "i8", "i16", "i32"), -5, 5, options="AbsOptions")
unary("CEIL", ("f32",), -5, 5)
unary("FLOOR", ("f32",), -5, 5)
unary("ROUND", ("f32",), -5, 5)
unary("SIGN", ("f32", "i32"), -5, 5)
unary("SQUARE", ("f32",), -5, 5, options="SquareOptions")
unary("SQRT", ("f32", "i8", "i16"), 1, 9, rough=TABLE)
unary("RSQRT", ("f32", "i8", "i16"), 1, 9, rough=TABLE)
unary("EXP", ("f32", "i8", "i16"), -4, 4, options="ExpOptions", rough=TABLE)
unary("LOG", ("f32", "i8", "i16"), 1, 9, rough=TABLE)
unary("SIN", ("f32",), -9, 9)
unary("COS", ("f32",), -9, 9, options="CosOptions")
unary("ELU", ("f32", "i8"), -5, 5)
unary("HARD_SWISH", ("f32", "u8", "i8"), -6, 6, options="HardSwishOptions")
unary("LOGISTIC", REAL, -8, 8, coding=LOGISTIC, rough=TABLE)
unary("TANH", REAL, -4, 4, coding=TANH_CODING, rough=TABLE)
unary("RELU", REAL, -5, 5)
unary("RELU6", REAL, -4, 8)
unary("RELU_N1_TO_1", REAL[:3], -3, 3)
unary("RELU_0_TO_1", REAL[:3], -3, 3)
unary("ZEROS_LIKE", ("f32", "i32", "i64"), -3, 3, options="ZerosLikeOptions")


@operator("GELU", REAL)
def gelu(g: Generator) -> Draft:
    return Draft(
        "GELU", {"x": g.feed(g.shape())}, "GeluOptions", {"approximate": g.flag()}, rough=TABLE
    )


@operator("NEG", ("f32", "i8", "i16", "i32", "i64"))
def neg(g: Generator) -> Draft:
    # LiteRT negates what is stored, without zero points, and the lowest integer stays.
    coding = {"i8": (0.04, 0), "i16": (0.0002, 0)}
    inputs = {"x": g.feed(g.shape(), -5, 5, coding=coding.get(g.kind))}
    return Draft("NEG", inputs, "NegOptions", coding="same")


@operator("LEAKY_RELU", REAL)
def leaky_relu(g: Generator) -> Draft:
    fields = {"alpha": float(np.float32(g.rng.uniform(0.01, 0.5)))}
    return Draft("LEAKY_RELU", {"x": g.feed(g.shape())}, "LeakyReluOptions", fields)


@operator("PRELU", ("f32", "f16", "u8", "i8"))
def prelu(g: Generator) -> Draft:
    shape = g.shape(4, 4)
    alpha = (shape[-1],) if g.kind == "f16" else (1, 1, shape[-1])
    slope = g.fixed(alpha, -0.5, 1.0)
    return Draft("PRELU", {"x": g.feed(shape), "a": slope})


@operator("SOFTMAX", REAL)
def softmax(g: Generator) -> Draft:
    beta = 1.0 if g.kind == "i16" or g.flag() else 0.5
    coding = {"u8": (1 / 256, 0), "i8": (1 / 256, -128), "i16": (1 / 32768, 0)}
    inputs = {"x": g.feed(g.shape(most=12))}
    return Draft("SOFTMAX", inputs, "SoftmaxOptions", {"beta": beta}, coding=coding, rough=TABLE)


@operator("LOG_SOFTMAX", REAL[:3])
def log_softmax(g: Generator) -> Draft:
    inputs = {"x": g.feed(g.shape(most=12))}
    return Draft("LOG_SOFTMAX", inputs, "LogSoftmaxOptions", coding=LOG_SOFTMAX)


@operator("L2_NORMALIZATION", REAL[:3])
def l2_normalization(g: Generator) -> Draft:
    coding = {"u8": (1 / 128, 128), "i8": (1 / 128, 0)}
    inputs = {"x": g.feed(g.shape(most=12))}
    return Draft("L2_NORMALIZATION", inputs, "L2NormOptions", coding=coding)


@operator("LOCAL_RESPONSE_NORMALIZATION", ("f32",))
def local_response_normalization(g: Generator) -> Draft:
    fields = {
        "radius": g.integer(1, 4),
        "bias": float(g.choice(1.0, 2.0)),
        "alpha": float(g.choice(0.5, 1.0)),
        "beta": float(g.choice(0.5, 0.75, 1.0)),
    }
    inputs = {"x": g.feed(g.shape(4, 4, most=10))}
    options = "LocalResponseNormalizationOptions"
    return Draft("LOCAL_RESPONSE_NORMALIZATION", inputs, options, fields)


# Changes of coding.


@operator("QUANTIZE", ("u8", "i8", "i16"), "of float")
def quantize_float(g: Generator) -> Draft:
    part = g.feed(g.shape())
    return Draft("QUANTIZE", {"x": part}, "QuantizeOptions", coding="from float")


@operator("QUANTIZE", ("u8", "i8"), "of the other")
def quantize_other(g: Generator) -> Draft:
    part = g.feed(g.shape())
    return Draft("QUANTIZE", {"x": part}, "QuantizeOptions", coding="from other")


@operator("QUANTIZE", ("u8", "i8", "i16"))
def quantize_again(g: Generator) -> Draft:
    return Draft("QUANTIZE", {"x": g.feed(g.shape())}, "QuantizeOptions", coding="again")


@operator("DEQUANTIZE", ("u8", "i8", "i16"))
def dequantize(g: Generator) -> Draft:
    inputs = {"x": g.feed(g.shape())}
    return Draft("DEQUANTIZE", inputs, "DequantizeOptions", coding="to float")


@operator("FAKE_QUANT", ("f32",))
def fake_quant(g: Generator) -> Draft:
    fields = {
        "min": float(np.float32(g.rng.uniform(-4, -0.5))),
        "max": float(np.float32(g.rng.uniform(0.5, 4))),
        "numBits": g.choice(4, 8),
        "narrowRange": False,
    }
    return Draft("FAKE_QUANT", {"x": g.feed(g.shape())}, "FakeQuantOptions", fields)


CAST_TYPES = {
    "float32": 0,
    "float16": 1,
    "int32": 2,
    "uint8": 3,
    "int64": 4,
    "bool": 6,
    "int16": 7,
    "int8": 9,
}


@operator("CAST", MOVED)
def cast(g: Generator) -> Draft:
    own = DTYPES.get(g.kind, dtype(g))
    to = g.choice(*(name for name in CAST_TYPES if name != own))
    low = 0 if to == "uint8" else -5
    data = g.values(g.shape(), low, 99).astype(own)
    fields = {"inDataType": CAST_TYPES[own], "outDataType": CAST_TYPES[to]}
    inputs = {"x": Part(data, "feed")}
    return Draft("CAST", inputs, "CastOptions", fields, coding="raw", output_dtype=to)


@operator("RANGE", ("f32", "i32", "i64"))
def range_(g: Generator) -> Draft:
    kind = dtype(g)
    start, count = g.integer(-5, 5), g.integer(1, 9)
    step = g.choice(-2, -1, 1, 3)
    inputs = {
        "s": literal(start, kind),
        "e": literal(start + step * count, kind),
        "d": literal(step, kind),
    }
    return Draft("RANGE", inputs, "RangeOptions", output_dtype=kind)
