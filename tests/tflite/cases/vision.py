# SPDX-License-Identifier: Apache-2.0
"""Resizing and detection."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from flatbuffers import flexbuffers  # type: ignore[import-untyped]

from tests.tflite.cases.case import MAKERS, RNG, Case, f32, one, u8
from tests.tflite.tiny_models import Tensor, constant


def resizes() -> Iterator[tuple[str, Case]]:
    rules: dict[str, Any] = {
        "legacy": {},
        "corners": {"alignCorners": True},
        "half": {"halfPixelCenters": True},
    }
    for name in ("RESIZE_BILINEAR", "RESIZE_NEAREST_NEIGHBOR"):
        options = name.title().replace("_", "") + "Options"
        for rule, fields in rules.items():
            for size in ((9, 10), (2, 3), (4, 12), (1, 1)):
                for kind, make in MAKERS.items():
                    parts = {"x": make(1, 4, 6, 3), "s": constant(size)}
                    label = f"{name.lower()}_{rule}_{size[0]}_{kind}"
                    yield label, one(name, parts, make(), options, **fields)


def detections() -> Iterator[tuple[str, Case]]:
    n, classes = 60, 5
    anchors = RNG.uniform(0.1, 0.9, (n, 4)).astype("float32")
    anchors[:, 2:] *= 0.4
    for kind in ("f32", "u8"):
        for regular in (False, True):
            for per_detection in (1, 2):
                options = {
                    "max_detections": 6,
                    "max_classes_per_detection": per_detection,
                    "detections_per_class": 4,
                    "use_regular_nms": regular,
                    "nms_score_threshold": 0.3,
                    "nms_iou_threshold": 0.4,
                    "num_classes": classes,
                    "y_scale": 10.0,
                    "x_scale": 10.0,
                    "h_scale": 5.0,
                    "w_scale": 5.0,
                }
                parts = {"boxes": f32(1, n, 4), "scores": f32(1, n, classes + 1)}
                parts["anchors"] = constant(anchors, "float32")
                if kind == "u8":
                    parts["boxes"] = u8(1, n, 4, scale=0.08)
                    parts["scores"] = u8(1, n, classes + 1, scale=1 / 256, zero_point=0)
                    coded = np.clip(np.round(anchors / 0.005), 0, 255)
                    parts["anchors"] = constant(coded, "uint8", scale=0.005, zero_point=0)
                outputs = {name: Tensor() for name in ("box", "class", "score", "count")}
                case = one(
                    "TFLite_Detection_PostProcess",
                    parts,
                    outputs=outputs,
                    custom_options=bytes(flexbuffers.Dumps(options)),
                    per_detection=1 if regular else per_detection,
                    low=0,
                    high=1,
                )
                yield f"detection_{kind}_{regular}_{per_detection}", case
