# SPDX-License-Identifier: Apache-2.0
"""Convolutions, pools and resampling in NumPy, a window's position at a time, in float64."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from octet.web.cases import Array

Pair = Sequence[int]
NONE = (0, 0, 0, 0)


def _channels_first(x: Array, layout: str) -> Array:
    return x if layout == "nchw" else x.transpose(0, 3, 1, 2)


def _in_layout(y: Array, layout: str) -> Array:
    return y if layout == "nchw" else y.transpose(0, 2, 3, 1)


def _arranged(filters: Array, layout: str, wanted: str) -> Array:
    return filters.transpose([layout.index(axis) for axis in wanted])


def _taps(size: Pair, dilations: Pair) -> list[tuple[int, int, int, int]]:
    """Each tap of a window: row and column, and how far down and right it lies."""
    rows, columns = size
    return [(i, j, i * dilations[0], j * dilations[1]) for i in range(rows) for j in range(columns)]


def conv2d(
    x: Array,
    filters: Array,
    padding: Sequence[int] = NONE,
    strides: Pair = (1, 1),
    dilations: Pair = (1, 1),
    groups: int = 1,
    inputLayout: str = "nchw",
    filterLayout: str = "oihw",
    bias: Array | None = None,
) -> Array:
    """Sums of products under a sliding window; padding is top, bottom, left, right."""
    top, bottom, left, right = padding
    wide = np.pad(_channels_first(x, inputLayout), [(0, 0), (0, 0), (top, bottom), (left, right)])
    w = _arranged(filters, filterLayout, "oihw")
    n, channels = wide.shape[:2]
    out, taken = w.shape[:2]
    height, width = (
        (wide.shape[2 + i] - (w.shape[2 + i] - 1) * dilations[i] - 1) // strides[i] + 1
        for i in range(2)
    )
    parts = wide.reshape(n, groups, channels // groups, *wide.shape[2:])
    kernels = w.reshape(groups, out // groups, taken, *w.shape[2:])
    y = np.zeros((n, groups, out // groups, height, width))
    for i, j, down, along in _taps(w.shape[2:], dilations):
        rows = slice(down, down + (height - 1) * strides[0] + 1, strides[0])
        columns = slice(along, along + (width - 1) * strides[1] + 1, strides[1])
        y += np.einsum("ngchw,goc->ngohw", parts[..., rows, columns], kernels[..., i, j])
    y = y.reshape(n, out, height, width)
    if bias is not None:
        y = y + bias.reshape(1, -1, 1, 1)
    return _in_layout(y, inputLayout)


def conv_transpose2d(
    x: Array,
    filters: Array,
    padding: Sequence[int] = NONE,
    strides: Pair = (1, 1),
    dilations: Pair = (1, 1),
    outputPadding: Pair = (0, 0),
    outputSizes: Pair | None = None,
    groups: int = 1,
    inputLayout: str = "nchw",
    filterLayout: str = "iohw",
    bias: Array | None = None,
) -> Array:
    """Every element spreads a copy of the filter; what padding covers is cut off."""
    source = _channels_first(x, inputLayout)
    w = _arranged(filters, filterLayout, "iohw")
    n, channels, height, width = source.shape
    taken = w.shape[1]
    full = [
        (extent - 1) * strides[i] + (w.shape[2 + i] - 1) * dilations[i] + 1
        for i, extent in enumerate((height, width))
    ]
    cut = [full[i] - padding[2 * i] - padding[2 * i + 1] for i in range(2)]
    size = list(outputSizes) if outputSizes else [cut[i] + outputPadding[i] for i in range(2)]
    room = [max(full[i], padding[2 * i] + size[i]) for i in range(2)]
    y = np.zeros((n, groups, taken, *room))
    parts = source.reshape(n, groups, channels // groups, height, width)
    kernels = w.reshape(groups, channels // groups, taken, *w.shape[2:])
    for i, j, down, along in _taps(w.shape[2:], dilations):
        rows = slice(down, down + (height - 1) * strides[0] + 1, strides[0])
        columns = slice(along, along + (width - 1) * strides[1] + 1, strides[1])
        y[..., rows, columns] += np.einsum("ngchw,gco->ngohw", parts, kernels[..., i, j])
    top, left = padding[0], padding[2]
    y = y.reshape(n, groups * taken, *room)[:, :, top : top + size[0], left : left + size[1]]
    if bias is not None:
        y = y + bias.reshape(1, -1, 1, 1)
    return _in_layout(y, inputLayout)


def _pool(reduce: Callable[[Array], Array]) -> Callable[..., Array]:
    """A pool: ``reduce`` gets a window's elements, those in the padding left out, as [n, c, k]."""

    def pool(
        x: Array,
        windowDimensions: Pair | None = None,
        padding: Sequence[int] = NONE,
        strides: Pair = (1, 1),
        dilations: Pair = (1, 1),
        layout: str = "nchw",
        outputShapeRounding: str = "floor",
        outputSizes: Pair | None = None,
    ) -> Array:
        source = _channels_first(x, layout)
        extents = source.shape[2:]
        window = windowDimensions or extents
        size = list(outputSizes) if outputSizes else []
        for i in range(2 - len(size)):
            reach = (window[i] - 1) * dilations[i] + 1
            room = extents[i] + padding[2 * i] + padding[2 * i + 1] - reach
            up = strides[i] - 1 if outputShapeRounding == "ceil" else 0
            size.append((room + up) // strides[i] + 1)
        y = np.zeros((*source.shape[:2], *size), source.dtype)
        for row in range(size[0]):
            for column in range(size[1]):
                start = (row * strides[0] - padding[0], column * strides[1] - padding[2])
                inside = [
                    source[:, :, start[0] + down, start[1] + along]
                    for _, _, down, along in _taps(window, dilations)
                    if 0 <= start[0] + down < extents[0] and 0 <= start[1] + along < extents[1]
                ]
                y[:, :, row, column] = reduce(np.stack(inside, axis=-1))
        return _in_layout(y, layout)

    return pool


def _centres(extent: int, size: int) -> Array:
    return (np.arange(size) + 0.5) * extent / size - 0.5


def _resampled(x: Array, axis: int, size: int, mode: str) -> Array:
    extent = x.shape[axis]
    centres = np.clip(_centres(extent, size), 0, extent - 1)
    if mode == "nearest-neighbor":
        return np.take(x, np.ceil(centres - 0.5).astype(int), axis)
    low = np.floor(centres).astype(int)
    weight = (centres - low).reshape([-1 if i == axis else 1 for i in range(x.ndim)])
    high = np.minimum(low + 1, extent - 1)
    mixed: Array = np.take(x, low, axis) * (1.0 - weight) + np.take(x, high, axis) * weight
    return mixed


def resample2d(
    x: Array,
    mode: str = "nearest-neighbor",
    scales: Sequence[float] = (1.0, 1.0),
    sizes: Pair | None = None,
    axes: Pair = (2, 3),
) -> Array:
    """Half-pixel centres; whole numbers are rounded half to even at the end."""
    y = x if mode == "nearest-neighbor" else x.astype(np.float64)
    for i, axis in enumerate(axes):
        size = sizes[i] if sizes else int(np.floor(x.shape[axis] * np.float32(scales[i])))
        y = _resampled(y, axis, size, mode)
    return y if x.dtype.kind == "f" else np.rint(y).astype(x.dtype)


WINDOWS: dict[str, Callable[..., Any]] = {
    "conv2d": conv2d,
    "convTranspose2d": conv_transpose2d,
    "averagePool2d": _pool(lambda window: np.mean(window, -1)),
    "l2Pool2d": _pool(lambda window: np.sqrt(np.sum(window * window, -1))),
    "maxPool2d": _pool(lambda window: np.max(window, -1)),
    "resample2d": resample2d,
}
