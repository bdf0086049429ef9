# SPDX-License-Identifier: Apache-2.0
"""Resize and Upsample: RESIZE_BILINEAR, RESIZE_NEAREST_NEIGHBOR, or GATHER of rows and columns."""

from __future__ import annotations

import math

import numpy as np

from octet.onnx.emitter import Emitter, Value, channels_last
from octet.onnx.graph import Node, OnnxError
from octet.onnx.operators_movement import pick
from octet.tflite.types import Array


def resize(e: Emitter, node: Node) -> Value:
    """Resize (opset 11 and later), and opset 10's, whose second input are the scales."""
    value = e.input(node, 0)
    old = len(node.inputs) == 2
    scales = e.constant(node, 1 if old else 2)
    sizes = None if old else e.constant(node, 3)
    return _resize(e, node, value, scales, sizes, "asymmetric" if old else "half_pixel")


def upsample(e: Emitter, node: Node) -> Value:
    """Upsample of opsets 7 and 9."""
    value = e.input(node, 0)
    scales = e.constant(node, 1)
    if scales is None:
        scales = np.array(node.get("scales", []), np.float32)
    return _resize(e, node, value, scales, None, "asymmetric")


def _resize(
    e: Emitter, node: Node, value: Value, scales: Array | None, sizes: Array | None, default: str
) -> Value:
    if value.rank != 4 or node.attributes.get("axes") not in (None, [0, 1, 2, 3]):
        raise OnnxError(f"{node.where()}: got rank {value.rank}, expected images of rank 4.")
    shape, factors = _target(node, value, scales, sizes)
    mode = node.get("mode", "nearest")
    where = node.get("coordinate_transformation_mode", default)
    if mode in ("linear", "bilinear"):
        return _linear(e, node, value, shape, factors, where)
    if mode == "nearest":
        rounding = node.get(
            "nearest_mode", "floor" if default == "asymmetric" else "round_prefer_floor"
        )
        return _nearest(e, node, value, shape, factors, where, rounding)
    raise OnnxError(f"{node.where()}: mode: got {mode}, expected nearest or linear.")


def _target(
    node: Node, value: Value, scales: Array | None, sizes: Array | None
) -> tuple[tuple[int, ...], tuple[float, float]]:
    if sizes is not None and sizes.size:
        shape = tuple(int(size) for size in sizes)
        factors = tuple(shape[i] / value.shape[i] for i in range(4))
    elif scales is not None and scales.size:
        factors = tuple(float(scale) for scale in scales)
        shape = tuple(math.floor(value.shape[i] * factors[i]) for i in range(4))
    else:
        raise OnnxError(f"{node.where()}: got neither scales nor sizes.")
    if shape[:2] != value.shape[:2]:
        raise OnnxError(f"{node.where()}: batch and channels cannot be resized.")
    return shape, (factors[2], factors[3])


def _linear(
    e: Emitter,
    node: Node,
    value: Value,
    shape: tuple[int, ...],
    factors: tuple[float, float],
    where: str,
) -> Value:
    flags = {
        "asymmetric": (False, False),
        "half_pixel": (False, True),
        "pytorch_half_pixel": (False, True),
        "align_corners": (True, False),
    }
    exact = all(abs(value.shape[2 + i] * factors[i] - shape[2 + i]) < 1e-4 for i in range(2))
    known = where in flags and (exact or where == "align_corners")
    if where == "pytorch_half_pixel" and 1 in shape[2:]:
        known = False
    if not known or node.get("antialias", 0):
        raise OnnxError(
            f"{node.where()}: linear with {where} and scales {factors} is not supported."
        )
    corners, centers = flags[where]
    order = channels_last(4)
    inputs = [e.tensor(value, order), e.numbers(shape[2:])]
    return e.emit(
        "RESIZE_BILINEAR",
        inputs,
        shape,
        "float32",
        node.outputs[0],
        "ResizeBilinearOptions",
        order,
        version=3 if centers else 1,
        alignCorners=corners,
        halfPixelCenters=centers,
    )


def _nearest(
    e: Emitter,
    node: Node,
    value: Value,
    shape: tuple[int, ...],
    factors: tuple[float, float],
    where: str,
    rounding: str,
) -> Value:
    picks = [
        _picks(node, value.shape[2 + i], shape[2 + i], factors[i], where, rounding)
        for i in range(2)
    ]
    order = channels_last(4)
    name = node.outputs[0]
    for corners, centers in ((False, False), (False, True), (True, False)):
        native = [
            _native_picks(value.shape[2 + i], shape[2 + i], corners, centers) for i in range(2)
        ]
        if all(np.array_equal(native[i], picks[i]) for i in range(2)):
            inputs = [e.tensor(value, order), e.numbers(shape[2:])]
            options = "ResizeNearestNeighborOptions"
            return e.emit(
                "RESIZE_NEAREST_NEIGHBOR",
                inputs,
                shape,
                "float32",
                name,
                options,
                order,
                version=3 if corners or centers else 1,
                alignCorners=corners,
                halfPixelCenters=centers,
            )
    value = pick(e, value, 2, picks[0], f"{name}/rows")
    return pick(e, value, 3, picks[1], name)


def _picks(node: Node, size: int, target: int, factor: float, where: str, rounding: str) -> Array:
    """Return which element each output element is, as ONNX defines it."""
    x = np.arange(target, dtype=np.float64)
    if where in ("half_pixel", "pytorch_half_pixel", "half_pixel_symmetric"):
        position = (x + 0.5) / factor - 0.5
        if where == "pytorch_half_pixel" and target == 1:
            position = np.zeros(1)
    elif where == "asymmetric":
        position = x / factor
    elif where == "align_corners":
        position = x * (size - 1) / max(1, target - 1)
    elif where == "tf_half_pixel_for_nn":
        position = (x + 0.5) / factor
    else:
        raise OnnxError(f"{node.where()}: coordinates as {where} are not supported.")
    rounded = {
        "round_prefer_floor": np.ceil(position - 0.5),
        "round_prefer_ceil": np.floor(position + 0.5),
        "floor": np.floor(position),
        "ceil": np.ceil(position),
    }[rounding]
    return np.asarray(np.clip(rounded, 0, size - 1), np.int64)


def _native_picks(size: int, target: int, corners: bool, centers: bool) -> Array:
    """Return which element each output element is in RESIZE_NEAREST_NEIGHBOR."""
    x = np.arange(target, dtype=np.float32)
    scale = np.float32(size) / np.float32(target)
    if corners and target > 1:
        scale = np.float32(size - 1) / np.float32(target - 1)
    position = (x + np.float32(0.5 if centers else 0)) * scale
    rounded = np.floor(position + np.float32(0.5)) if corners else np.floor(position)
    return np.asarray(np.clip(rounded, 0, size - 1), np.int64)


OPERATORS = {"Resize": resize, "Upsample": upsample}
