# SPDX-License-Identifier: Apache-2.0
"""Reductions, joins, cuts, gathers, shapes, resizes and blocks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tests.tflite.operators.arithmetic import dtype
from tests.tflite.operators.draft import (
    MOVED,
    REAL,
    Draft,
    Draw,
    Generator,
    Part,
    literal,
    operator,
)


def some_axes(g: Generator, rank: int) -> list[int]:
    """Different axes, some counted from the end."""
    axes = g.rng.choice(rank, g.integer(1, rank), replace=False).tolist()
    return [axis - rank if g.flag() else axis for axis in axes]


def reduction(
    name: str,
    kinds: tuple[str, ...],
    coding: str,
    low: float = -4.0,
    high: float = 4.0,
    rough: dict[str, int] | None = None,
) -> None:
    def draw(g: Generator) -> Draft:
        shape = g.shape(1, 4)
        inputs = {"x": g.feed(shape, low, high), "axes": literal(some_axes(g, len(shape)))}
        fields = {"keepDims": g.flag()}
        return Draft(
            name,
            inputs,
            "ReducerOptions",
            fields,
            coding=coding,
            output_dtype=dtype(g),
            rough=rough or {},
        )

    operator(name, kinds)(draw)


reduction("MEAN", (*REAL, "i32", "i64"), "free")
reduction("SUM", (*REAL, "i32", "i64"), "free")
reduction("REDUCE_MAX", MOVED[:-1], "same")
reduction("REDUCE_MIN", MOVED[:-1], "same")
# LiteRT rounds after each factor.
reduction("REDUCE_PROD", ("f32", "i8", "i32", "i64"), "free", 0.5, 2.0, {"i8": 40})
reduction("REDUCE_ALL", ("bool",), "same")
reduction("REDUCE_ANY", ("bool",), "same")


def argument(name: str) -> None:
    def draw(g: Generator) -> Draft:
        shape = g.shape(1, 4)
        inputs = {"x": g.feed(shape, -99, 99), "axis": literal(g.integer(0, len(shape) - 1))}
        wide = g.flag()
        fields = {"outputType": 4 if wide else 2}
        to = "int64" if wide else "int32"
        return Draft(
            name,
            inputs,
            f"{name[:3].title()}{name[4:].title()}Options",
            fields,
            coding="free",
            output_dtype=to,
        )

    operator(name, ("f32", "u8", "i8", "i32"))(draw)


argument("ARG_MAX")
argument("ARG_MIN")


@operator("CUMSUM", ("f32", "i32", "i64"))
def cumsum(g: Generator) -> Draft:
    shape = g.shape(1, 4)
    inputs = {"x": g.feed(shape), "axis": literal(g.integer(0, len(shape) - 1))}
    fields = {"exclusive": g.flag(), "reverse": g.flag()}
    return Draft("CUMSUM", inputs, "CumsumOptions", fields)


@operator("TOPK_V2", MOVED[:-1])
def topk_v2(g: Generator) -> Draft:
    shape = (*g.shape(0, 2), g.integer(1, 12))
    inputs = {"x": g.feed(shape, -99, 99), "k": literal(g.integer(1, shape[-1]))}
    types = {"i": "int32"}
    names = ("y", "i")
    return Draft(
        "TOPK_V2", inputs, "TopKV2Options", outputs=names, coding="same", output_dtypes=types
    )


# Shapes only.


Arguments = tuple[dict[str, Part], str, dict[str, Any]]
Move = Callable[[Generator, tuple[int, ...]], Arguments]
"""Draws the inputs beside the data, the options' table and the options."""


def movement(name: str, kinds: tuple[str, ...] = MOVED) -> Callable[[Move], Draw]:
    def register(draw: Move) -> Draw:
        def whole(g: Generator) -> Draft:
            shape = g.shape(1, 4)
            inputs, options, fields = draw(g, shape)
            parts = {"x": g.feed(shape)} | inputs
            return Draft(name, parts, options, fields, coding="same", output_dtype=dtype(g))

        return operator(name, kinds)(whole)

    return register


@movement("RESHAPE")
def reshape(g: Generator, shape: tuple[int, ...]) -> Arguments:
    target = [*shape[:-1], -1, 1] if g.flag() else [int(np.prod(shape))]
    return {"s": literal(target)}, "ReshapeOptions", {"newShape": target}


@movement("SQUEEZE")
def squeeze(g: Generator, shape: tuple[int, ...]) -> Arguments:
    ones = [i for i, d in enumerate(shape) if d == 1]
    return {}, "SqueezeOptions", {"squeezeDims": ones if g.flag() else []}


@movement("EXPAND_DIMS")
def expand_dims(g: Generator, shape: tuple[int, ...]) -> Arguments:
    axis = g.integer(-len(shape) - 1, len(shape))
    return {"a": literal(axis)}, "ExpandDimsOptions", {}


@movement("TRANSPOSE")
def transpose(g: Generator, shape: tuple[int, ...]) -> Arguments:
    return {"p": literal(g.rng.permutation(len(shape)))}, "TransposeOptions", {}


@movement("TILE")
def tile(g: Generator, shape: tuple[int, ...]) -> Arguments:
    return {"m": literal([g.integer(1, 3) for _ in shape])}, "TileOptions", {}


@movement("BROADCAST_TO")
def broadcast_to(g: Generator, shape: tuple[int, ...]) -> Arguments:
    target = [g.integer(2, 3), *(g.integer(1, 4) if d == 1 else d for d in shape)]
    return {"s": literal(target)}, "BroadcastToOptions", {}


@movement("REVERSE_V2")
def reverse_v2(g: Generator, shape: tuple[int, ...]) -> Arguments:
    return {"a": literal([g.integer(0, len(shape) - 1)])}, "ReverseV2Options", {}


