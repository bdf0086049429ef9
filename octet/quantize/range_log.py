# SPDX-License-Identifier: Apache-2.0
"""The cache of a recording: the least and greatest element of each tensor, for each record.

A file has a line of JSON, which says what was recorded, and then a row per record, in the order of
the
records: float32, little-endian, the minima of all tensors and then their maxima. Rows are only ever
appended, so what an interrupted recording leaves is the part that it did, and the next one goes on
behind it. With the rows on disk a recording needs no more memory for more records, and every mode
that works on ranges can be had without running the model again.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Any

import numpy as np

from octet.errors import OctetError
from octet.tflite.types import Array

FORMAT = "octet ranges 1"
START = b'{"data": "'
"""What every header begins with: its keys are sorted."""

HEADER_BYTES = 4096
"""The header is padded to this, so that rows are aligned; it grows by whole multiples."""


@dataclass(frozen=True)
class RecordingKey:
    """What a recording depends on.

    Attributes:
        model: SHA-256 of the job's model file, which does not depend on names.
        data: the source's fingerprint.
        tensors: indices of the recorded tensors.
    """

    model: str
    data: str
    tensors: tuple[int, ...]


class RangeLog:
    """A cache file that is open to append rows and to read them."""

    def __init__(self, path: Path, key: RecordingKey) -> None:
        """Open or create ``path``; what was recorded for another key is discarded.

        Raises:
            OctetError: if the file cannot be opened, or is something else than such a cache.
        """
        self.path = path
        self._width = 2 * len(key.tensors)
        header = _header(key)
        self._start = len(header)
        try:
            self._file: IO[bytes] = path.open("r+b" if path.exists() else "w+b")
            found = self._file.read(len(header))
            if found[: len(START)] != START[: len(found)]:
                self._file.close()
                raise OctetError(f"{path}: not a cache of ranges: it would be overwritten.")
            if found != header:
                self._file.seek(0)
                self._file.truncate()
                self._file.write(header)
                self._file.flush()
            size = os.fstat(self._file.fileno()).st_size - self._start
            self.count = size // self._row_bytes
            end = self._start + self.count * self._row_bytes
            self._file.truncate(end)  # a row that was cut short
            self._file.seek(end)
        except OSError as error:
            raise OctetError(f"{path}: cannot write: {error.strerror}.") from None

    @property
    def _row_bytes(self) -> int:
        return max(4, 4 * self._width)

    def append(self, minima: Array, maxima: Array) -> None:
        """Append the row of the next record. Raises OctetError, for instance on a full disk."""
        row = np.concatenate([minima, maxima]).astype("<f4")
        try:
            self._file.write(row.tobytes() or b"\0\0\0\0")
        except OSError as error:
            raise OctetError(f"{self.path}: cannot write: {error.strerror}.") from None
        self.count += 1

    def flush(self) -> None:
        """Hand what is buffered to the system, so that an interrupt leaves it."""
        try:
            self._file.flush()
        except OSError as error:
            raise OctetError(f"{self.path}: cannot write: {error.strerror}.") from None

    def rows(self, count: int) -> tuple[Array, Array]:
        """Return minima and maxima of the first ``count`` records, [count, tensors], on disk."""
        self.flush()
        if not self._width:
            empty = np.zeros((count, 0), np.float32)
            return empty, empty
        table = np.memmap(self.path, "<f4", "r", self._start, (count, self._width))
        half = self._width // 2
        return table[:, :half], table[:, half:]

    def close(self) -> None:
        """Close the file; one without a row is of no use to anybody and goes."""
        try:
            self._file.close()
            if not self.count:
                self.path.unlink(missing_ok=True)
        except OSError as error:
            raise OctetError(f"{self.path}: cannot write: {error.strerror}.") from None

    def __enter__(self) -> RangeLog:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            self.close()
        except OctetError:
            if error is None:
                raise


def _header(key: RecordingKey) -> bytes:
    facts: dict[str, Any] = {"format": FORMAT, **asdict(key)}
    text = json.dumps(facts, sort_keys=True).encode()
    size = -(-(len(text) + 1) // HEADER_BYTES) * HEADER_BYTES
    return text.ljust(size - 1) + b"\n"


def columns(table: Array, width: int) -> Sequence[slice]:
    """Return slices over the columns of ``table`` that hold about a million elements each."""
    step = max(1, 2**20 // max(1, table.shape[0]))
    return [slice(i, min(i + step, width)) for i in range(0, width, step)]
