# SPDX-License-Identifier: Apache-2.0
"""Reductions and normalizations in NumPy: floats in float64, whole numbers wrap in their types."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from octet.web.cases import Array

Axes = Sequence[int] | None


def _reduction(function: Callable[[Array, tuple[int, ...]], Array]) -> Callable[..., Array]:
    """All axes unless they are named; an empty list reduces each element by itself."""

    def reduce(x: Array, axes: Axes = None, keepDimensions: bool = False) -> Array:
        named = tuple(range(x.ndim)) if axes is None else tuple(axes)
        result = np.asarray(function(x, named))
        return result if keepDimensions else np.squeeze(result, named)

    return reduce


def _sum(x: Array, axes: tuple[int, ...]) -> Array:
    return np.sum(x, axes, dtype=x.dtype, keepdims=True)


def _log_sum_exp(x: Array, axes: tuple[int, ...]) -> Array:
    top = np.max(x, axes, keepdims=True)
    shift = np.where(np.isfinite(top), top, 0.0)
    return np.log(_sum(np.exp(x - shift), axes)) + shift


def arg_extreme(pick: Callable[..., Any]) -> Callable[..., Array]:
    """The first index of the extreme."""

    def arg(
        x: Array, axis: int, keepDimensions: bool = False, outputDataType: str = "int32"
    ) -> Array:
        return np.asarray(pick(x, axis=axis, keepdims=keepDimensions)).astype(outputDataType)

    return arg


def cumulative_sum(x: Array, axis: int, exclusive: bool = False, reversed: bool = False) -> Array:
    """Running sums."""
    turned = np.flip(x, axis) if reversed else x
    sums = np.cumsum(turned, axis, dtype=x.dtype)
    if exclusive:
        sums = np.roll(sums, 1, axis)
        sums[(slice(None),) * axis + (0,)] = 0
    return np.flip(sums, axis) if reversed else sums


def softmax(x: Array, axis: int) -> Array:
    """Exponentials over their sum."""
    e = np.exp(x - np.max(x, axis, keepdims=True))
    return np.asarray(e / np.sum(e, axis, keepdims=True))


def _along(value: Array | None, shape: Sequence[int]) -> Array | None:
    return None if value is None else value.reshape(shape)


def _affine(x: Array, scale: Array | None, bias: Array | None) -> Array:
    scaled = x if scale is None else x * scale
    return scaled if bias is None else scaled + bias


def batch_normalization(
    x: Array,
    mean: Array,
    variance: Array,
    scale: Array | None = None,
    bias: Array | None = None,
    axis: int = 1,
    epsilon: float = 1e-5,
) -> Array:
    """By given statistics of each channel."""
    shape = [-1 if i == axis else 1 for i in range(x.ndim)]
    deviation = np.sqrt(variance.reshape(shape) + epsilon)
    centered = (x - mean.reshape(shape)) / deviation
    return _affine(centered, _along(scale, shape), _along(bias, shape))


def _normalized(x: Array, axes: tuple[int, ...], epsilon: float) -> Array:
    centered = x - np.mean(x, axes, keepdims=True)
    return np.asarray(centered / np.sqrt(np.mean(centered**2, axes, keepdims=True) + epsilon))


def instance_normalization(
    x: Array,
    scale: Array | None = None,
    bias: Array | None = None,
    epsilon: float = 1e-5,
    layout: str = "nchw",
) -> Array:
    """By the statistics of each channel of each instance."""
    channels, spatial = (1, (2, 3)) if layout == "nchw" else (3, (1, 2))
    shape = [-1 if i == channels else 1 for i in range(4)]
    return _affine(_normalized(x, spatial, epsilon), _along(scale, shape), _along(bias, shape))


def layer_normalization(
    x: Array,
    scale: Array | None = None,
    bias: Array | None = None,
    axes: Axes = None,
    epsilon: float = 1e-5,
) -> Array:
    """By the statistics over some axes; dimension i of scale and bias is that of axes[i]."""
    named = tuple(range(1, x.ndim)) if axes is None else tuple(axes)
    order = np.argsort(named)
    shape = [d if i in named else 1 for i, d in enumerate(x.shape)]

    def along(value: Array | None) -> Array | None:
        return None if value is None else value.transpose(order).reshape(shape)

    return _affine(_normalized(x, named, epsilon), along(scale), along(bias))


REDUCTION: dict[str, Callable[..., Any]] = {
    "reduceSum": _reduction(_sum),
    "reduceL1": _reduction(lambda x, axes: _sum(np.abs(x), axes)),
    "reduceL2": _reduction(lambda x, axes: np.sqrt(_sum(x * x, axes))),
    "reduceSumSquare": _reduction(lambda x, axes: _sum(x * x, axes)),
    "reduceLogSum": _reduction(lambda x, axes: np.log(_sum(x, axes))),
    "reduceLogSumExp": _reduction(_log_sum_exp),
    "reduceMean": _reduction(lambda x, axes: np.mean(x, axes, keepdims=True)),
    "reduceProduct": _reduction(lambda x, axes: np.prod(x, axes, dtype=x.dtype, keepdims=True)),
    "reduceMax": _reduction(lambda x, axes: np.max(x, axes, keepdims=True)),
    "reduceMin": _reduction(lambda x, axes: np.min(x, axes, keepdims=True)),
    "argMax": arg_extreme(np.argmax),
    "argMin": arg_extreme(np.argmin),
    "cumulativeSum": cumulative_sum,
    "softmax": softmax,
    "batchNormalization": batch_normalization,
    "instanceNormalization": instance_normalization,
    "layerNormalization": layer_normalization,
}
