# SPDX-License-Identifier: Apache-2.0
"""What a source of records is, and how the words on a command line become one."""

from __future__ import annotations

import hashlib
import queue
import threading
from collections.abc import Generator, Sequence
from pathlib import Path
from typing import Protocol

import numpy as np

from octet.errors import OctetError
from octet.quantize.data.check import DataError, check_record
from octet.tflite.runtime import InputSpec
from octet.tflite.types import Array


class Source(Protocol):
    """Records by number. Reading is not for two threads at a time.

    Attributes:
        name: what messages call the source, usually a file name.
        count: the number of records, at least 1.
    """

    name: str
    count: int

    def read(self, index: int) -> list[Array]:
        """Return record ``index``, unchecked. Raises DataError."""

    def place(self, index: int) -> str:
        """Return source and record for messages."""

    def title(self, index: int) -> str:
        """Return what the source says of a record, usually a file name, or ""."""

    def fingerprint(self) -> str:
        """Return a text that changes when the source does; ranges recorded from it depend on it."""


class RandomSource:
    """Uniform random records; record i depends on the seed and i alone.

    Floats are in [-1, 1), whole numbers in [0, 100), unless a range is given.
    """

    def __init__(
        self,
        inputs: Sequence[InputSpec],
        count: int,
        seed: int,
        limits: tuple[float, float] | None = None,
    ) -> None:
        if count < 1:
            raise DataError(f"random records: got {count}, expected at least 1.")
        self.name = f"random (seed {seed})"
        self.count = count
        self._inputs = list(inputs)
        self._seed = seed
        self._limits = limits

    def read(self, index: int) -> list[Array]:
        """Return record ``index``."""
        generator = np.random.Generator(np.random.PCG64([self._seed, index]))
        return [self._draw(generator, spec) for spec in self._inputs]

    def place(self, index: int) -> str:
        """Return source and record for messages."""
        return f"{self.name}: record {index}"

    def title(self, index: int) -> str:
        """Return ""."""
        return ""

    def fingerprint(self) -> str:
        """Return the seed and the range."""
        return f"random {self._seed} {self._limits}"

    def _draw(self, generator: np.random.Generator, spec: InputSpec) -> Array:
        kind = np.dtype(spec.dtype).kind
        if kind == "f":
            low, high = self._limits or (-1.0, 1.0)
            return generator.uniform(low, high, spec.shape).astype(spec.dtype)
        if kind == "b":
            return generator.integers(0, 2, spec.shape).astype(spec.dtype)
        low, high = self._limits or (0, 100)
        return generator.integers(int(low), int(high), spec.shape).astype(spec.dtype)


class ArrayRecords:
    """Records that are in memory."""

    def __init__(self, rows: Sequence[Sequence[Array]], name: str) -> None:
        """Take ``rows``, one array per input each. Raises DataError if there are none."""
        if not rows:
            raise DataError(f"{name}: records: got 0, expected at least 1.")
        self.name = name
        self.count = len(rows)
        self._rows = rows

    def read(self, index: int) -> list[Array]:
        """Return record ``index``."""
        return list(self._rows[index])

    def place(self, index: int) -> str:
        """Return source and record for messages."""
        return f"{self.name}: record {index}"

    def title(self, index: int) -> str:
        """Return ""."""
        return ""

    def fingerprint(self) -> str:
        """Return a digest of the records."""
        digest = hashlib.sha256()
        for row in self._rows:
            for array in row:
                digest.update(f"{array.dtype}{array.shape}".encode())
                digest.update(np.ascontiguousarray(array).data)
        return digest.hexdigest()


class Subset:
    """Some records of another source, under their own numbers in messages."""

    def __init__(self, source: Source, indices: Sequence[int]) -> None:
        wrong = [index for index in indices if not 0 <= index < source.count]
        if wrong or not indices:
            found = wrong[0] if wrong else "none"
            raise DataError(
                f"{source.name}: record: got {found}, expected 0 to {source.count - 1}."
            )
        self.name = source.name
        self.count = len(indices)
        self._source = source
        self._indices = list(indices)

    def read(self, index: int) -> list[Array]:
        """Return the ``index``-th of the chosen records."""
        return self._source.read(self._indices[index])

    def place(self, index: int) -> str:
        """Return source and record for messages."""
        return self._source.place(self._indices[index])

    def title(self, index: int) -> str:
        """Return what the source says of a record."""
        return self._source.title(self._indices[index])

    def fingerprint(self) -> str:
        """Return the source's and the numbers."""
        chosen = hashlib.sha256(repr(self._indices).encode()).hexdigest()[:16]
        return f"{self._source.fingerprint()} {chosen}"


def open_source(text: str, inputs: Sequence[InputSpec]) -> Source:
    """Open the records that ``text`` names.

    Args:
        text: an HDF5 file, an ``.npz`` or ``.npy`` file (``file.npz:key`` for one of its arrays), a
            directory with a file per record, or a list of such files. ``…#100:200`` takes the
            records from 100 up to 199, ``…#::10`` every tenth.
        inputs: what the model takes.

    Raises:
        DataError: if there is no such file or it holds no records.
    """
    from octet.quantize.data.files import open_files
    from octet.quantize.data.hdf5 import Hdf5Source, is_hdf5

    text, _, part = text.partition("#")
    path = Path(text)
    source: Source
    if is_hdf5(path) or path.suffix.lower() in (".h5", ".hdf5"):
        source = Hdf5Source(path, inputs)
    else:
        source = open_files(text, inputs)
    return Subset(source, parse_slice(part, source.count)) if part else source


def records(
    source: Source, inputs: Sequence[InputSpec], start: int = 0, ahead: int = 4
) -> Generator[list[Array], None, None]:
    """Yield the checked records from ``start`` on; a thread reads ``ahead`` of the consumer.

    Raises:
        DataError: at the first record that cannot be read or does not fit.
    """
    ready: queue.Queue[list[Array] | BaseException | None] = queue.Queue(ahead)
    stop = threading.Event()

    def put(item: list[Array] | BaseException | None) -> bool:
        while not stop.is_set():
            try:
                ready.put(item, timeout=0.2)
            except queue.Full:
                continue
            return True
        return False

    def read() -> None:
        try:
            for index in range(start, source.count):
                if not put(check_record(source.read(index), inputs, source.place(index))):
                    return
            put(None)
        except BaseException as error:  # handed to the consumer
            put(error)

    thread = threading.Thread(target=read, name="octet-records", daemon=True)
    thread.start()
    try:
        while (item := ready.get()) is not None:
            if isinstance(item, BaseException):
                raise item
            yield item
    finally:
        stop.set()
        thread.join()


def file_fingerprint(*paths: Path) -> str:
    """Return a text that changes when one of the files is written."""
    digest = hashlib.sha256()
    for path in paths:
        try:
            status = path.stat()
        except OSError as error:
            raise DataError(f"{path}: {error.strerror}.") from None
        digest.update(f"{path.resolve()} {status.st_size} {status.st_mtime_ns}\n".encode())
    return digest.hexdigest()


def parse_slice(text: str, count: int) -> list[int]:
    """Return which of ``count`` records ``5``, ``100:200`` or ``::10`` are. Raises OctetError."""
    try:
        numbers = [int(word) if word else None for word in text.split(":")]
        if len(numbers) == 1 and numbers[0] is not None:
            return [numbers[0]]
        return list(range(count))[slice(*numbers)]
    except (ValueError, TypeError):
        raise OctetError(
            f"records {text!r}: expected a number or start:stop:step, for instance 100:200."
        ) from None
