# SPDX-License-Identifier: Apache-2.0
"""Compares records with what a model takes; every message names record, input, found, expected."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from octet.errors import OctetError
from octet.tflite.runtime import InputSpec
from octet.tflite.types import Array


class DataError(OctetError):
    """A record, or a file of records, that does not fit the model."""


def check_record(record: Sequence[Array], inputs: Sequence[InputSpec], place: str) -> list[Array]:
    """Return ``record`` in native byte order, contiguous, if it is what the model takes.

    Args:
        record: one array per input.
        inputs: what the model takes.
        place: file and record for messages, for instance ``data.h5: record 17``.

    Raises:
        DataError: for a wrong number of inputs, rank, shape, dtype, and for NaN and infinity.
    """
    if len(record) != len(inputs):
        names = ", ".join(f'"{spec.name}"' for spec in inputs)
        raise DataError(f"{place}: inputs: got {len(record)}, expected {len(inputs)} ({names}).")
    return [
        _check_array(array, spec, f'{place}: input "{spec.name}"')
        for array, spec in zip(record, inputs, strict=True)
    ]


def from_bytes(data: bytes, inputs: Sequence[InputSpec], place: str) -> list[Array]:
    """Return the arrays of a raw record: all inputs one behind the other, little-endian.

    Raises:
        DataError: if there are too few or too many bytes.
    """
    sizes = [byte_size(spec) for spec in inputs]
    if len(data) != sum(sizes):
        parts = " + ".join(
            f"{size} of {describe(spec)}" for spec, size in zip(inputs, sizes, strict=True)
        )
        raise DataError(f"{place}: bytes: got {len(data)}, expected {sum(sizes)} ({parts}).")
    arrays = []
    offset = 0
    for spec, size in zip(inputs, sizes, strict=True):
        raw = np.frombuffer(
            data,
            np.dtype(spec.dtype).newbyteorder("<"),
            offset=offset,
            count=size // np.dtype(spec.dtype).itemsize,
        )
        arrays.append(raw.astype(spec.dtype).reshape(spec.shape))
        offset += size
    return arrays


def byte_size(spec: InputSpec) -> int:
    """Return the bytes of one array of an input."""
    return int(np.prod(spec.shape, dtype=np.int64)) * np.dtype(spec.dtype).itemsize


def describe(spec: InputSpec) -> str:
    """Return ``"input" float32[1, 224, 224, 3]``."""
    return f'"{spec.name}" {spec.dtype}{list(spec.shape)}'


def _check_array(array: Array, spec: InputSpec, place: str) -> Array:
    if array.dtype.newbyteorder("=") != np.dtype(spec.dtype):
        hint = ""
        if array.dtype.kind == "f" and spec.dtype == "float32":
            hint = " (write it as float32)"
        elif array.dtype.kind in "iu" and spec.dtype == "float32":
            hint = " (whole numbers: write them as float32, normalized as in training)"
        found = array.dtype.newbyteorder("=").name
        raise DataError(f"{place}: dtype: got {found}, expected {spec.dtype}{hint}.")
    found_shape, expected = list(array.shape), list(spec.shape)
    if array.ndim != len(spec.shape):
        hint = _rank_hint(array.shape, spec.shape)
        raise DataError(
            f"{place}: rank: got {array.ndim} {found_shape}, expected {len(expected)} "
            f"{expected}{hint}."
        )
    if found_shape != expected:
        hint = _shape_hint(array.shape, spec.shape)
        raise DataError(f"{place}: shape: got {found_shape}, expected {expected}{hint}.")
    native = np.ascontiguousarray(array, np.dtype(spec.dtype))
    if native.dtype.kind == "f" and not np.isfinite(native).all():
        bad = np.argwhere(~np.isfinite(native))[0].tolist()
        raise DataError(
            f"{place}: element {bad}: got {native[tuple(bad)]}, expected a finite number."
        )
    return native


def _rank_hint(found: tuple[int, ...], expected: tuple[int, ...]) -> str:
    if found == expected[1:] and expected[0] == 1:
        return " (the batch dimension of 1 is missing)"
    return ""


def _shape_hint(found: tuple[int, ...], expected: tuple[int, ...]) -> str:
    if len(found) == 4 and (found[0], found[2], found[3], found[1]) == expected:
        return " (NCHW for a model in NHWC?)"
    if len(found) == 4 and (found[0], found[3], found[1], found[2]) == expected:
        return " (NHWC for a model in NCHW?)"
    if sorted(found) == sorted(expected):
        return " (transposed?)"
    return ""
