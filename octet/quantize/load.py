# SPDX-License-Identifier: Apache-2.0
"""Opens a model whatever its format."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from octet.tflite.files import IDENTIFIER, read_bytes
from octet.tflite.model import Model


def load_model(path: Path, shapes: Mapping[str, Sequence[int]] | None = None) -> Model:
    """Return the model in a ``.tflite`` file, or one converted from an ``.onnx`` file.

    Args:
        path: the file; the external data of an ONNX file lies beside it.
        shapes: of inputs that an ONNX file leaves open, by name.

    Raises:
        OctetError: naming file and problem.
    """
    data = read_bytes(path)
    if path.suffix.lower() == ".onnx" and data[4:8] != IDENTIFIER:
        from octet.onnx.convert import convert_onnx

        return convert_onnx(data, path.name, shapes=shapes, folder=path.parent)
    return Model.parse(data, path.name)
