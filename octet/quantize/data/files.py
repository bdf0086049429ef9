# SPDX-License-Identifier: Apache-2.0
"""Records in plain files: NumPy archives, a directory with a file per record, a list of files.

A file of one record is an ``.npy`` (a model with one input), an ``.npz`` (arrays by input name, or
in order), or raw: the bytes of all inputs one behind the other, little-endian. A line of a list
file is a
record: such a file, or one file per input separated by blanks; names are relative to the list, and
are quoted where they contain blanks.
"""

from __future__ import annotations

import shlex
import zipfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from octet.quantize.data.check import DataError, from_bytes
from octet.quantize.data.source import Source, file_fingerprint
from octet.tflite.runtime import InputSpec
from octet.tflite.types import Array

PICTURES = {".jpg", ".jpeg", ".png", ".bmp", ".gif", ".webp", ".ppm"}


def open_files(text: str, inputs: Sequence[InputSpec]) -> Source:
    """Open an archive, a directory or a list. Raises DataError."""
    path = Path(text)
    key = ""
    if not path.exists() and ".npz:" in text:
        name, _, key = text.rpartition(":")
        path = Path(name)
    if path.is_dir():
        return FileSource(path.name or str(path), [[file] for file in _files(path)], inputs)
    if not path.exists():
        raise DataError(f"{path}: no such file or directory.")
    if path.suffix.lower() in (".npz", ".npy"):
        return ArraySource(path, key, inputs)
    return FileSource(path.name, _lines(path), inputs)


class ArraySource:
    """Arrays with a leading axis of records, one array per input; an ``.npz`` is in memory."""

    def __init__(self, path: Path, key: str, inputs: Sequence[InputSpec]) -> None:
        """Load ``path``; ``key`` chooses an array for a model with one input. Raises DataError."""
        self.name = path.name
        self._path = path
        loaded = _load(path)
        arrays = {"": loaded} if isinstance(loaded, np.ndarray) else loaded
        if key:
            if key not in arrays:
                raise DataError(f'{path}: arrays: got {", ".join(arrays)}, expected "{key}".')
            arrays = {key: arrays[key]}
        self._arrays = _match(arrays, inputs, str(path))
        counts = {array.shape[0] if array.ndim else 0 for array in self._arrays}
        if len(counts) != 1 or not min(counts):
            raise DataError(
                f"{path}: records: got {sorted(counts)}, "
                "expected one number above 0 as the first dimension of every array."
            )
        self.count = int(counts.pop())
        # A record has the batch dimension of its input, whether or not the archive has it as well.
        self._unbatched = [
            array.ndim == len(spec.shape) and spec.shape[:1] == (1,)
            for array, spec in zip(self._arrays, inputs, strict=False)
        ]

    def read(self, index: int) -> list[Array]:
        """Return record ``index``."""
        return [
            array[index][np.newaxis] if unbatched else array[index]
            for array, unbatched in zip(self._arrays, self._unbatched, strict=True)
        ]

    def place(self, index: int) -> str:
        """Return file and record for messages."""
        return f"{self.name}: record {index}"

    def title(self, index: int) -> str:
        """Return ""."""
        return ""

    def fingerprint(self) -> str:
        """Return a text that changes when the file is written."""
        return file_fingerprint(self._path)


