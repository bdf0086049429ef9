# SPDX-License-Identifier: Apache-2.0
"""Operators that move elements, in NumPy."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from octet.web.cases import Array
from tests.conformance.reference.elementwise import ml_number


def split(x: Array, splits: int | Sequence[int], axis: int = 0) -> list[Array]:
    """Equal parts by their number, or parts by their sizes."""
    if isinstance(splits, int):
        return np.split(x, splits, axis)
    return np.split(x, np.cumsum(splits)[:-1], axis)


def slice_(
    x: Array, starts: Sequence[int], sizes: Sequence[int], strides: Sequence[int] | None = None
) -> Array:
    """Windows of each axis, every stride-th element of them."""
    steps = strides or [1] * x.ndim
    return x[tuple(slice(a, a + n, s) for a, n, s in zip(starts, sizes, steps, strict=True))]


def reverse(x: Array, axes: Sequence[int] | None = None) -> Array:
    """Turn around all axes, or those named."""
    return np.flip(x, None if axes is None else tuple(axes))


def triangular(x: Array, upper: bool = True, diagonal: int = 0) -> Array:
    """Zeros below, or above, a diagonal of the last two axes."""
    return np.triu(x, diagonal) if upper else np.tril(x, diagonal)


def pad(
    x: Array,
    beginningPadding: Sequence[int],
    endingPadding: Sequence[int],
    mode: str = "constant",
    value: Any = 0,
) -> Array:
    """Elements around."""
    widths = list(zip(beginningPadding, endingPadding, strict=True))
    if not widths:
        return x.copy()
    if mode == "constant":
        return np.pad(x, widths, constant_values=ml_number(value, x.dtype))
    return np.pad(x, widths, mode="edge" if mode == "edge" else "reflect")


def _inside(indices: Array, extent: int) -> Array:
    """Indices as they are, or the nearest that there is."""
    return np.clip(indices.astype(np.int64), -extent, extent - 1)


def gather(x: Array, indices: Array, axis: int = 0) -> Array:
    """Slices of an axis by index."""
    return np.take(x, _inside(indices, x.shape[axis]), axis)


def gather_elements(x: Array, indices: Array, axis: int = 0) -> Array:
    """An element for each index."""
    return np.take_along_axis(x, _inside(indices, x.shape[axis]), axis)


def _tuples(indices: Array, x: Array) -> tuple[Array, ...]:
    columns = np.moveaxis(indices, -1, 0)
    return tuple(_inside(c, extent) for c, extent in zip(columns, x.shape, strict=False))


def gather_nd(x: Array, indices: Array) -> Array:
    """Slices by tuples of coordinates."""
    return x[_tuples(indices, x)]


def scatter_elements(x: Array, indices: Array, updates: Array, axis: int = 0) -> Array:
    """A copy with an element replaced for each index."""
    result = x.copy()
    np.put_along_axis(result, _inside(indices, x.shape[axis]), updates, axis)
    return result


def scatter_nd(x: Array, indices: Array, updates: Array) -> Array:
    """A copy with slices replaced by tuples of coordinates."""
    result = x.copy()
    result[_tuples(indices, x)] = updates
    return result


MOVEMENT: dict[str, Callable[..., Any]] = {
    "concat": lambda parts, axis: np.concatenate(parts, axis),
    "expand": lambda x, shape: np.broadcast_to(x, shape).copy(),
    "reshape": lambda x, shape: x.reshape(shape).copy(),
    "reverse": reverse,
    "slice": slice_,
    "split": split,
    "tile": lambda x, repetitions: np.tile(x, repetitions),
    "transpose": lambda x, permutation=None: np.transpose(x, permutation).copy(),
    "triangular": triangular,
    "pad": pad,
    "gather": gather,
    "gatherElements": gather_elements,
    "gatherND": gather_nd,
    "scatterElements": scatter_elements,
    "scatterND": scatter_nd,
}
