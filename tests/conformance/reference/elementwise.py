# SPDX-License-Identifier: Apache-2.0
"""Elementwise operators in NumPy: floats in float64, integers in their own types, which wrap."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from octet.web.cases import Array

FLOATS = {"float16", "float32"}


def is_float(x: Array) -> bool:
    """Whether an operand stands for floats: they come as float64."""
    return bool(x.dtype.kind == "f")


def truncated_quotient(a: Array, b: Array) -> Array:
    """a / b; whole numbers truncate toward zero."""
    if is_float(a):
        return a / b
    quotient = a // b
    quotient += (a % b != 0) & ((a < 0) != (b < 0))
    return quotient


def prelu(x: Array, slope: Array) -> Array:
    """max(0, x) + slope * min(0, x)."""
    zero = np.zeros((), x.dtype)
    return np.where(x < 0, slope * x, np.maximum(x, zero) + zero * slope)


def truth(function: Callable[..., Array]) -> Callable[..., Array]:
    """Return the function with 0 and 1 of uint8 as its results."""
    return lambda *args: np.asarray(function(*args)).astype(np.uint8)


def sigmoid(x: Array) -> Array:
    """1 / (1 + exp(-x)) without overflow."""
    e = np.exp(-np.abs(x))
    return np.where(x >= 0, 1.0, e) / (1.0 + e)


def softplus(x: Array) -> Array:
    """ln(1 + exp(x))."""
    return np.maximum(x, 0.0) + np.log1p(np.exp(-np.abs(x)))


ERF = np.vectorize(math.erf, otypes=[np.float64])


def erf(x: Array) -> Array:
    """The error function."""
    return np.where(np.isnan(x), np.nan, ERF(np.where(np.isnan(x), 0.0, x)))


def gelu(x: Array) -> Array:
    """x (1 + erf(x / sqrt 2)) / 2; the small half by erfc, which keeps its digits."""
    half = np.vectorize(lambda v: 0.5 * math.erfc(-v / math.sqrt(2.0)), otypes=[np.float64])
    return np.where(x == -np.inf, np.nan, x * half(np.where(np.isnan(x), 0.0, x)))


def _lesser_or_equal_one(x: Array) -> Array:
    return np.minimum(np.maximum(x, 0.0), 1.0)


def elu(x: Array, alpha: float = 1.0) -> Array:
    """X, or alpha (exp(x) - 1) below 0."""
    return np.where(x < 0, alpha * np.expm1(np.minimum(x, 0.0)), x)


def hard_sigmoid(x: Array, alpha: float = 0.2, beta: float = 0.5) -> Array:
    """Alpha x + beta, kept in 0 to 1."""
    return _lesser_or_equal_one(alpha * x + beta)


def hard_swish(x: Array) -> Array:
    """X times x + 3, kept in 0 to 6, over 6."""
    return x * np.minimum(np.maximum(x + 3.0, 0.0), 6.0) / 6.0


def leaky_relu(x: Array, alpha: float = 0.01) -> Array:
    """X, or alpha x below 0."""
    return np.where(x < 0, alpha * x, x)


def linear(x: Array, alpha: float = 1.0, beta: float = 0.0) -> Array:
    """Alpha x + beta."""
    return alpha * x + beta


def ml_number(value: Any, dtype: np.dtype[Any]) -> Any:
    """An MLNumber in a type: whole types clamp it and cut off a fraction."""
    if dtype.kind == "f":
        return dtype.type(float(value))
    limits = np.iinfo(dtype)
    if isinstance(value, float):
        if math.isinf(value):
            return limits.max if value > 0 else limits.min
        value = math.trunc(value)
    return min(max(value, limits.min), limits.max)


def clamp(x: Array, minValue: Any = None, maxValue: Any = None) -> Array:
    """X between the bounds; an absent or NaN bound is none."""
    for bound, pick in ((minValue, np.maximum), (maxValue, np.minimum)):
        if bound is not None and bound == bound:
            x = pick(x, np.array(ml_number(bound, x.dtype), x.dtype))
    return x


def cast(x: Array, dataType: str) -> Array:
    """To float: rounded once. To whole numbers: truncated, or their low bits."""
    if dataType in FLOATS:
        return x.astype(dataType).astype(np.float64)
    return np.trunc(x).astype(dataType) if is_float(x) else x.astype(dataType)


def where(condition: Array, a: Array, b: Array) -> Array:
    """A where the condition is not 0."""
    return np.where(condition != 0, a, b)


def _power(a: Array, b: Array) -> Array:
    return np.power(a, b)


ELEMENTWISE: dict[str, Callable[..., Any]] = {
    "add": np.add,
    "sub": np.subtract,
    "mul": np.multiply,
    "div": truncated_quotient,
    "max": np.maximum,
    "min": np.minimum,
    "pow": _power,
    "prelu": prelu,
    "equal": truth(np.equal),
    "notEqual": truth(np.not_equal),
    "greater": truth(np.greater),
    "greaterOrEqual": truth(np.greater_equal),
    "lesser": truth(np.less),
    "lesserOrEqual": truth(np.less_equal),
    "logicalAnd": truth(np.logical_and),
    "logicalOr": truth(np.logical_or),
    "logicalXor": truth(np.logical_xor),
    "logicalNot": truth(np.logical_not),
    "isNaN": truth(np.isnan),
    "isInfinite": truth(np.isinf),
    "abs": np.abs,
    "neg": np.negative,
    "sign": lambda x: np.where(np.isnan(x), 0, np.sign(x)).astype(x.dtype),
    "identity": np.copy,
    "ceil": np.ceil,
    "cos": np.cos,
    "erf": erf,
    "exp": np.exp,
    "floor": np.floor,
    "log": np.log,
    "reciprocal": lambda x: 1.0 / x,
    "roundEven": np.rint,
    "sin": np.sin,
    "sqrt": np.sqrt,
    "tan": np.tan,
    "relu": lambda x: np.maximum(x, np.zeros((), x.dtype)),
    "elu": elu,
    "gelu": gelu,
    "hardSigmoid": hard_sigmoid,
    "hardSwish": hard_swish,
    "leakyRelu": leaky_relu,
    "linear": linear,
    "sigmoid": sigmoid,
    "softplus": softplus,
    "softsign": lambda x: x / (1.0 + np.abs(x)),
    "tanh": np.tanh,
    "clamp": clamp,
    "cast": cast,
    "where": where,
}
