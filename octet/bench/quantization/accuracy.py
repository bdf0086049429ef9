# SPDX-License-Identifier: Apache-2.0
"""What each way to quantize costs: the quantized model beside the float one, record by record."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from octet.bench import onnx_twin
from octet.bench.quantization import quantizers
from octet.bench.quantization.networks import Network
from octet.bench.quantization.quantizers import Quantizer
from octet.bench.quantization.results import Accuracy
from octet.quantize.schemes import Params, quantize
from octet.tflite.model import Model
from octet.tflite.runtime import Session
from octet.tflite.types import Array

Run = Callable[[Array], Array]
Step = Callable[[str], None]


def measure(network: Network, step: Step) -> list[Accuracy]:
    """Return a row for the float model, each quantizer and the published model."""
    network.calibration()
    floats = _answers(network, network.path)
    classes = np.array([c for _, c in network.test()])
    step("float32")
    rows = [_row(network, None, network.path, floats, floats, classes)]
    for quantizer in network.quantizers:
        path = _quantized(network, quantizer)
        rows.append(_row(network, quantizer, path, _answers(network, path), floats, classes))
        step(f"{quantizer.name} {quantizer.dtype}")
    if network.published:
        path = network.path.parents[1] / network.published
        rows.append(_row(network, None, path, _answers(network, path), floats, classes))
    return rows


def _quantized(network: Network, quantizer: Quantizer) -> Path:
    folder = quantizers.FOLDER / network.path.stem
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{quantizer.file}{quantizer.suffix}"
    quantizer.make(network.path, network.calibration(), path)
    return path


def _answers(network: Network, path: Path) -> Array:
    run = _onnx(path) if path.suffix == ".onnx" else _tflite(path)
    return np.stack([_answer(run, x) for x, _ in network.test()])


def _answer(run: Run, record: Array) -> Array:
    """Return the best class of a record, or of each of its pixels."""
    output = run(record)
    return output if output.dtype.kind == "i" else output.argmax(-1)


def _tflite(path: Path) -> Run:
    session = Session(path.read_bytes(), path.name, threads=2)
    spec = session.inputs[0]
    model = Model.read(path)
    given = model.tensors[model.inputs[0]].quantization

    def run(record: Array) -> Array:
        if spec.dtype == "int8":
            params = Params("int8", float(given.scale[0]), int(given.zeroPoint[0]))
            record = quantize(record, params)
        found = session.run([record])[0]
        # The order of what is in 8 bits is that of the numbers.
        return found.astype(np.float32) if found.dtype == np.int8 else found

    return run


def _onnx(path: Path) -> Run:
    import onnxruntime

    session = onnxruntime.InferenceSession(path)
    name = session.get_inputs()[0].name
    return lambda record: np.asarray(session.run(None, {name: record.transpose(onnx_twin.NCHW)})[0])


def _row(
    network: Network,
    quantizer: Quantizer | None,
    path: Path,
    answers: Array,
    floats: Array,
    classes: Array,
) -> Accuracy:
    correct = None
    given = ("float32", "") if path == network.path else ("int8", "channel")
    if network.measure == "top-1":
        correct = round(100 * float(np.mean(answers.ravel() == classes)), 2)
    return Accuracy(
        network=network.name,
        quantizer=quantizer.name if quantizer else "as published",
        version=quantizer.version if quantizer else "",
        setting=quantizer.setting if quantizer else "",
        dtype=quantizer.dtype if quantizer else given[0],
        granularity=quantizer.granularity if quantizer else given[1],
        bytes=path.stat().st_size,
        records=len(answers),
        top1=correct,
        agreement=round(100 * float(np.mean(answers == floats)), 2),
    )
