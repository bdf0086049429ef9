# SPDX-License-Identifier: Apache-2.0
"""Models of several operators that the loader maps together, and what must become of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from tests.tflite.operators.draft import Generator
from tests.tflite.operators.writing import Sample, coded_weights, quantized
from tests.tflite.tiny_models import Array, Operator, Tensor, constant, write_model


@dataclass(frozen=True)
class Chain:
    """A model, options to load it with, and the builder calls it must and must not make."""

    sample: Sample
    calls: tuple[str, ...] = ()
    absent: tuple[str, ...] = ()
    options: dict[str, Any] = field(default_factory=dict)
    expected: list[Array] | None = None


def dilated(kind: str, name: str, seed: int) -> Chain:
    """SPACE_TO_BATCH_ND, a convolution, BATCH_TO_SPACE_ND, as converters write a dilation."""
    g = Generator([seed, 1], "f32")
    blocks = [g.integer(1, 3), g.integer(2, 3)]
    size, same = (g.integer(1, 3), g.integer(1, 3)), g.flag()
    rows = [(k - 1) * b + g.integer(1, 6) for k, b in zip(size, blocks, strict=True)]
    outside = [(g.integer(0, 3), g.integer(0, 3)) for _ in blocks]
    extra = [-(n + sum(pads)) % b for n, pads, b in zip(rows, outside, blocks, strict=True)]
    pads = [(a, b + e) for (a, b), e in zip(outside, extra, strict=True)]
    depthwise = name == "DEPTHWISE_CONV_2D"
    channels, outputs = g.integer(1, 6), g.integer(1, 6)
    filter_shape = (1, *size, channels) if depthwise else (outputs, *size, channels)
    x = g.feed((1, *rows, channels))
    w = g.weights(filter_shape, axis=None)
    out = {"scale": None} if kind == "f32" else {"scale": 0.1, "zero_point": 3}
    dtype = {"f32": "float32", "u8": "uint8", "i8": "int8"}[kind]
    tensors = {
        "x": Tensor(x.data.shape),
        "w": Tensor(filter_shape, data=w.data),
        "blocks": constant(blocks),
        "pads": constant(pads),
        "crops": constant([(0, e) for e in extra]),
        "apart": Tensor(),
        "z": Tensor((), dtype, **out),
        "y": Tensor((), dtype, **out),
    }
    feed = x.data
    if kind != "f32":
        coded = quantized(feed, dtype, 0.04, 1 if kind == "i8" else 120)
        feed = coded.stored
        tensors["x"] = coded.tensor(fed=True)
        tensors["apart"] = replace(tensors["x"], shape=())
        tensors["w"] = coded_weights(w, kind).tensor(fed=False)
    bias = "i32" if kind != "f32" else "f32"
    channels_out = filter_shape[-1] if depthwise else outputs
    tensors["b"] = _zero_bias(channels_out, bias, tensors)
    fields = {"padding": 0 if same else 1, "strideH": 1, "strideW": 1}
    options = "DepthwiseConv2DOptions" if depthwise else "Conv2DOptions"
    operators = [
        Operator("SPACE_TO_BATCH_ND", ("x", "blocks", "pads"), ("apart",)),
        Operator(name, ("apart", "w", "b"), ("z",), options, fields),
        Operator("BATCH_TO_SPACE_ND", ("z", "blocks", "crops"), ("y",)),
    ]
    model = write_model(tensors, operators, ("x",), ("y",))
    return Chain(Sample(model, (feed,), sums=True), ("conv2d",), ("transpose", "pad", "slice"))


def _zero_bias(channels: int, kind: str, tensors: dict[str, Tensor]) -> Tensor:
    if kind == "f32":
        return constant(np.zeros(channels), "float32")
    scales = [np.asarray(tensors[name].scale, np.float32).flat[0] for name in ("x", "w")]
    scale = float(scales[0] * scales[1])
    return constant(np.zeros(channels), "int32", scale=scale)


def sparse(dtype: str, block: bool, seed: int) -> Chain:
    """Pruned weights, DENSIFY, FULLY_CONNECTED; by rows, or in blocks of 1 × 4."""
    g = Generator([seed, 2], "f32")
    units, depth = g.integer(1, 9), 4 * g.integer(1, 6)
    weights = g.rng.uniform(-1, 1, (units, depth)).astype(np.float32)
    width = 4 if block else 1
    kept = g.rng.integers(0, 3, (units, depth // width)) == 0
    kept[0, 0] = True
    weights *= np.repeat(kept, width, 1)
    stored = weights.astype(dtype)
    if dtype == "int8":
        stored = np.round(weights * 127).astype(np.int8)
    rows = [np.flatnonzero(row) for row in kept]
    packed = np.concatenate(
        [stored[i].reshape(-1, width)[columns].ravel() for i, columns in enumerate(rows)]
    )
    segments = np.cumsum([0, *(len(columns) for columns in rows)])
    levels = [
        schema.DimensionMetadataT(format=schema.DimensionType.DENSE, denseSize=units),
        schema.DimensionMetadataT(
            format=schema.DimensionType.SPARSE_CSR,
            arraySegmentsType=schema.SparseIndexVector.Int32Vector,
            arraySegments=_vector(schema.Int32VectorT(), segments),
            arrayIndicesType=schema.SparseIndexVector.Uint8Vector,
            arrayIndices=_vector(schema.Uint8VectorT(), np.concatenate(rows)),
        ),
    ]
    if block:
        levels.append(schema.DimensionMetadataT(format=schema.DimensionType.DENSE, denseSize=width))
    sparsity = schema.SparsityParametersT(
        traversalOrder=[0, 1, 2] if block else [0, 1],
        blockMap=[1] if block else [],
        dimMetadata=levels,
    )
    coding: dict[str, Any] = {"scale": 1 / 127} if dtype == "int8" else {}
    tensors = {
        "x": Tensor((3, depth)),
        "s": Tensor((units, depth), dtype, data=packed, sparsity=sparsity, **coding),
        "d": Tensor((units, depth), dtype, **coding),
        "w": Tensor((units, depth)),
        "y": Tensor((3, units)),
    }
    operators = [Operator("DENSIFY", ("s",), ("d",), "DensifyOptions")]
    last = "d"
    if dtype != "float32":
        operators.append(Operator("DEQUANTIZE", ("d",), ("w",)))
        last = "w"
    operators.append(Operator("FULLY_CONNECTED", ("x", last), ("y",), "FullyConnectedOptions"))
    model = write_model(tensors, operators, ("x",), ("y",))
    return Chain(Sample(model, (g.feed((3, depth)).data,), sums=True), ("gemm",))


def _vector(table: Any, values: Array) -> Any:
    table.values = [int(value) for value in values]
    return table


def computed_shape(seed: int) -> Chain:
    """[first dimension, -1] taken from SHAPE, twice the height and width for a resize."""
    g = Generator([seed, 3], "f32")
    shape = (g.integer(1, 3), g.integer(1, 5), g.integer(1, 5), g.integer(1, 4))
    tensors = {
        "x": Tensor(shape),
        "shape": Tensor((4,), "int32"),
        "zero": constant([0]),
        "one": constant([1]),
        "three": constant([3]),
        "first": Tensor((), "int32"),
        "rest": constant(-1),
        "two": constant([2, 2]),
        "sizes": Tensor((2,), "int32"),
        "double": Tensor((2,), "int32"),
        "target": Tensor((2,), "int32"),
        "large": Tensor(),
        "y": Tensor(),
    }
    cut = ("STRIDED_SLICE", "StridedSliceOptions")
    operators = [
        Operator("SHAPE", ("x",), ("shape",), "ShapeOptions", {"outType": 2}),
        Operator(
            cut[0], ("shape", "zero", "one", "one"), ("first",), cut[1], {"shrinkAxisMask": 1}
        ),
        Operator(cut[0], ("shape", "one", "three", "one"), ("sizes",), cut[1], {}),
        Operator("MUL", ("sizes", "two"), ("double",), "MulOptions", {}),
        Operator(
            "RESIZE_NEAREST_NEIGHBOR",
            ("x", "double"),
            ("large",),
            "ResizeNearestNeighborOptions",
            {"halfPixelCenters": True},
        ),
        Operator("PACK", ("first", "rest"), ("target",), "PackOptions", {"valuesCount": 2}),
        Operator("RESHAPE", ("large", "target"), ("y",), "ReshapeOptions", {}),
    ]
    model = write_model(tensors, operators, ("x",), ("y",))
    return Chain(Sample(model, (g.feed(shape).data,)), ("reshape",), ("mul", "slice", "concat"))


def another_batch(kind: str, batch: int, run: Callable[[bytes, Any], list[Array]]) -> Chain:
    """A network of batch 1, loaded for ``batch``: as many runs of LiteRT, one after the other."""
    g = Generator([batch, 4], "f32")
    w, f = g.weights((6, 3, 3, 3), None), g.weights((7, 6), None)
    dtype = "float32" if kind == "f32" else "int8"
    coding: dict[str, Any] = {} if kind == "f32" else {"scale": 0.1}
    tensors = {
        "x": Tensor((1, 5, 4, 3), dtype, **coding),
        "w": Tensor(w.data.shape, data=w.data),
        "f": Tensor(f.data.shape, data=f.data),
        "c": Tensor((1, 5, 4, 6), dtype, **coding),
        "axes": constant([1, 2]),
        "m": Tensor((1, 1, 1, 6), dtype, **coding),
        "shape": constant([1, 6]),
        "r": Tensor((1, 6), dtype, **coding),
        "y": Tensor((1, 7), dtype, **coding),
    }
    if kind != "f32":
        tensors["w"] = coded_weights(w, kind).tensor(fed=False)
        tensors["f"] = coded_weights(f, kind).tensor(fed=False)
    operators = [
        Operator("CONV_2D", ("x", "w"), ("c",), "Conv2DOptions", {"strideH": 1, "strideW": 1}),
        Operator("MEAN", ("c", "axes"), ("m",), "ReducerOptions", {"keepDims": True}),
        Operator("RESHAPE", ("m", "shape"), ("r",), "ReshapeOptions", {"newShape": [1, 6]}),
        Operator("FULLY_CONNECTED", ("r", "f"), ("y",), "FullyConnectedOptions"),
    ]
    tensors["b"] = _zero_bias(6, "f32" if kind == "f32" else "i32", tensors)
    operators[0] = replace(operators[0], inputs=("x", "w", "b"))
    model = write_model(tensors, operators, ("x",), ("y",))
    feeds = g.values((batch, 5, 4, 3), -4, 4)
    if kind != "f32":
        feeds = quantized(feeds, "int8", 0.1, 0).stored
    expected = np.concatenate([run(model, (feeds[i : i + 1],))[0] for i in range(batch)])
    return Chain(Sample(model, (feeds,), sums=True), options={"batch": batch}, expected=[expected])


def chains(
    count: int, run: Callable[[bytes, Any], list[Array]]
) -> Iterator[tuple[str, Callable[[], Chain]]]:
    """All chains by name, ``count`` of each."""
    for seed in range(count):
        for name in ("CONV_2D", "DEPTHWISE_CONV_2D"):
            for kind in ("f32", "u8", "i8"):
                yield f"dilated {name} {kind} {seed}", _later(dilated, kind, name, seed)
        for dtype in ("float32", "float16", "int8"):
            for block in (False, True):
                yield f"sparse {dtype} {block} {seed}", _later(sparse, dtype, block, seed)
        yield f"computed shape {seed}", _later(computed_shape, seed)
    for kind in ("f32", "i8"):
        for batch in (2, 5):
            yield f"batch {kind} {batch}", _later(another_batch, kind, batch, run)


def _later(make: Callable[..., Chain], *args: Any) -> Callable[[], Chain]:
    return lambda: make(*args)
