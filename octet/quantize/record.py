# SPDX-License-Identifier: Apache-2.0
"""Finds the range of every activation of a float model over representative data.

The model runs once per record and the extremes of each tensor go to a `RangeLog`; a mode turns the
rows into one range per tensor. Modes on elements run the data a second time, for histograms between
the extremes. Nothing here depends on how many threads or machines do it.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from octet.errors import OctetError
from octet.quantize.data.check import check_record
from octet.quantize.data.source import Source
from octet.quantize.modes import ELEMENT_FUNCTIONS, MODES, RANGE_FUNCTIONS, ModeOptions, Ranges
from octet.quantize.range_log import RangeLog, RecordingKey
from octet.quantize.sessions import BINS, ElementSession, Job, RangeSession, make_job
from octet.quantize.work import Item, Work, on_cluster, on_threads
from octet.tflite.files import write_whole
from octet.tflite.model import Model
from octet.tflite.runtime import InputSpec, Session
from octet.tflite.types import Array

METADATA = "octet_recording"
"""Name of the metadata entry that says how a model's ranges were found."""

Report = Callable[[str, int, int], None]
"""Told of progress: what, records done, records in all."""

SAVE_SECONDS = 20.0


@dataclass(frozen=True)
class RecordOptions:
    """How to record.

    Attributes:
        mode: one of MODES.
        constants: of the mode.
        jobs: threads of this process that run the model; 0 takes one per processor.
        threads: of each of them; 0 shares the processors among the jobs.
        scheduler: address of a Dask scheduler to use instead; "" for none.
        way: one of WAYS, to do without faster ones; "" takes the fastest that there is.
    """

    mode: str = "minmax"
    constants: ModeOptions = field(default_factory=ModeOptions)
    jobs: int = 0
    threads: int = 0
    scheduler: str = ""
    way: str = ""

    def resolved(self) -> tuple[int, int]:
        """Return jobs and threads per job."""
        processors = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1
        jobs = self.jobs or (1 if self.threads else processors)
        return jobs, self.threads or max(1, processors // jobs)


@dataclass(frozen=True)
class Recording:
    """What was found.

    Attributes:
        ranges: least and greatest value by tensor index; tensors that no run wrote are absent.
        records: how many records they are over.
        mode: how they were chosen.
    """

    ranges: dict[int, tuple[float, float]]
    records: int
    mode: str


def record(
    model: Model,
    source: Source,
    options: RecordOptions | None = None,
    *,
    cache: Path | None = None,
    report: Report | None = None,
) -> Recording:
    """Return the range of every float32 activation of ``model`` over the records of ``source``.

    Args:
        model: a float model.
        source: records for its inputs.
        options: mode and how much of the machine to use.
        cache: a file for the ranges of each record. If it holds those of the same model and data,
            they are not computed again; after an interrupt the recording goes on where it stopped.
        report: told of progress.

    Raises:
        DataError: for a record that does not fit, naming record, input, found and expected.
        OctetError: for an unknown mode, a model that LiteRT refuses, a disk that is full.
    """
    options = options or RecordOptions()
    if options.mode not in MODES:
        raise OctetError(f"mode: got {options.mode!r}, expected one of {', '.join(MODES)}.")
    _, threads = options.resolved()
    job = make_job(model, threads, options.way)
    inputs = model_inputs(job.model, model)
    with ExitStack() as stack:
        if cache is None:
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="octet-"))
            cache = Path(folder) / "ranges"
        digest = hashlib.sha256(job.model).hexdigest()
        key = RecordingKey(digest, source.fingerprint(), job.tensors)
        log = stack.enter_context(RangeLog(cache, key))
        _fill(log, job, source, inputs, options, report)
        minima, maxima = log.rows(source.count)
        _check_constant_absence(minima)
        low, high = _choose(minima, maxima, job, source, inputs, options, cache, key, report)
        del minima, maxima
    return Recording(_by_tensor(job, low, high), source.count, options.mode)


def embed(model: Model, recording: Recording) -> None:
    """Write the ranges into the tensors' quantization parameters, and how they were found.

    The model computes what it did: scales stay absent.
    """
    for index, (low, high) in recording.ranges.items():
        tensor = model.tensors[index]
        if tensor.quantization is None:
            tensor.quantization = schema.QuantizationParametersT()
        tensor.quantization.min = [low]
        tensor.quantization.max = [high]
    facts = {"mode": recording.mode, "records": recording.records}
    model.set_metadata(METADATA, json.dumps(facts, sort_keys=True).encode())


def model_inputs(data: bytes, model: Model) -> list[InputSpec]:
    """Return what a model takes, with its own names; unknown dimensions are LiteRT's 1."""
    specs = Session(data, model.name, kernels="builtin").inputs  # which is ready the soonest
    return [
        InputSpec(spec.index, model.tensor_name(index), spec.shape, spec.dtype)
        for index, spec in zip(model.inputs, specs, strict=True)
    ]


