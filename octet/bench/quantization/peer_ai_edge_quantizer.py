# SPDX-License-Identifier: Apache-2.0
"""ai-edge-quantizer, run by the Python of its own environment, which has no octet.

quantize MODEL RECORDS.npy OUT GRANULARITY
record MODEL RECORDS.npy COUNT THREADS MODE
"""

import json
import os
import sys
import time
from collections.abc import Iterator
from importlib.metadata import version
from typing import Any

import numpy as np
from ai_edge_quantizer import calibrator, qtyping, quantizer, recipe  # type: ignore[import-not-found]

SIGNATURE = "serving_default"
GRANULARITIES = {
    "channel": qtyping.QuantGranularity.CHANNELWISE,
    "layer": qtyping.QuantGranularity.TENSORWISE,
}
MODES = {
    "preserve": calibrator.CalibrationMode.CALIBRATION_PRESERVE_ALL_TENSORS,
    "profile": calibrator.CalibrationMode.CALIBRATION_PROFILER_BASED,
}


class Samples:
    """The records of an input, from the first again where they end; it goes through them twice."""

    def __init__(self, path: str, count: int | None = None) -> None:
        self._records = np.load(path, mmap_mode="r")
        self._count = count or len(self._records)

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[dict[str, Any]]:
        for number in range(self._count):
            yield {"input": self._records[number % len(self._records)]}


def quantize(model: str, records: str, out: str, granularity: str) -> None:
    """Write the int8 model."""
    wanted = recipe.static_wi8_ai8()
    for rule in wanted:
        rule["op_config"]["weight_tensor_config"]["granularity"] = GRANULARITIES[granularity]
    worker = quantizer.Quantizer(model, wanted)
    found = worker.calibrate({SIGNATURE: Samples(records)}, num_threads=os.cpu_count() or 1)
    worker.quantize(found, enable_progress_report=False).export_model(out, overwrite=True)


def record(model: str, records: str, count: int, threads: int, mode: str) -> tuple[float, float]:
    """Return the seconds of calibration by the clock and of the processors."""
    start, cpu = time.perf_counter(), time.process_time()
    worker = quantizer.Quantizer(model, recipe.static_wi8_ai8())
    data = {SIGNATURE: Samples(records, count)}
    found = worker.calibrate(data, num_threads=threads, mode=MODES[mode])
    assert len(found) > 10
    return time.perf_counter() - start, time.process_time() - cpu


def main() -> None:
    """Do it and print what it took, as JSON."""
    what, model, records, *rest = sys.argv[1:]
    told: dict[str, Any] = {"version": version("ai-edge-quantizer")}
    if what == "quantize":
        quantize(model, records, *rest)
    else:
        count, threads, mode = rest
        found = record(model, records, int(count), int(threads), mode)
        told |= {"seconds": found[0], "cpu_seconds": found[1]}
    print(json.dumps(told))


if __name__ == "__main__":
    main()
