# SPDX-License-Identifier: Apache-2.0
"""What must be true of a TFLite file: a bounded size, sound references, sane numbers.

The rules are those of the loader in polyfill/tflite; what breaks one is named with its place.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from octet.tflite.types import NUMPY_TYPES, OPERATOR_NAMES, TYPE_NAMES, type_name

VERSION = 3

SHARING = 4
"""Objects decoded may be this many times the file: writers may share equal vectors."""

ALLOWANCE = 65536

MOST_ELEMENTS = 2**31 - 1
MOST_DIMENSIONS = 16

SMALLEST_SCALE = 2.0**-126
"""The smallest float32 with full precision; below, CPUs may take 0."""

ZERO_POINTS = {
    schema.TensorType.UINT8: (0, 255),
    schema.TensorType.INT8: (-128, 127),
    schema.TensorType.INT4: (-8, 7),
    schema.TensorType.INT16: (0, 0),
    schema.TensorType.INT32: (0, 0),
}
"""The zero points that a type may have; quantized types only."""

TENSOR_VECTORS = ("Shape", "ShapeSignature", "VariantTensors")
QUANTIZATION_VECTORS = ("Min", "Max", "Scale", "ZeroPoint")
OPERATOR_VECTORS = ("Inputs", "Outputs", "MutatingVariableInputs", "Intermediates")


def check_extent(data: bytes) -> None:
    """Raise ValueError for a file that would decode to far more than it holds.

    Vectors may lie on each other; a small file whose every element is the same large vector would
    fill the memory. This goes through the vectors' lengths alone.
    """
    root = schema.Model.GetRootAs(data, 0)
    left = SHARING * len(data) + ALLOWANCE
    for size in _sizes(root):
        left -= 4 * size
        if left < 0:
            raise ValueError("its objects are shared over and over")


def _sizes(root: Any) -> Iterator[int]:
    """Yield the length of every vector, each before its elements are looked at."""
    for name in ("OperatorCodes", "Buffers", "Metadata", "MetadataBuffer", "Subgraphs"):
        yield getattr(root, f"{name}Length")()
    for index in range(root.SubgraphsLength()):
        graph = root.Subgraphs(index)
        for name in ("Inputs", "Outputs", "Tensors", "Operators"):
            yield getattr(graph, f"{name}Length")()
        for number in range(graph.TensorsLength()):
            yield from _tensor_sizes(graph.Tensors(number))
        for number in range(graph.OperatorsLength()):
            yield from _lengths(graph.Operators(number), OPERATOR_VECTORS)
    yield root.SignatureDefsLength()
    for index in range(root.SignatureDefsLength()):
        yield from _lengths(root.SignatureDefs(index), ("Inputs", "Outputs"))


def _tensor_sizes(tensor: Any) -> Iterator[int]:
    yield from _lengths(tensor, TENSOR_VECTORS)
    if tensor.Quantization() is not None:
        yield from _lengths(tensor.Quantization(), QUANTIZATION_VECTORS)
    if tensor.Sparsity() is not None:
        yield from _lengths(tensor.Sparsity(), ("TraversalOrder", "BlockMap", "DimMetadata"))


def _lengths(table: Any, names: Sequence[str]) -> Iterator[int]:
    return (getattr(table, f"{name}Length")() for name in names)


def first_problem(model: Any) -> str:
    """Return what is wrong with a ``ModelT`` whose lists are plain, or ""."""
    if model.version != VERSION:
        return f"version {model.version}, expected {VERSION}"
    if not model.subgraphs:
        return "it has no subgraph"
    for number, code in enumerate(model.operatorCodes):
        if code.builtinCode not in OPERATOR_NAMES:
            return f"operator code {number}: no operator {code.builtinCode}"
    for number, graph in enumerate(model.subgraphs):
        for problem in _graph_problems(model, graph):
            return f"subgraph {number}: {problem}"
    return ""


def _graph_problems(model: Any, graph: Any) -> Iterator[str]:
    """Yield what is wrong with a subgraph, its tensors first: operators rely on them."""
    for index, tensor in enumerate(graph.tensors):
        if not 0 <= tensor.buffer < max(1, len(model.buffers)):
            yield f"tensor {index}: no buffer {tensor.buffer}"
            continue
        data = model.buffers[tensor.buffer].data if model.buffers else None
        for problem in (*_shape_problems(tensor), *_quantization_problems(tensor)):
            yield f"tensor {index}: {problem}"
        yield from (f"tensor {index}: {p}" for p in _data_problems(tensor, data))
    count = len(graph.tensors)
    for side in ("inputs", "outputs"):
        for tensor in getattr(graph, side):
            if not 0 <= tensor < count:
                yield f"{side}: no tensor {tensor}"
    if len(set(graph.inputs)) != len(graph.inputs):
        yield f"inputs: {graph.inputs[:8]}, expected each once"
    made: set[int] = set(graph.inputs)
    ready = made | {
        index for index, tensor in enumerate(graph.tensors) if _has_value(model, tensor)
    }
    for index, operator in enumerate(graph.operators):
        if not 0 <= operator.opcodeIndex < len(model.operatorCodes):
            yield f"operator {index}: no code {operator.opcodeIndex}"
        for tensor in operator.inputs:
            if not -1 <= tensor < count:
                yield f"operator {index}: no tensor {tensor}"
            elif tensor not in ready and tensor >= 0:
                yield f"operator {index}: tensor {tensor} has no value yet"
        for tensor in operator.outputs:
            if not 0 <= tensor < count:
                yield f"operator {index}: no tensor {tensor}"
            elif tensor in made:
                yield f"operator {index}: tensor {tensor} has its value already"
            made.add(tensor)
        ready.update(operator.outputs)


def _has_value(model: Any, tensor: Any) -> bool:
    """Return whether a tensor has a value before any operator runs."""
    data = model.buffers[tensor.buffer].data if model.buffers else None
    return bool(tensor.isVariable or (data is not None and len(data)) or 0 in tensor.shape)


def _shape_problems(tensor: Any) -> Iterator[str]:
    shape, signature = tensor.shape, tensor.shapeSignature or []
    if len(shape) > MOST_DIMENSIONS:
        yield f"{len(shape)} dimensions, expected at most {MOST_DIMENSIONS}"
    if any(size < 0 for size in shape):
        yield f"shape {shape[:8]}"
    elif math.prod(size for size in shape if size) > MOST_ELEMENTS:
        yield f"shape {shape[:8]}, expected at most {MOST_ELEMENTS} elements"
    fits = len(signature) == len(shape) and all(
        size in (-1, known) for size, known in zip(signature, shape, strict=False)
    )
    if signature and not fits:
        yield f"shape signature {signature[:8]} of shape {shape[:8]}"
    if tensor.type not in TYPE_NAMES:
        yield f"no element type {tensor.type}"


def _quantization_problems(tensor: Any) -> Iterator[str]:
    quantization = tensor.quantization
    if quantization is None or quantization.scale is None or not len(quantization.scale):
        return
    scale = np.asarray(quantization.scale, np.float64)
    wrong = scale[~(np.isfinite(scale) & (scale >= SMALLEST_SCALE))]
    if wrong.size:
        yield f"scale {wrong[0]}, expected finite and at least {SMALLEST_SCALE:.3g}"
    zero_point = quantization.zeroPoint
    if zero_point is not None and len(zero_point):
        points = np.asarray(zero_point, np.int64)
        if points.size != scale.size:
            yield f"{points.size} zero points for {scale.size} scales"
        lowest, highest = ZERO_POINTS.get(tensor.type, (points.min(), points.max()))
        outside = points[(points < lowest) | (points > highest)]
        if outside.size:
            name = type_name(tensor.type)
            yield f"zero point {outside[0]}, expected {lowest} to {highest} for {name}"
    if scale.size > 1:
        # A vector has one axis whatever the file says: biases in use carry that of their filter.
        axis = 0 if len(tensor.shape) == 1 else quantization.quantizedDimension
        if not 0 <= axis < len(tensor.shape):
            yield f"quantized dimension {axis} of shape {tensor.shape[:8]}"
        elif tensor.shape[axis] != scale.size:
            yield f"{scale.size} scales for dimension {axis} of shape {tensor.shape[:8]}"


def _data_problems(tensor: Any, data: Any) -> Iterator[str]:
    """Packed types and sparse tensors have sizes of their own."""
    if data is None or not len(data) or tensor.type not in NUMPY_TYPES or tensor.sparsity:
        return
    expected = math.prod(tensor.shape) * NUMPY_TYPES[tensor.type].itemsize
    if len(data) != expected:
        dtype = type_name(tensor.type)
        yield f"bytes: got {len(data)}, expected {expected} ({dtype}{tensor.shape[:8]})"
