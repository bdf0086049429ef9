# SPDX-License-Identifier: Apache-2.0
"""A tiny model with its inputs, and short words for the tensors of one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from tests.tflite.tiny_models import Array, Operator, Tensor, constant, write_model

RNG = np.random.default_rng(20240607)

SAME, VALID = 0, 1
NONE, RELU, RELU_N1, RELU6, TANH = range(5)


@dataclass(frozen=True)
class Case:
    """A model with its inputs."""

    model: bytes
    inputs: tuple[Array, ...]
    steps: int = 1
    """Quantized results may differ by so many: LiteRT multiplies in fixed point."""
    relative: float = 1e-5
    per_detection: int = 0
    """Of a detector: results per box; what LiteRT leaves behind the last is not defined."""


def values(tensor: Tensor, low: float = -2.0, high: float = 2.0) -> Array:
    """Random content for a graph input."""
    if tensor.dtype == "bool":
        return RNG.integers(0, 2, tensor.shape).astype(bool)
    if tensor.dtype.startswith("float"):
        return RNG.uniform(low, high, tensor.shape).astype(tensor.dtype)
    if tensor.scale is None:
        return RNG.integers(int(low), int(high) + 1, tensor.shape).astype(tensor.dtype)
    info = np.iinfo(tensor.dtype)
    return RNG.integers(info.min, info.max + 1, tensor.shape).astype(tensor.dtype)


def one(
    name: str,
    inputs: dict[str, Tensor],
    output: Tensor | None = None,
    options: str | None = None,
    low: float = -2.0,
    high: float = 2.0,
    **more: Any,
) -> Case:
    """A model of one operator; ``more`` are its options, ``outputs`` and what Case takes."""
    outputs = more.pop("outputs", None) or {"y": output or Tensor()}
    accuracy = {key: more.pop(key) for key in ("steps", "relative", "per_detection") if key in more}
    custom = more.pop("custom_options", None)
    operator = Operator(name, tuple(inputs), tuple(outputs), options, more, custom)
    fed = {
        key: tensor for key, tensor in inputs.items() if tensor.data is None and not tensor.variable
    }
    tensors = {key: tensor for key, tensor in inputs.items() if key} | outputs
    fed.pop("", None)
    model = write_model(tensors, [operator], tuple(fed), tuple(outputs))
    return Case(model, tuple(values(tensor, low, high) for tensor in fed.values()), **accuracy)


def f32(*shape: int) -> Tensor:
    return Tensor(shape)


def u8(*shape: int, scale: float = 2 / 128, zero_point: int = 128) -> Tensor:
    return Tensor(shape, "uint8", scale, zero_point)


def i8(*shape: int, scale: float = 2 / 128, zero_point: int = -1) -> Tensor:
    return Tensor(shape, "int8", scale, zero_point)


def i32(*shape: int) -> Tensor:
    return Tensor(shape, "int32")


def real(*shape: int) -> Tensor:
    return constant(RNG.uniform(-1, 1, shape), "float32")


def weights(kind: str, *shape: int, axis: int = 0) -> Tensor:
    """Constant weights: "f32", "u8" of one scale, "i8" of one per channel on ``axis``."""
    if kind == "f32":
        return real(*shape)
    if kind == "u8":
        data = RNG.integers(0, 256, shape)
        return constant(data, "uint8", scale=0.01, zero_point=121)
    scales = tuple(RNG.uniform(0.004, 0.02, shape[axis]).tolist())
    data = RNG.integers(-127, 128, shape)
    return constant(data, "int8", scale=scales, zero_point=0, axis=axis)


def bias(kind: str, data: Tensor, filter: Tensor) -> Tensor:
    """A bias for the filter's output channels, in units of input × filter scale."""
    channels = filter.shape[filter.axis] if kind != "u8" else filter.shape[0]
    if kind == "f32":
        return real(channels)
    assert isinstance(data.scale, float)
    assert filter.scale is not None
    if isinstance(filter.scale, tuple):
        scale: Any = tuple(data.scale * s for s in filter.scale)
    else:
        scale = data.scale * filter.scale
    return constant(RNG.integers(-2000, 2000, channels), "int32", scale=scale)


MAKERS: dict[str, Callable[..., Tensor]] = {"f32": f32, "u8": u8, "i8": i8}
OUTPUTS = {
    "f32": Tensor(),
    "u8": Tensor((), "uint8", 0.05, 120),
    "i8": Tensor((), "int8", 0.05, 3),
}
