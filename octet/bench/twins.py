# SPDX-License-Identifier: Apache-2.0
"""Networks for engines that do not read TFLite: made, checked and kept in build/bench/twins."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import onnx
from PIL import Image

from octet.bench import onnx_twin, tfjs_twin
from octet.bench.models import find_models, models_folder
from octet.bench.peers import FOLDER
from octet.errors import OctetError
from octet.tflite.model import Model
from octet.tflite.runtime import Session
from octet.tflite.types import Array

SOURCE = "mobilenet-v2-f32"
"""The network that has twins."""

TOLERANCE = 1e-4
"""Of a probability, between LiteRT and the float twin: sums are taken in another order."""

IMAGES = 16
SIZE = 224


def twin(kind: str) -> Path:
    """Return the file of a twin, after making it if it is not there.

    Args:
        kind: ``f32`` or ``qdq``: ONNX in float, or quantized; ``tfjs``: a TensorFlow.js graph.

    Raises:
        OctetError: if it cannot be made, or does not compute what the TFLite file does.
    """
    [model] = find_models([SOURCE])
    digest = hashlib.sha256(model.path.read_bytes())
    for module in (__file__, onnx_twin.__file__, tfjs_twin.__file__):
        digest.update(Path(module).read_bytes())
    path = FOLDER / "twins" / f"{digest.hexdigest()[:12]}.{kind}"
    if not path.is_file():
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_suffix(".partial")
        _MAKE[kind](model.path, partial)
        partial.replace(path)
    return path


def _make_f32(source: Path, target: Path) -> None:
    model = Model.read(source)
    onnx.save(onnx_twin.convert(model), target)
    images = _images(4)
    session = Session(model.to_bytes(), model.name)
    expected = [session.run([image])[0] for image in images]
    got = onnx_twin.run(target, images)
    worst = max(float(abs(a - b).max()) for a, b in zip(expected, got, strict=True))
    if worst > TOLERANCE:
        raise OctetError(f"{model.name}: the ONNX twin is {worst:.2g} off LiteRT")


def _make_qdq(_: Path, target: Path) -> None:
    # It advises to optimize the model first; there is nothing to optimize.
    logging.getLogger().setLevel(logging.ERROR)
    images = _images(IMAGES)
    source = twin("f32")
    onnx_twin.quantize(source, target, images)
    pairs = zip(onnx_twin.run(source, images), onnx_twin.run(target, images), strict=True)
    agree = sum(int(a.argmax() == b.argmax()) for a, b in pairs)
    if agree < IMAGES // 2:
        raise OctetError(f"the quantized ONNX twin agrees on {agree} of {IMAGES} images")


def _make_tfjs(source: Path, target: Path) -> None:
    target.write_bytes(tfjs_twin.convert(Model.read(source)))


_MAKE: dict[str, Callable[[Path, Path], None]] = {
    "f32": _make_f32,
    "qdq": _make_qdq,
    "tfjs": _make_tfjs,
}


def _images(count: int) -> Sequence[Array]:
    """NHWC in [-1, 1]: photos of the data folder, noise where it has none."""
    found = sorted((models_folder() / "data/imagenet1000_256").glob("*.jpg"))
    if len(found) < count:
        noise = np.random.default_rng(0)
        shape = (1, SIZE, SIZE, 3)
        return [noise.uniform(-1, 1, shape).astype(np.float32) for _ in range(count)]
    chosen = found[:: len(found) // count][:count]
    images = [Image.open(path).convert("RGB").resize((SIZE, SIZE)) for path in chosen]
    return [(np.asarray(image, np.float32) / 127.5 - 1)[None] for image in images]
