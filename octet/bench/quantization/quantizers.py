# SPDX-License-Identifier: Apache-2.0
"""What quantizes: octet in several settings, and the peers, from the same records."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import numpy as np
import onnx

from octet.bench import onnx_twin
from octet.errors import OctetError
from octet.quantize.config import Config
from octet.quantize.data.source import open_source
from octet.quantize.quantize import QuantizeOptions, quantize_model
from octet.quantize.record import model_inputs
from octet.tflite.model import Model
from octet.toolchain import process
from octet.toolchain.paths import BUILD

FOLDER = BUILD / "bench/quantization"
PYTHON = FOLDER / "ai-edge-quantizer/bin/python"

AI_EDGE_QUANTIZER = "ai-edge-quantizer==0.10.0"
"""It demands one release of LiteRT, so it gets an environment of its own."""

PEER = Path(__file__).with_name("peer_ai_edge_quantizer.py")

NPY_FLOAT, NPY_BYTE, NPY_INT = 11, 1, 5
"""NumPy's type numbers, which the converter in LiteRT takes."""


@dataclass(frozen=True)
class Quantizer:
    """A way to quantize.

    Attributes:
        name: of the tool.
        setting: what of its options matters.
        dtype: of activations; weights are per ``granularity``.
        granularity: ``channel`` or ``layer``.
        make: takes the float model, the calibration records and the file to write.
        suffix: of that file.
        package: whose version is told.
    """

    name: str
    setting: str
    dtype: str
    granularity: str
    make: Callable[[Path, Path, Path], None]
    suffix: str = ".tflite"
    package: str = "octet"

    @property
    def file(self) -> str:
        """Return a name for the file."""
        return f"{self.name}-{self.dtype}-{self.granularity}-{self.setting}".replace(" ", "_")

    @property
    def version(self) -> str:
        """Return the tool's version."""
        if self.package == "ai-edge-quantizer":
            return AI_EDGE_QUANTIZER.partition("==")[2]
        return version(self.package)


def _octet(dtype: str, *, bias: str = "fast", equalize: bool = False) -> Quantizer:
    def make(model: Path, records: Path, out: Path) -> None:
        wanted = QuantizeOptions(
            config=Config(dtype=dtype), bias_correction=bias, equalize=equalize
        )
        floats = Model.read(model)
        source = open_source(str(records), model_inputs(floats.to_bytes(), floats))
        quantize_model(floats, wanted, source).model.write(out)

    parts = ["equalize"] if equalize else []
    parts += [f"{bias} bias correction"] if bias != "none" else []
    granularity = "layer" if dtype == "uint8" else "channel"
    return Quantizer("octet", " + ".join(parts) or "plain", dtype, granularity, make)


def _litert(model: Path, records: Path, out: Path) -> None:
    from ai_edge_litert import _pywrap_tensorflow_lite_calibration_wrapper as wrapper

    data = model.read_bytes()  # it keeps no copy
    found = wrapper.CalibrationWrapper(data, [], [])
    arrays = np.load(records, mmap_mode="r")
    found.Prepare([list(arrays[0].shape)])
    for array in arrays:
        found.FeedTensor([np.ascontiguousarray(array)])
    types = (NPY_FLOAT, NPY_FLOAT, False, NPY_BYTE, NPY_INT, False, False)
    out.write_bytes(found.QuantizeModel(*types))


def _ai_edge_quantizer(granularity: str) -> Callable[[Path, Path, Path], None]:
    def make(model: Path, records: Path, out: Path) -> None:
        peer("quantize", with_signature(model), records, out, granularity)

    return make


def _onnxruntime(per_channel: bool) -> Callable[[Path, Path, Path], None]:
    def make(model: Path, records: Path, out: Path) -> None:
        logging.getLogger().setLevel(logging.ERROR)  # it advises to optimize the model first
        arrays = list(np.load(records, mmap_mode="r"))
        onnx_twin.quantize(twin(model), out, arrays, per_channel=per_channel)

    return make


MODEL_QUANTIZERS = (
    _octet("int8"),
    _octet("int8", bias="none"),
    Quantizer(
        "LiteRT's converter", "default", "int8", "channel", _litert, package="ai-edge-litert"
    ),
    Quantizer(
        "ai-edge-quantizer",
        "default",
        "int8",
        "channel",
        _ai_edge_quantizer("channel"),
        package="ai-edge-quantizer",
    ),
    Quantizer("ONNX Runtime", "QDQ", "int8", "channel", _onnxruntime(True), ".onnx", "onnxruntime"),
    _octet("uint8", equalize=True),
    _octet("uint8", bias="full", equalize=True),
    _octet("uint8"),
    _octet("uint8", bias="none"),
    Quantizer(
        "ai-edge-quantizer",
        "tensorwise",
        "int8",
        "layer",
        _ai_edge_quantizer("layer"),
        package="ai-edge-quantizer",
    ),
    Quantizer("ONNX Runtime", "QDQ", "uint8", "layer", _onnxruntime(False), ".onnx", "onnxruntime"),
    _octet("int16x8"),
)
"""Who quantizes MobileNetV2."""

OWN_QUANTIZERS = (_octet("int8"), _octet("uint8", equalize=True))
"""What other networks are quantized by."""


def twin(model: Path) -> Path:
    """Return the ONNX twin of a float model, made if it is not there."""
    path = FOLDER / f"{model.stem}.onnx"
    if not path.is_file():
        onnx.save(onnx_twin.convert(Model.read(model)), path)
    return path


def with_signature(model: Path) -> Path:
    """Return a copy of a model that has a signature, without which ai-edge-quantizer stops."""
    from ai_edge_litert import schema_py_generated as schema

    path = FOLDER / f"{model.stem}-signature.tflite"
    if not path.is_file():
        made = Model.read(model)
        names = [("input", made.inputs[0]), ("output", made.outputs[0])]
        inputs, outputs = ([schema.TensorMapT(name=n, tensorIndex=i)] for n, i in names)
        made.tree.signatureDefs = [
            schema.SignatureDefT(inputs=inputs, outputs=outputs, signatureKey="serving_default")
        ]
        made.write(path)
    return path


def install() -> None:
    """Make ai-edge-quantizer's environment, if it is not there. Raises OctetError."""
    stamp = FOLDER / "ai-edge-quantizer/octet.stamp"
    if stamp.is_file() and stamp.read_text() == AI_EDGE_QUANTIZER:
        return
    FOLDER.mkdir(parents=True, exist_ok=True)
    process.watch("peer's environment", [sys.executable, "-m", "venv", PYTHON.parents[1]])
    install = ["-m", "pip", "install", "--disable-pip-version-check", AI_EDGE_QUANTIZER]
    process.watch("peer's packages", [PYTHON, *install])
    stamp.write_text(AI_EDGE_QUANTIZER)


def peer(*words: object) -> dict[str, float]:
    """Run ai-edge-quantizer; see its script. Return what it tells. Raises OctetError."""
    command = [str(PYTHON), str(PEER), *map(str, words)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise OctetError(f"ai-edge-quantizer: {done.stderr.strip().splitlines()[-1]}")
    told: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return told