@movement("SLICE")
def slice_(g: Generator, shape: tuple[int, ...]) -> Arguments:
    begin = [g.integer(0, d - 1) for d in shape]
    size = [g.choice(-1, g.integer(1, d - b)) for d, b in zip(shape, begin, strict=True)]
    return {"b": literal(begin), "s": literal(size)}, "SliceOptions", {}


@movement("STRIDED_SLICE")
def strided_slice(g: Generator, shape: tuple[int, ...]) -> Arguments:
    begin, end, strides, masks = [], [], [], [0, 0, 0]
    for k, d in enumerate(shape):
        low, high = sorted((g.integer(0, d - 1), g.integer(0, d - 1)))
        backwards = g.integer(0, 3) == 0
        stride = g.integer(1, 3) * (-1 if backwards else 1)
        first, last = (high, low - 1) if backwards else (low, high + 1)
        if last < 0:
            masks[1] |= 1 << k
            last = 0
        for i in (0, 1):
            if g.integer(0, 4) == 0:
                masks[i] |= 1 << k
        if g.integer(0, 5) == 0 and len(shape) > 1:
            masks[2] |= 1 << k
            stride = 1
        begin.append(first - d if g.flag() else first)
        end.append(last)
        strides.append(stride)
    fields = {"beginMask": masks[0], "endMask": masks[1], "shrinkAxisMask": masks[2]}
    inputs = {"b": literal(begin), "e": literal(end), "s": literal(strides)}
    return inputs, "StridedSliceOptions", fields


@movement("PAD")
def pad(g: Generator, shape: tuple[int, ...]) -> Arguments:
    pairs = [[g.integer(0, 3), g.integer(0, 3)] for _ in shape]
    return {"p": literal(pairs)}, "PadOptions", {}


@operator("PADV2", MOVED)
def padv2(g: Generator) -> Draft:
    shape = g.shape(1, 4)
    pairs = [[g.integer(0, 3), g.integer(0, 3)] for _ in shape]
    inputs = {"x": g.feed(shape), "p": literal(pairs), "v": g.fixed((1,))}
    return Draft("PADV2", inputs, "PadV2Options", coding="same")


@movement("MIRROR_PAD")
def mirror_pad(g: Generator, shape: tuple[int, ...]) -> Arguments:
    symmetric = g.flag()
    most = [d if symmetric else d - 1 for d in shape]
    pairs = [[g.integer(0, m), g.integer(0, m)] for m in most]
    return {"p": literal(pairs)}, "MirrorPadOptions", {"mode": int(symmetric)}


@movement("SHAPE")
def shape_(g: Generator, shape: tuple[int, ...]) -> Arguments:
    return {}, "ShapeOptions", {"outType": 2}


@movement("RANK")
def rank(g: Generator, shape: tuple[int, ...]) -> Arguments:
    return {}, "RankOptions", {}


# Joins and cuts.


def several(g: Generator, shape: tuple[int, ...], axis: int | None) -> dict[str, Part]:
    parts = {}
    for k in range(g.integer(1, 4)):
        own = list(shape)
        if axis is not None:
            own[axis] = g.integer(1, 4)
        parts[f"x{k}"] = g.feed(tuple(own))
    return parts


@operator("CONCATENATION", MOVED)
def concatenation(g: Generator) -> Draft:
    shape = g.shape(1, 4)
    axis = g.integer(0, len(shape) - 1)
    coding = "free" if g.kind == "u8" and g.flag() else "same"
    fields = {"axis": axis - len(shape) if g.flag() else axis}
    parts = several(g, shape, axis)
    return Draft("CONCATENATION", parts, "ConcatenationOptions", fields, coding=coding)


@operator("PACK", MOVED[:-1])
def pack(g: Generator) -> Draft:
    shape = g.shape(1, 3)
    parts = several(g, shape, None)
    fields = {"axis": g.integer(-len(shape) - 1, len(shape)), "valuesCount": len(parts)}
    return Draft("PACK", parts, "PackOptions", fields, coding="same")


@operator("UNPACK", ("f32", "u8", "i8", "i16", "i32", "bool"))
def unpack(g: Generator) -> Draft:
    shape = g.shape(2, 4, 4)
    axis = g.integer(-len(shape), len(shape) - 1)
    names = tuple(f"y{k}" for k in range(shape[axis]))
    fields = {"axis": axis, "num": len(names)}
    return Draft("UNPACK", {"x": g.feed(shape)}, "UnpackOptions", fields, names, "same")


@operator("SPLIT", MOVED[:-1])
def split(g: Generator) -> Draft:
    shape, count = list(g.shape(1, 4)), g.integer(1, 3)
    axis = g.integer(0, len(shape) - 1)
    shape[axis] *= count
    names = tuple(f"y{k}" for k in range(count))
    inputs = {"axis": literal(axis), "x": g.feed(tuple(shape))}
    fields = {"numSplits": count}
    return Draft("SPLIT", inputs, "SplitOptions", fields, names, "same", dtype(g))


@operator("SPLIT_V", MOVED[:-1])
def split_v(g: Generator) -> Draft:
    shape = list(g.shape(1, 4))
    axis = g.integer(0, len(shape) - 1)
    sizes = [g.integer(1, 3) for _ in range(g.integer(1, 3))]
    shape[axis] = sum(sizes)
    if g.flag():
        sizes[-1] = -1
    names = tuple(f"y{k}" for k in range(len(sizes)))
    inputs = {"x": g.feed(tuple(shape)), "s": literal(sizes), "axis": literal(axis)}
    fields = {"numSplits": len(sizes)}
    return Draft("SPLIT_V", inputs, "SplitVOptions", fields, names, "same", dtype(g))
