# SPDX-License-Identifier: Apache-2.0
"""TFLite's own answers: the interpreter with XNNPACK (its default) and with its builtin kernels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from ai_edge_litert.interpreter import Interpreter, OpResolverType
from PIL import Image

from octet.web.runner import TensorInfo

Array = npt.NDArray[Any]

PHOTOS = ("cat.png", "grace_hopper.png", "kite_and_cold.jpg", "pets.jpg", "bird.png", "parrot.jpg")
RESOLVERS = {
    "xnnpack": OpResolverType.AUTO,
    "builtin": OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
}


class Litert:
    """A ``.tflite`` in TFLite's interpreter; ``kind`` is a key of RESOLVERS."""

    def __init__(self, model: Path, kind: str) -> None:
        self._interpreter = Interpreter(
            str(model), num_threads=2, experimental_op_resolver_type=RESOLVERS[kind]
        )
        self._interpreter.allocate_tensors()
        self._inputs = {d["name"]: d["index"] for d in self._interpreter.get_input_details()}
        self._outputs = {d["name"]: d["index"] for d in self._interpreter.get_output_details()}

    def run(self, inputs: Mapping[str, Array]) -> dict[str, Array]:
        """Run once and return the outputs by name."""
        for name, array in inputs.items():
            self._interpreter.set_tensor(self._inputs[name], array)
        self._interpreter.invoke()
        return {name: self._interpreter.get_tensor(index) for name, index in self._outputs.items()}


def photo_input(photo: Path, info: TensorInfo) -> Array:
    """Return a photo as an image network takes it: resized, in the input's own type.

    Float networks take (x - 127.5) / 127.5; a uint8 one the bytes; an int8 one the bytes - 128.
    """
    _, height, width, channels = info.shape
    image = Image.open(photo).convert("RGB" if channels == 3 else "L")
    pixels = np.asarray(image.resize((width, height), Image.Resampling.BILINEAR))
    pixels = pixels.reshape(info.shape)
    if info.dtype == "uint8":
        return pixels
    if info.dtype == "int8":
        return (pixels.astype(np.int16) - 128).astype(np.int8)
    return ((pixels.astype(np.float32) - 127.5) / 127.5).astype(np.float32)


def largest_difference(a: Array, b: Array) -> float:
    """Return the largest absolute difference of two arrays."""
    return float(np.abs(a.astype(np.float64) - b.astype(np.float64)).max())


def intersection_over_union(a: Sequence[float], b: Sequence[float]) -> float:
    """Return the IoU of two boxes given as ymin, xmin, ymax, xmax."""
    top, left = max(a[0], b[0]), max(a[1], b[1])
    bottom, right = min(a[2], b[2]), min(a[3], b[3])
    inside = max(0.0, bottom - top) * max(0.0, right - left)
    areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in (a, b)]
    return inside / (areas[0] + areas[1] - inside)