class FileSource:
    """A record per file, or per group of files."""

    def __init__(
        self, name: str, rows: Sequence[Sequence[Path]], inputs: Sequence[InputSpec]
    ) -> None:
        """Take ``rows``, the files of each record. Raises DataError if there are none."""
        self.name = name
        self.count = len(rows)
        self._rows = rows
        self._inputs = list(inputs)
        if not rows:
            raise DataError(f"{name}: records: got 0, expected at least 1.")

    def read(self, index: int) -> list[Array]:
        """Return record ``index``. Raises DataError."""
        row, place = self._rows[index], self.place(index)
        if len(row) == 1:
            return _read_record(row[0], self._inputs, place)
        if len(row) != len(self._inputs):
            raise DataError(f"{place}: files: got {len(row)}, expected {len(self._inputs)}.")
        return [
            _read_record(file, [spec], f'{place}: input "{spec.name}"')[0]
            for file, spec in zip(row, self._inputs, strict=True)
        ]

    def place(self, index: int) -> str:
        """Return source, record and file for messages."""
        return f"{self.name}: record {index} ({self._rows[index][0].name})"

    def title(self, index: int) -> str:
        """Return the name of the record's first file."""
        return self._rows[index][0].name

    def fingerprint(self) -> str:
        """Return a text that changes when one of the files is written. Raises DataError."""
        for index, row in enumerate(self._rows):
            missing = next((file for file in row if not file.is_file()), None)
            if missing is not None:
                raise DataError(f"{self.place(index)}: {missing}: no such file.")
        return file_fingerprint(*(file for row in self._rows for file in row))


def _files(folder: Path) -> list[Path]:
    files = sorted(
        path for path in folder.iterdir() if path.is_file() and not path.name.startswith(".")
    )
    if files and all(path.suffix.lower() in PICTURES for path in files):
        raise DataError(
            f"{folder}: got images, expected raw or NumPy files. "
            f"Make records of them first: octet make-dataset {folder} -o data.h5"
        )
    return files


def _lines(path: Path) -> list[list[Path]]:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
        rows = [shlex.split(line, comments=True) for line in lines]
    except UnicodeDecodeError:
        raise DataError(
            f"{path}: not a known kind of data: expected HDF5, .npz, .npy, a directory or a list."
        ) from None
    except ValueError as error:
        raise DataError(f"{path}: {error}.") from None
    except OSError as error:
        raise DataError(f"{path}: {error.strerror}.") from None
    return [[path.parent / word for word in row] for row in rows if row]


def _read_record(file: Path, inputs: Sequence[InputSpec], place: str) -> list[Array]:
    if file.suffix.lower() in PICTURES:
        raise DataError(f"{place}: got an image, expected numbers (see: octet make-dataset).")
    if file.suffix.lower() in (".npy", ".npz"):
        loaded = _load(file)
        if isinstance(loaded, np.ndarray):
            return [loaded]
        return _match(loaded, inputs, place)
    try:
        data = file.read_bytes()
    except OSError as error:
        raise DataError(f"{place}: {file}: {error.strerror}.") from None
    return from_bytes(data, inputs, place)


def _load(path: Path) -> Array | dict[str, Array]:
    """Return the array of an ``.npy``, which stays on disk, or those of an ``.npz`` by name."""
    try:
        loaded = np.load(path, mmap_mode="r", allow_pickle=False)
        if isinstance(loaded, np.ndarray):
            return loaded
        with loaded:
            return dict(loaded)
    except OSError as error:
        raise DataError(f"{path}: {error.strerror or 'not a NumPy file'}.") from None
    except (ValueError, zipfile.BadZipFile, EOFError):
        raise DataError(f"{path}: not a NumPy file of plain arrays.") from None


def _match(arrays: dict[str, Array], inputs: Sequence[InputSpec], place: str) -> list[Array]:
    """Return the arrays in the order of the inputs: by name, by number, or the only one."""
    names = [spec.name for spec in inputs]
    numbers = [str(i) for i in range(len(inputs))]
    positional = [f"arr_{i}" for i in range(len(inputs))]
    for keys in (names, numbers, positional):
        if all(key in arrays for key in keys):
            return [arrays[key] for key in keys]
    if len(arrays) == len(inputs) == 1:
        return list(arrays.values())
    expected = ", ".join(names)
    hint = f" (choose one: {place}:{next(iter(arrays))})" if len(inputs) == 1 and arrays else ""
    raise DataError(f"{place}: arrays: got {', '.join(arrays)}, expected {expected}{hint}.")
