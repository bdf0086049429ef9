# SPDX-License-Identifier: Apache-2.0
"""Operators that move elements."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from tests.tflite.cases.case import MAKERS, Case, f32, i8, i32, one, u8, values
from tests.tflite.tiny_models import Operator, Tensor, constant, write_model

REFLECT = [[0, 0], [2, 1], [1, 3]]
SYMMETRIC = [[2, 0], [3, 1], [1, 4]]


def movements() -> Iterator[tuple[str, Case]]:
    moved: list[tuple[str, str, dict[str, Tensor], str | None, dict[str, Any]]] = [
        ("reshape", "RESHAPE", {"s": constant([4, -1])}, None, {}),
        ("reshape_option", "RESHAPE", {}, "ReshapeOptions", {"newShape": [4, 6]}),
        ("expand_dims", "EXPAND_DIMS", {"a": constant(-2)}, None, {}),
        ("transpose", "TRANSPOSE", {"p": constant([2, 0, 1])}, None, {}),
        ("slice", "SLICE", {"b": constant([0, 1, 1]), "s": constant([1, -1, 2])}, None, {}),
        ("gather", "GATHER", {"i": constant([[2, 0], [1, 1]])}, "GatherOptions", {"axis": 1}),
        ("gather_nd", "GATHER_ND", {"i": constant([[1, 2], [0, 1]])}, None, {}),
        ("tile", "TILE", {"m": constant([1, 2, 3])}, None, {}),
        ("reverse", "REVERSE_V2", {"a": constant([1])}, None, {}),
        ("pad", "PAD", {"p": constant([[0, 0], [1, 2], [0, 3]])}, None, {}),
        ("reflect", "MIRROR_PAD", {"p": constant(REFLECT)}, "MirrorPadOptions", {"mode": 0}),
        ("symmetric", "MIRROR_PAD", {"p": constant(SYMMETRIC)}, "MirrorPadOptions", {"mode": 1}),
        ("broadcast_to", "BROADCAST_TO", {"s": constant([2, 2, 3, 4])}, None, {}),
    ]  # fmt: skip
    for label, name, parts, options, fields in moved:
        for kind, make in MAKERS.items():
            if kind == "u8" and name in ("GATHER_ND", "REVERSE_V2", "TILE", "BROADCAST_TO"):
                continue
            output = replace(make(1), shape=())
            case = one(name, {"x": make(2, 3, 4), **parts}, output, options, **fields)
            yield f"{label}_{kind}", case
    yield (
        "squeeze",
        one("SQUEEZE", {"x": f32(1, 3, 1, 2)}, options="SqueezeOptions", squeezeDims=[-2]),
    )
    yield "squeeze_all", one("SQUEEZE", {"x": f32(1, 3, 1, 2)}, options="SqueezeOptions")
    value = constant(40, "int8", scale=2 / 128, zero_point=-1)
    paddings = constant([[1, 0], [0, 2]])
    yield "padv2_i8", one("PADV2", {"x": i8(2, 3), "p": paddings, "v": value}, i8())
    yield "padv2_f32", one("PADV2", {"x": f32(2, 3), "p": paddings, "v": constant(1.5, "float32")})
    yield "fill", one("FILL", {"s": constant([2, 3]), "v": f32()})
    yield "shape", one("SHAPE", {"x": f32(4, 5)}, i32(), "ShapeOptions", outType=2)
    for label, scales in (("same", (0.02, 0.02)), ("other", (0.03, 0.01))):
        for kind, make in (("u8", u8), ("i8", i8)):
            if (label, kind) == ("other", "i8"):
                continue  # LiteRT takes int8 with equal parameters only.
            parts = {"a": make(2, 3, scale=scales[0]), "b": make(2, 2, scale=scales[1])}
            output = make(scale=0.02)
            yield (
                f"concatenation_{kind}_{label}",
                one("CONCATENATION", parts, output, "ConcatenationOptions", axis=-1),
            )
    for kind, make in MAKERS.items():
        halves = {"y": make(), "z": make()}
        yield (
            f"split_{kind}",
            one(
                "SPLIT",
                {"a": constant(1), "x": make(2, 4)},
                None,
                "SplitOptions",
                outputs=halves,
                numSplits=2,
            ),
        )
        yield (
            f"unpack_{kind}",
            one(
                "UNPACK", {"x": make(3, 2, 2)}, None, "UnpackOptions", outputs=halves, num=2, axis=1
            ),
        )
        yield (
            f"pack_{kind}",
            one(
                "PACK",
                {"a": make(2, 3), "b": make(2, 3)},
                make(),
                "PackOptions",
                valuesCount=2,
                axis=1,
            ),
        )
    sizes = {"x": f32(2, 6), "s": constant([1, -1, 2]), "a": constant(1)}
    thirds = {"y": Tensor(), "z": Tensor(), "w": Tensor()}
    yield "split_v", one("SPLIT_V", sizes, None, "SplitVOptions", outputs=thirds, numSplits=3)


def strided_slices() -> Iterator[tuple[str, Case]]:
    grids: list[tuple[list[int], list[int], list[int], dict[str, int]]] = [
        ([1, 0, 1], [3, 4, -1], [1, 2, 2], {}),
        ([0, 3, 1], [3, 0, 9], [2, -1, 3], {}),
        ([1, 2, 1], [0, 0, 0], [1, 1, -1], {"beginMask": 4, "endMask": 7}),
        ([-1, 1, 0], [0, 3, 1], [1, 1, 1], {"shrinkAxisMask": 5}),
        ([0, 1], [0, 3], [1, 1], {"ellipsisMask": 1}),
        ([0, 0, 1], [0, 0, 3], [1, 1, 1], {"ellipsisMask": 1, "newAxisMask": 2}),
    ]
    for i, (begin, end, strides, masks) in enumerate(grids):
        parts = {"b": constant(begin), "e": constant(end), "s": constant(strides)}
        for kind, make in MAKERS.items():
            case = one(
                "STRIDED_SLICE",
                {"x": make(3, 4, 5), **parts},
                make(),
                "StridedSliceOptions",
                **masks,
            )
            yield f"strided_slice_{i}_{kind}", case


def blocks() -> Iterator[tuple[str, Case]]:
    for kind, make in MAKERS.items():
        yield (
            f"depth_to_space_{kind}",
            one(
                "DEPTH_TO_SPACE",
                {"x": make(2, 2, 3, 8)},
                make(),
                "DepthToSpaceOptions",
                blockSize=2,
            ),
        )
        yield (
            f"space_to_depth_{kind}",
            one(
                "SPACE_TO_DEPTH",
                {"x": make(2, 4, 6, 2)},
                make(),
                "SpaceToDepthOptions",
                blockSize=2,
            ),
        )
        parts = {
            "x": make(1, 3, 5, 2),
            "b": constant([2, 3]),
            "p": constant([[1, 0], [0, 1]]),
        }
        yield f"space_to_batch_{kind}", one("SPACE_TO_BATCH_ND", parts, make())
        parts = {"x": make(12, 2, 2, 2), "b": constant([2, 3]), "c": constant([[1, 0], [0, 2]])}
        yield f"batch_to_space_{kind}", one("BATCH_TO_SPACE_ND", parts, make())


def flattening() -> Iterator[tuple[str, Case]]:
    """What a converter makes of a Flatten layer: the batch taken from the shape at run time."""
    tensors = {
        "x": f32(2, 3, 4),
        "shape": i32(3),
        "0": constant([0]),
        "1": constant([1]),
        "batch": i32(),
        "rest": constant(-1),
        "target": i32(2),
        "y": f32(2, 12),
    }
    operators = [
        Operator("SHAPE", ("x",), ("shape",), "ShapeOptions", {"outType": 2}),
        Operator(
            "STRIDED_SLICE",
            ("shape", "0", "1", "1"),
            ("batch",),
            "StridedSliceOptions",
            {"shrinkAxisMask": 1},
        ),
        Operator("PACK", ("batch", "rest"), ("target",), "PackOptions", {"valuesCount": 2}),
        Operator("RESHAPE", ("x", "target"), ("y",)),
    ]
    model = write_model(tensors, operators, ("x",), ("y",))
    yield "flatten", Case(model, (values(tensors["x"]),))