@dataclass(frozen=True)
class _RangeWork:
    job: Job

    def open(self) -> RangeSession:
        return RangeSession(self.job)

    def do(
        self, tool: RangeSession, record: Sequence[Array], number: int, place: str
    ) -> tuple[Array, Array]:
        return tool.ranges(record, place)


@dataclass(frozen=True)
class _HistogramWork:
    job: Job
    low: Array
    high: Array

    def open(self) -> ElementSession:
        return ElementSession(self.job, self.low, self.high)

    def do(self, tool: ElementSession, record: Sequence[Array], number: int, place: str) -> Array:
        return tool.histograms(record, number)


def _run(
    work: Work[Any],
    source: Source,
    inputs: Sequence[InputSpec],
    start: int,
    options: RecordOptions,
) -> Iterator[Any]:
    jobs, _ = options.resolved()

    def items() -> Iterator[Item]:
        for number in range(start, source.count):
            place = source.place(number)
            yield number, place, check_record(source.read(number), inputs, place)

    if options.scheduler:
        return on_cluster(work, items(), options.scheduler)
    return on_threads(work, items(), jobs)


def _fill(
    log: RangeLog,
    job: Job,
    source: Source,
    inputs: Sequence[InputSpec],
    options: RecordOptions,
    report: Report | None,
) -> None:
    """Append the rows that the log lacks."""
    if report:
        report("recording", log.count, source.count)
    if log.count >= source.count:
        return
    saved = time.monotonic()
    for low, high in _run(_RangeWork(job), source, inputs, log.count, options):
        log.append(low, high)
        if time.monotonic() - saved > 1:
            log.flush()
            saved = time.monotonic()
        if report:
            report("recording", log.count, source.count)


def _check_constant_absence(minima: Array) -> None:
    """A tensor is written in every run or in none; anything else would poison percentiles."""
    absent = np.isnan(minima[0]) if len(minima) else np.zeros(0, bool)
    for start in range(0, len(minima), 4096):
        part = np.isnan(minima[start : start + 4096])
        if (part != absent).any():
            raise OctetError("recording: a tensor was written for some records only.")


def _choose(
    minima: Array,
    maxima: Array,
    job: Job,
    source: Source,
    inputs: Sequence[InputSpec],
    options: RecordOptions,
    cache: Path,
    key: RecordingKey,
    report: Report | None,
) -> Ranges:
    function = RANGE_FUNCTIONS.get(options.mode)
    if function is not None:
        return function(minima, maxima, options.constants)
    extremes = RANGE_FUNCTIONS["minmax"](minima, maxima, options.constants)
    histograms = _histograms(extremes, job, source, inputs, options, cache, key, report)
    choose = ELEMENT_FUNCTIONS[options.mode]
    low, high = extremes[0].copy(), extremes[1].copy()
    for i, histogram in enumerate(histograms):
        low[i], high[i] = choose(histogram, float(low[i]), float(high[i]), options.constants)
    return low, high


def _histograms(
    extremes: Ranges,
    job: Job,
    source: Source,
    inputs: Sequence[InputSpec],
    options: RecordOptions,
    cache: Path,
    key: RecordingKey,
    report: Report | None,
) -> Array:
    """Return counts, int64[tensors, BINS], from the file beside the cache as far as it goes."""
    path = cache.with_name(f"{cache.name}.histograms")
    low, high = (np.nan_to_num(ends, nan=0.0) for ends in extremes)
    stamp = hashlib.sha256(f"{key} {source.count}".encode() + low.tobytes() + high.tobytes())
    done, counts = _load_histograms(path, stamp.hexdigest(), len(job.tensors))
    saved = time.monotonic()
    try:
        if done < source.count:
            for found in _run(_HistogramWork(job, low, high), source, inputs, done, options):
                counts += found
                done += 1
                if report:
                    report("histograms", done, source.count)
                if time.monotonic() - saved > SAVE_SECONDS:
                    _save_histograms(path, stamp.hexdigest(), done, counts)
                    saved = time.monotonic()
    finally:
        if done:
            _save_histograms(path, stamp.hexdigest(), done, counts)
    return counts


def _load_histograms(path: Path, stamp: str, tensors: int) -> tuple[int, Array]:
    try:
        with np.load(path) as loaded:
            if str(loaded["stamp"]) == stamp and loaded["counts"].shape == (tensors, BINS):
                return int(loaded["done"]), loaded["counts"]
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        pass
    return 0, np.zeros((tensors, BINS), np.int64)


def _save_histograms(path: Path, stamp: str, done: int, counts: Array) -> None:
    stream = io.BytesIO()
    np.savez_compressed(stream, stamp=np.array(stamp), done=np.array(done), counts=counts)
    write_whole(path, stream.getvalue())


def _by_tensor(job: Job, low: Array, high: Array) -> dict[int, tuple[float, float]]:
    return {
        index: (float(low[i]), float(high[i]))
        for i, index in enumerate(job.tensors)
        if np.isfinite(low[i])
    }
