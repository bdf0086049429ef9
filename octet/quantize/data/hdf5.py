# SPDX-License-Identifier: Apache-2.0
"""Records in HDF5: the group ``/value`` has a group per record, ``0`` to N-1, with a dataset per
input.

``/value/17/0`` is the first input of record 17. With the attribute ``rawData`` of ``/value`` set
to 1, datasets are bytes in the inputs' own layout, and only their number is checked. Records are
taken by
number: HDF5 lists names as text, where 10 comes before 2. Numbers of either byte order are read.
The layout is that of record-minmax in Samsung's ONE.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from octet.quantize.data.check import DataError, from_bytes
from octet.quantize.data.source import file_fingerprint
from octet.tflite.files import replacing
from octet.tflite.runtime import InputSpec
from octet.tflite.types import Array

MAGIC = b"\x89HDF\r\n\x1a\n"


def is_hdf5(path: Path) -> bool:
    """Return whether a file starts as HDF5 files do."""
    try:
        with path.open("rb") as file:
            return file.read(len(MAGIC)) == MAGIC
    except OSError:
        return False


BROKEN = (OSError, KeyError, RuntimeError, ValueError, TypeError, AttributeError)
"""What h5py raises where a file is not what it says."""


class Hdf5Source:
    """The records of an HDF5 file."""

    def __init__(self, path: Path, inputs: Sequence[InputSpec]) -> None:
        """Open ``path``. Raises DataError if it is not what the module describes."""
        self.name = path.name
        self._path = path
        self._inputs = list(inputs)
        self._file = _open(path)
        try:
            self._value, self.count = self._records()
            self._raw = str(_plain(self._value.attrs.get("rawData", "0"))) == "1"
        except BROKEN as error:
            raise DataError(f"{path}: a broken or truncated HDF5 file: {_words(error)}.") from None

    def _records(self) -> tuple[Any, int]:
        """Return the group of records and their number."""
        value = self._file.get("value")
        if not isinstance(value, h5py.Group):
            found = ", ".join(sorted(self._file)) or "nothing"
            raise DataError(f'{self._path}: groups: got {found}, expected "value".')
        count = len(value)
        if not count:
            raise DataError(f"{self._path}: records: got 0, expected at least 1.")
        missing = next((i for i in range(count) if str(i) not in value), None)
        if missing is not None:
            raise DataError(
                f'{self._path}: records: got {count}, none called "{missing}", '
                f"expected the names 0 to {count - 1}."
            )
        return value, count

    def read(self, index: int) -> list[Array]:
        """Return record ``index``. Raises DataError."""
        place = self.place(index)
        try:
            group = self._value[str(index)]
            if not isinstance(group, h5py.Group):
                raise DataError(f"{place}: got a dataset, expected a group with one per input.")
            names = [str(i) for i in range(len(group))]
            wrong = sorted(set(group) - set(names))
            if wrong:
                raise DataError(f'{place}: inputs: got "{wrong[0]}", expected the names 0, 1, ….')
            datasets = {name: group[name] for name in names}
            for name, dataset in datasets.items():
                if not isinstance(dataset, h5py.Dataset):
                    raise DataError(f'{place}: input "{name}": got a group, expected a dataset.')
            arrays = [np.asarray(dataset[()]) for dataset in datasets.values()]
        except BROKEN as error:
            raise DataError(f"{place}: cannot read: {_words(error)}.") from None
        return self._from_raw(arrays, place) if self._raw else arrays

    def place(self, index: int) -> str:
        """Return file and record for messages."""
        return f"{self.name}: record {index}"

    def title(self, index: int) -> str:
        """Return the attribute ``desc`` of a record, for instance the name of its image."""
        try:
            return str(_plain(self._value[str(index)].attrs.get("desc", "")))
        except BROKEN:  # `read` has the message
            return ""

    def fingerprint(self) -> str:
        """Return a text that changes when the file is written."""
        return file_fingerprint(self._path)

    def _from_raw(self, arrays: list[Array], place: str) -> list[Array]:
        if len(arrays) != len(self._inputs):
            return arrays  # the check has the message
        return [
            from_bytes(array.tobytes(), [spec], f'{place}: input "{spec.name}"')[0]
            for array, spec in zip(arrays, self._inputs, strict=True)
        ]


def write_hdf5(
    path: Path,
    rows: Iterable[Sequence[Array]],
    description: str = "",
    titles: Sequence[str] = (),
) -> int:
    """Write records, all or nothing, and return their number. The same records give the same file.

    Args:
        path: the file.
        rows: the records.
        description: the attribute ``desc`` of all of them.
        titles: the attribute ``desc`` of each.

    Raises:
        OctetError: if the file cannot be written.
    """
    count = 0
    with replacing(path) as partial, partial.open("w+b", buffering=0) as opened:
        output = _Output(opened)
        with h5py.File(output, "w", track_order=False) as file:
            value = file.create_group("value")
            if description:
                value.attrs["desc"] = description
            for record in rows:
                group = value.create_group(str(count))
                if titles:
                    group.attrs["desc"] = titles[count]
                for number, array in enumerate(record):
                    group.create_dataset(str(number), data=array, track_times=False)
                count += 1
                output.check()
        output.check()
    return count


class _Output:
    """A file to HDF5, which crashes where writing fails: from then on it is told that all is well.

    After the first failure nothing is written any more; `check` raises it.
    """

    def __init__(self, file: io.FileIO) -> None:
        self._file = file
        self._error: OSError | None = None

    def check(self) -> None:
        """Raise the first OSError, if there was one."""
        if self._error is not None:
            raise self._error

    def write(self, data: memoryview) -> int:
        done = 0
        try:
            while self._error is None and done < len(data):
                done += self._file.write(data[done:]) or 0
        except OSError as error:
            self._error = error
        return len(data)

    def read(self, size: int) -> bytes:
        return self._file.read(size)

    def readinto(self, buffer: memoryview) -> int:
        found = self._file.readinto(buffer) or 0
        buffer[found:] = bytes(len(buffer) - found)
        return len(buffer)

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()

    def truncate(self, size: int) -> int:
        try:
            return self._file.truncate(size)
        except OSError as error:
            self._error = self._error or error
            return size

    def flush(self) -> None:
        pass


def _open(path: Path) -> Any:
    try:
        return h5py.File(path, "r")
    except FileNotFoundError:
        raise DataError(f"{path}: no such file.") from None
    except OSError as error:
        if is_hdf5(path):
            raise DataError(f"{path}: a broken or truncated HDF5 file: {error}.") from None
        raise DataError(f"{path}: not an HDF5 file.") from None


def _words(error: BaseException) -> str:
    """Return an error's own words; a KeyError puts them in quotes."""
    return str(error.args[0]) if error.args else type(error).__name__


def _plain(value: Any) -> Any:
    if isinstance(value, bytes):
        return value.decode(errors="replace")
    return value.item() if isinstance(value, np.generic) else value
