# SPDX-License-Identifier: Apache-2.0
"""Reading and writing where a tensor of indices says."""

from __future__ import annotations

import numpy as np

from .arithmetic import Array, Struct


def inside(indices: Array, size: int) -> Array:
    """Return indices counted from the end where negative, clamped into [0, size)."""
    exact = indices.astype(object)  # Python integers: no index wraps on its way
    from_start = np.where(exact < 0, exact + size, exact)
    return np.clip(from_start, 0, size - 1).astype(np.int64)


def gather(
    y: Array,
    x: Array,
    indices: Array,
    indices_type: int,
    axis_size: int,
    count: int,
    inner_bytes: int,
) -> None:
    at = inside(indices, axis_size)
    assert at.size == count
    y[:] = x.reshape(-1, axis_size, inner_bytes)[:, at].reshape(-1)


def gather_elements(
    y: Array,
    x: Array,
    indices: Array,
    indices_type: int,
    element_bytes: int,
    axis_size: int,
    count: int,
    inner: int,
) -> None:
    at = inside(indices, axis_size).reshape(-1, count, inner)
    y[:] = np.take_along_axis(x.reshape(-1, axis_size, inner), at, axis=1).reshape(-1)


def scatter_elements(
    y: Array,
    updates: Array,
    indices: Array,
    indices_type: int,
    element_bytes: int,
    axis_size: int,
    count: int,
    inner: int,
) -> None:
    at = inside(indices, axis_size).reshape(-1, count, inner)
    new = updates.reshape(-1, count, inner)
    rows = y.reshape(-1, axis_size, inner)
    for o, i, j in np.ndindex(*at.shape):
        rows[o, at[o, i, j], j] = new[o, i, j]


def rows_named(indices: Array, shape: Struct) -> Array:
    """Return the row of the leading dimensions that each tuple of coordinates names."""
    dims = shape.dims[: shape.depth]
    tuples = indices.reshape(-1, shape.depth)
    at = [inside(tuples[:, d], size) for d, size in enumerate(dims)]
    return np.asarray(np.ravel_multi_index(at, dims))


def gather_nd(
    y: Array, x: Array, indices: Array, indices_type: int, inner_bytes: int, shape: Struct
) -> None:
    y[:] = x.reshape(-1, inner_bytes)[rows_named(indices, shape)].reshape(-1)


def scatter_nd(
    y: Array,
    updates: Array,
    indices: Array,
    indices_type: int,
    inner_bytes: int,
    count: int,
    shape: Struct,
) -> None:
    rows = y.reshape(-1, inner_bytes)
    for row, new in zip(rows_named(indices, shape), updates.reshape(count, -1), strict=True):
        rows[row] = new
