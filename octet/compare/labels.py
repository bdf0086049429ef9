# SPDX-License-Identifier: Apache-2.0
"""Reads the right class of every record."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np

from octet.errors import OctetError
from octet.quantize.data.source import parse_slice
from octet.tflite.files import read_bytes
from octet.tflite.types import Array


def read_labels(text: str, offset: int = 0) -> Array:
    """Return class numbers, int64[records].

    Args:
        text: a text file with a number per line, an ``.npy`` file, or ``file.npz:key``; with
            ``#100:200`` or ``#::10`` some of them, as for records.
        offset: added to each; 1 where the model has a background class first.

    Raises:
        OctetError: naming the file, if there are no whole numbers in it.
    """
    name, _, part = text.partition("#")
    file, _, key = name.partition(":")
    path = Path(file)
    labels = _arrays(path, key) if path.suffix in (".npy", ".npz") else _lines(path)
    if labels.dtype.kind not in "iu" or labels.squeeze().ndim != 1:
        raise OctetError(
            f"{name}: got {labels.dtype}{list(labels.shape)}, expected whole numbers, one a record."
        )
    labels = labels.reshape(-1).astype(np.int64) + offset
    return labels[parse_slice(part, len(labels))] if part else labels


def _lines(path: Path) -> Array:
    numbers = []
    for number, line in enumerate(read_bytes(path).decode("utf-8", "replace").splitlines(), 1):
        words = line.split()
        if not words:
            continue
        try:
            numbers.append(int(words[-1]))
        except ValueError:
            raise OctetError(
                f"{path}: line {number}: got {words[-1]!r}, expected a class number."
            ) from None
    return np.array(numbers, np.int64)


def _arrays(path: Path, key: str) -> Array:
    try:
        loaded = np.load(path, allow_pickle=False)
    except OSError as error:
        raise OctetError(f"{path}: {error.strerror or 'not an .npz file'}.") from None
    except (ValueError, zipfile.BadZipFile, EOFError):
        raise OctetError(f"{path}: not an .npy or .npz file of plain arrays.") from None
    if isinstance(loaded, np.ndarray):
        return loaded
    keys = list(loaded)
    if key not in keys and (key or len(keys) != 1):
        raise OctetError(f"{path}: array: got {key!r}, expected one of {', '.join(keys)}.")
    return np.asarray(loaded[key or keys[0]])
