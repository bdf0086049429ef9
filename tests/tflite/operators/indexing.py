# SPDX-License-Identifier: Apache-2.0
"""Gathers, scatters and what else goes by indices."""

from __future__ import annotations

import numpy as np

from tests.tflite.operators.arithmetic import dtype
from tests.tflite.operators.draft import MOVED, Draft, Generator, Part, literal, operator


@operator("GATHER", MOVED)
def gather(g: Generator) -> Draft:
    shape = g.shape(1, 4)
    batch = g.integer(0, len(shape) - 1) if g.flag() else 0
    axis = g.integer(batch, len(shape) - 1)
    own = (*shape[:batch], *g.shape(0 if batch == 0 else 1, 2))
    inputs = {"x": g.feed(shape), "i": g.indices(own, shape[axis])}
    fields = {"axis": axis, "batchDims": batch}
    return Draft("GATHER", inputs, "GatherOptions", fields, coding="same", output_dtype=dtype(g))


@operator("GATHER_ND", MOVED)
def gather_nd(g: Generator) -> Draft:
    shape = g.shape(1, 4)
    depth = g.integer(1, len(shape))
    own = (*g.shape(0, 2), depth)
    index = np.stack([g.rng.integers(0, d, own[:-1]) for d in shape[:depth]], -1)
    inputs = {"x": g.feed(shape), "i": Part(index.astype(np.int32), "feed")}
    return Draft("GATHER_ND", inputs, "GatherNdOptions", coding="same", output_dtype=dtype(g))


@operator("SCATTER_ND", ("f32", "u8", "i8", "i32", "i64"))
def scatter_nd(g: Generator) -> Draft:
    shape = g.shape(1, 3)
    depth = g.integer(1, len(shape))
    places = int(np.prod(shape[:depth]))
    count = g.integer(1, places)
    flat = g.rng.choice(places, count, replace=False)
    index = np.stack(np.unravel_index(flat, shape[:depth]), -1).astype(np.int32)
    updates = g.feed((count, *shape[depth:]))
    if g.kind in ("u8", "i8"):
        updates = Part(updates.data, "feed", coding=(0.05, 0))
    inputs = {
        "i": literal(index) if g.flag() else Part(index, "feed"),
        "u": updates,
        "s": literal(shape),
    }
    return Draft("SCATTER_ND", inputs, "ScatterNdOptions", coding="same", output_dtype=dtype(g))


@operator("ONE_HOT", ("f32", "i32", "i64", "bool"))
def one_hot(g: Generator) -> Draft:
    shape, depth = g.shape(1, 3), g.integer(1, 6)
    kind = dtype(g)
    values = (True, False) if kind == "bool" else (g.integer(1, 5), g.integer(-3, 0))
    inputs = {
        "i": Part(g.rng.integers(-1, depth + 1, shape).astype(np.int32), "feed"),
        "d": literal(depth),
        "on": literal(values[0], kind),
        "off": literal(values[1], kind),
    }
    fields = {"axis": g.integer(-1, len(shape))}
    return Draft("ONE_HOT", inputs, "OneHotOptions", fields, output_dtype=kind)


@operator("EMBEDDING_LOOKUP", ("f32", "hybrid"))
def embedding_lookup(g: Generator) -> Draft:
    shape = g.shape(2, 3)
    inputs = {"i": g.indices((g.integer(1, 5),), shape[0]), "w": g.weights(shape, axis=None)}
    return Draft("EMBEDDING_LOOKUP", inputs, output_dtype="float32")


@operator("FILL", MOVED)
def fill(g: Generator) -> Draft:
    inputs = {"s": literal(g.shape(1, 4)), "v": g.feed(())}
    return Draft("FILL", inputs, "FillOptions", coding="same", output_dtype=dtype(g))


@operator("DYNAMIC_UPDATE_SLICE", MOVED)
def dynamic_update_slice(g: Generator) -> Draft:
    shape = g.shape(1, 4)
    own = tuple(g.integer(1, d) for d in shape)
    start = [g.integer(0, d - o) for d, o in zip(shape, own, strict=True)]
    inputs = {"x": g.feed(shape), "u": g.feed(own), "s": literal(start)}
    options = "DynamicUpdateSliceOptions"
    return Draft("DYNAMIC_UPDATE_SLICE", inputs, options, coding="same")


@operator("REVERSE_SEQUENCE", ("f32", "u8", "i16", "i32", "i64"))
def reverse_sequence(g: Generator) -> Draft:
    shape = g.shape(2, 4)
    axes = g.rng.permutation(len(shape))[:2]
    along, batch = int(axes[0]), int(axes[1])
    lengths = g.rng.integers(1, shape[along] + 1, shape[batch])
    inputs = {"x": g.feed(shape), "n": literal(lengths)}
    fields = {"seqDim": along, "batchDim": batch}
    return Draft("REVERSE_SEQUENCE", inputs, "ReverseSequenceOptions", fields, coding="same")
