# SPDX-License-Identifier: Apache-2.0
"""Resizes, and blocks of pixels in channels and batches."""

from __future__ import annotations

from tests.tflite.operators.draft import MOVED, REAL, Draft, Generator, literal, operator

# LiteRT weighs int16 pixels by 10 bits: 2^-10 of the range on either axis.
WEIGHTS = {"i16": 256}


def resize(name: str, kinds: tuple[str, ...], rough: dict[str, int]) -> None:
    def draw(g: Generator) -> Draft:
        shape = (g.integer(1, 2), g.integer(1, 9), g.integer(1, 9), g.integer(1, 9))
        rule = g.integer(0, 2)
        fields = {"alignCorners": rule == 1, "halfPixelCenters": rule == 2}
        inputs = {"x": g.feed(shape), "s": literal([g.integer(1, 12), g.integer(1, 12)])}
        options = "".join(word.title() for word in name.split("_")) + "Options"
        return Draft(name, inputs, options, fields, coding="same", rough=rough)

    operator(name, kinds)(draw)


resize("RESIZE_BILINEAR", ("f32", "u8", "i8", "i16"), WEIGHTS)
resize("RESIZE_NEAREST_NEIGHBOR", ("f32", "u8", "i8", "i16", "i32", "bool"), {})


@operator("SPACE_TO_DEPTH", (*REAL[:3], "i32", "i64"))
def space_to_depth(g: Generator) -> Draft:
    b = g.integer(1, 3)
    shape = (g.integer(1, 2), b * g.integer(1, 4), b * g.integer(1, 4), g.integer(1, 5))
    fields = {"blockSize": b}
    inputs = {"x": g.feed(shape)}
    return Draft("SPACE_TO_DEPTH", inputs, "SpaceToDepthOptions", fields, coding="same")


@operator("DEPTH_TO_SPACE", (*REAL[:3], "i32", "i64"))
def depth_to_space(g: Generator) -> Draft:
    b = g.integer(1, 3)
    shape = (g.integer(1, 2), g.integer(1, 4), g.integer(1, 4), b * b * g.integer(1, 5))
    fields = {"blockSize": b}
    inputs = {"x": g.feed(shape)}
    return Draft("DEPTH_TO_SPACE", inputs, "DepthToSpaceOptions", fields, coding="same")


@operator("SPACE_TO_BATCH_ND", MOVED)
def space_to_batch_nd(g: Generator) -> Draft:
    blocks = [g.integer(1, 3), g.integer(1, 3)]
    sizes = [g.integer(1, 7), g.integer(1, 7)]
    pairs = []
    for block, size in zip(blocks, sizes, strict=True):
        before = g.integer(0, 2)
        pairs.append([before, -(size + before) % block])
    inputs = {
        "x": g.feed((g.integer(1, 2), *sizes, g.integer(1, 4))),
        "b": literal(blocks),
        "p": literal(pairs),
    }
    return Draft("SPACE_TO_BATCH_ND", inputs, "SpaceToBatchNDOptions", coding="same")


@operator("BATCH_TO_SPACE_ND", MOVED)
def batch_to_space_nd(g: Generator) -> Draft:
    blocks = [g.integer(1, 3), g.integer(1, 3)]
    sizes = [g.integer(2, 5), g.integer(2, 5)]
    batch = blocks[0] * blocks[1] * g.integer(1, 2)
    inputs = {
        "x": g.feed((batch, *sizes, g.integer(1, 4))),
        "b": literal(blocks),
        "c": literal([[g.integer(0, 1), g.integer(0, 0)] for _ in blocks]),
    }
    return Draft("BATCH_TO_SPACE_ND", inputs, "BatchToSpaceNDOptions", coding="same")
