# SPDX-License-Identifier: Apache-2.0
"""What records ranges, each in a process: ``python -m … NAME MODEL RECORDS COUNT THREADS``.

The clock runs from the model's bytes to the ranges of all tensors; it stands while packages are
imported. RECORDS is an ``.npy`` file, read from the start again where it ends.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path

import numpy as np

from octet.bench import onnx_twin
from octet.quantize.record import RecordOptions, record
from octet.tflite.model import Model
from octet.tflite.runtime import Session
from octet.tflite.types import Array


class Repeated:
    """Records from the first to the last and again, as many as asked for."""

    def __init__(self, path: Path, count: int) -> None:
        self.name = path.name
        self.count = count
        self._records = np.load(path, mmap_mode="r")

    def read(self, index: int) -> list[Array]:
        """Return record ``index``."""
        return [self._records[index % len(self._records)]]

    def place(self, index: int) -> str:
        """Return the record's place for messages."""
        return f"{self.name}: record {index}"

    def title(self, index: int) -> str:
        """Return ""."""
        return ""

    def fingerprint(self) -> str:
        """Return the name: nothing is kept."""
        return self.name


def bare(model: Path, records: Repeated, threads: int) -> int:
    """Inference alone, by the same interpreter."""
    session = Session(model.read_bytes(), model.name, threads=threads)
    for index in range(records.count):
        session.invoke(records.read(index))
    return records.count


def octet(model: Path, records: Repeated, threads: int) -> int:
    """octet as the command does it: a job per thread, everything kept in a file."""
    found = record(Model.read(model), records, RecordOptions(jobs=threads, threads=1))
    return len(found.ranges)


def octet_one_job(model: Path, records: Repeated, threads: int) -> int:
    """octet with one interpreter that has all threads."""
    found = record(Model.read(model), records, RecordOptions(jobs=1, threads=threads))
    return len(found.ranges)


def onnxruntime(model: Path, records: Repeated, threads: int) -> int:
    """ONNX Runtime's MinMax calibrater on the ONNX twin; it takes all processors."""
    from onnxruntime.quantization import CalibrationDataReader
    from onnxruntime.quantization.calibrate import CalibrationMethod, create_calibrator

    class Reader(CalibrationDataReader):  # type: ignore[misc]
        def __init__(self) -> None:
            self._left: Iterator[int] = iter(range(records.count))

        def get_next(self) -> dict[str, Array] | None:
            index = next(self._left, None)
            if index is None:
                return None
            return {name: records.read(index)[0].transpose(onnx_twin.NCHW)}

    import onnx

    name = onnx.load(model).graph.input[0].name
    with tempfile.TemporaryDirectory() as folder:
        augmented = str(Path(folder) / "augmented.onnx")
        method = CalibrationMethod.MinMax
        calibrator = create_calibrator(
            str(model), augmented_model_path=augmented, calibrate_method=method
        )
        calibrator.collect_data(Reader())
        return len(calibrator.compute_data().data)


RECORDERS: dict[str, tuple[Callable[[Path, Repeated, int], int], str]] = {
    "bare": (bare, "ai-edge-litert"),
    "octet": (octet, "octet"),
    "octet-one-job": (octet_one_job, "octet"),
    "onnxruntime": (onnxruntime, "onnxruntime"),
}
"""By name: what records, and the package whose version is told."""


def main() -> None:
    """Record and print seconds by the clock and of the processors, as JSON."""
    name, model, records, count, threads = sys.argv[1:]
    recorder, package = RECORDERS[name]
    source = Repeated(Path(records), int(count))
    start, cpu = time.perf_counter(), time.process_time()
    found = recorder(Path(model), source, int(threads))
    told = {"seconds": time.perf_counter() - start, "cpu_seconds": time.process_time() - cpu}
    assert found > 10
    print(json.dumps({**told, "version": version(package)}))


if __name__ == "__main__":
    main()
