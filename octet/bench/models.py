# SPDX-License-Identifier: Apache-2.0
"""The networks that the benchmark knows by name, and where their files are."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from octet.errors import OctetError, unknown
from octet.toolchain.paths import ROOT


@dataclass(frozen=True)
class Model:
    """A network to measure.

    Attributes:
        name: as on the command line.
        path: its ``.tflite`` file.
        twin: what the ONNX engines run in its place, a key of `twins.TWINS`; None if nothing.
    """

    name: str
    path: Path
    twin: str | None = None


_FILES: dict[str, tuple[str, str | None]] = {
    "mobilenet-v2-uint8": ("tflite-uint8/mobilenet_v2_1.0_224_quant.tflite", None),
    "mobilenet-v2-int8": ("tflite-int8/tf2_mobilenet_v2_1.0_224_ptq.tflite", "qdq"),
    "mobilenet-v2-f32": ("tflite-derived/mobilenet_v2_1.0_224_f32.tflite", "f32"),
    "ssd-uint8": ("tflite-uint8/ssd_mobilenet_v1_coco_quant_detect.tflite", None),
    "ssd-f32": ("tflite-derived/ssd_mobilenet_v1_coco_deq_f32.tflite", None),
    "deeplab-uint8": ("tflite-uint8/deeplabv3_mnv2_pascal_quant.tflite", None),
    "deeplab-f32": ("tflite-f32/deeplabv3_257_mv_gpu.tflite", None),
    "deeplab-513-f32": ("tflite-derived/deeplabv3_mnv2_pascal_os8_f32.tflite", None),
    "mobilenet-v1-uint8": ("tflite-derived/mobilenet_v1_1.0_224_quant_joined.tflite", None),
    "mobilenet-v1-025-uint8": ("tflite-uint8/mobilenet_v1_0.25_128_quant.tflite", None),
    "face-f32": ("tflite-f32/face_detection_front_f32.tflite", None),
    "hand-f32": ("tflite-f32/hand_landmark_224_f32.tflite", None),
    "resnet8-int8": ("tflite-int8/resnet8_cifar_int8.tflite", None),
    "kws-int8": ("tflite-int8/kws_ref_model_int8.tflite", None),
    "vww-int8": ("tflite-int8/vww_96_int8.tflite", None),
}

DEMOS = (
    "mobilenet-v2-uint8",
    "mobilenet-v2-int8",
    "mobilenet-v2-f32",
    "ssd-uint8",
    "ssd-f32",
    "deeplab-uint8",
    "deeplab-f32",
)
"""What is measured when nobody names a model."""


def models_folder() -> Path:
    """Return ``models`` in ``$OCTET_DATA``, else in ``shared`` beside the checkout."""
    named = os.environ.get("OCTET_DATA")
    return (Path(named) if named else ROOT.parent / "shared") / "models"


def find_models(names: Sequence[str]) -> list[Model]:
    """Return the models of that name or path, in order; the demo networks for no names.

    Raises:
        UsageError: for a name that is neither known nor a ``.tflite`` file.
        OctetError: if a file is not there.
    """
    models = [_find(name) for name in names or DEMOS]
    for model in models:
        if not model.path.is_file():
            raise OctetError(f"{model.name}: there is no {model.path} (set OCTET_DATA)")
    return models


def _find(name: str) -> Model:
    if name.endswith(".tflite"):
        path = Path(name)
        return Model(path.stem, path)
    if name not in _FILES:
        raise unknown("model", name, _FILES)
    file, twin = _FILES[name]
    return Model(name, models_folder() / file, twin)
