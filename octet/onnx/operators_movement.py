# SPDX-License-Identifier: Apache-2.0
"""Operators that move, pick, join or repeat elements."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from octet.onnx.emitter import Emitter, Order, Value, natural, transposed
from octet.onnx.graph import Node, OnnxError
from octet.tflite.types import Array


def transpose(e: Emitter, node: Node) -> Value:
    """Transpose: the same tensor, its dimensions named anew."""
    value = e.input(node, 0)
    return transposed(value, tuple(node.get("perm", reversed(range(value.rank)))))


def reshape(e: Emitter, node: Node) -> Value:
    """Reshape: RESHAPE of ONNX's own order."""
    value = e.input(node, 0)
    wanted = e.constant(node, 1)
    sizes = [int(size) for size in (node.get("shape", []) if wanted is None else wanted)]
    if not node.get("allowzero", 0):
        sizes = [value.shape[i] if size == 0 else size for i, size in enumerate(sizes)]
    if -1 in sizes:
        rest = int(np.prod([size for size in sizes if size != -1], dtype=np.int64))
        sizes[sizes.index(-1)] = int(np.prod(value.shape, dtype=np.int64)) // max(1, rest)
    return reshaped(e, value, sizes, node)


def reshaped(e: Emitter, value: Value, shape: Sequence[int], node: Node) -> Value:
    """Return ``value`` in another shape; between shapes that differ in 1s no order is lost."""
    shape = tuple(shape)
    if int(np.prod(shape)) != int(np.prod(value.shape)):
        raise OnnxError(f"{node.where()}: got {list(value.shape)}, which is not {list(shape)}.")
    name = node.outputs[0]
    order = _same_but_ones(value, shape)
    if order is not None:
        return _emit_reshape(e, e.tensor(value, value.order), shape, value.dtype, name, order)
    return _emit_reshape(e, e.tensor(value), shape, value.dtype, name, natural(len(shape)))


def _same_but_ones(value: Value, shape: tuple[int, ...]) -> Order | None:
    """Return the order of the result if it keeps all dimensions but those of 1, else None."""
    before = [d for d, size in enumerate(value.shape) if size != 1]
    after = [d for d, size in enumerate(shape) if size != 1]
    if [value.shape[d] for d in before] != [shape[d] for d in after]:
        return None
    partner = dict(zip(before, after, strict=True))
    long = [partner[d] for d in value.order if d in partner]
    # Dimensions of 1 may lie anywhere; ahead of the others they keep images as they are.
    return tuple([d for d in range(len(shape)) if d not in after] + long)


def _emit_reshape(
    e: Emitter, tensor: int, shape: Sequence[int], dtype: str, name: str, order: Order
) -> Value:
    stored = [shape[d] for d in order]
    inputs = [tensor, e.numbers(stored)]
    return e.emit("RESHAPE", inputs, shape, dtype, name, "ReshapeOptions", order, newShape=stored)


def flatten(e: Emitter, node: Node) -> Value:
    """Flatten: RESHAPE to two dimensions."""
    value = e.input(node, 0)
    axis = node.get("axis", 1)
    axis = axis + value.rank if axis < 0 else axis
    rows = int(np.prod(value.shape[:axis], dtype=np.int64))
    return reshaped(e, value, (rows, int(np.prod(value.shape[axis:], dtype=np.int64))), node)


def squeeze(e: Emitter, node: Node) -> Value:
    """Squeeze: RESHAPE without some dimensions of 1."""
    value = e.input(node, 0)
    axes = _axes(e, node, 1, [d for d, size in enumerate(value.shape) if size == 1], value.rank)
    return reshaped(e, value, [s for d, s in enumerate(value.shape) if d not in axes], node)


def unsqueeze(e: Emitter, node: Node) -> Value:
    """Unsqueeze: RESHAPE with more dimensions of 1."""
    value = e.input(node, 0)
    found = e.constant(node, 1)
    count = len(node.get("axes", []) if found is None else found)
    axes = _axes(e, node, 1, [], value.rank + count)
    sizes = iter(value.shape)
    shape = [1 if d in axes else next(sizes) for d in range(value.rank + count)]
    return reshaped(e, value, shape, node)


def concat(e: Emitter, node: Node) -> Value:
    """Concat: CONCATENATION in the order of the largest input."""
    values = [e.input(node, position) for position in range(len(node.inputs))]
    values = [value for value in values if 0 not in value.shape] or values[:1]
    axis = node.get("axis", 1) % values[0].rank
    computed = [value for value in values if value.constant is None] or values
    order = max(computed, key=lambda value: int(np.prod(value.shape))).order
    shape = list(values[0].shape)
    shape[axis] = sum(value.shape[axis] for value in values)
    inputs = [e.tensor(value, order) for value in values]
    return e.emit(
        "CONCATENATION",
        inputs,
        shape,
        values[0].dtype,
        node.outputs[0],
        "ConcatenationOptions",
        order,
        axis=order.index(axis),
    )


def split(e: Emitter, node: Node) -> list[Value]:
    """Split: SPLIT_V."""
    value = e.input(node, 0)
    axis = node.get("axis", 0) % value.rank
    found = e.constant(node, 1)
    sizes = [int(size) for size in (node.get("split", []) if found is None else found)]
    count = len(node.outputs)
    if not sizes:
        step = -(-value.shape[axis] // count)
        sizes = [step] * (count - 1) + [value.shape[axis] - step * (count - 1)]
    order = value.order
    results, targets = [], []
    for name, size in zip(node.outputs, sizes, strict=True):
        shape = list(value.shape)
        shape[axis] = size
        target = e.model.add_tensor(e.new_name(name), [shape[d] for d in order], value.dtype)
        targets.append(target)
        results.append(Value(tuple(shape), value.dtype, None, {order: target}))
    at = e.model.add_constant(e.new_name("axis"), np.array(order.index(axis), np.int32))
    inputs = [e.tensor(value, order), e.numbers(sizes), at]
    e.emit_raw("SPLIT_V", inputs, targets, "SplitVOptions", numSplits=count)
    return results


def slice_(e: Emitter, node: Node) -> Value:
    """Slice: STRIDED_SLICE in the order of its input."""
    value = e.input(node, 0)
    if "starts" in node.attributes:
        starts, ends = node.get("starts", []), node.get("ends", [])
        axes, steps = node.get("axes", list(range(len(starts)))), [1] * len(starts)
    else:
        starts, ends = (np.asarray(e.constant(node, p)).tolist() for p in (1, 2))
        known = [e.constant(node, p) for p in (3, 4)]
        axes = list(range(len(starts))) if known[0] is None else known[0].tolist()
        steps = [1] * len(starts) if known[1] is None else known[1].tolist()
    picks = [slice(None)] * value.rank
    for start, end, axis, step in zip(starts, ends, axes, steps, strict=True):
        picks[axis % value.rank] = slice(int(start), int(end), int(step))
    ranges = [range(size)[pick] for size, pick in zip(value.shape, picks, strict=True)]
    order = value.order
    chosen = [ranges[d] for d in order]
    inputs = [
        e.tensor(value, order),
        e.numbers(found.start for found in chosen),
        # An end before the first element, for a negative step, is said by the mask.
        e.numbers(found.stop for found in chosen),
        e.numbers(found.step for found in chosen),
    ]
    mask = sum(1 << d for d, found in enumerate(chosen) if found.stop < 0)
    shape = [len(found) for found in ranges]
    name = node.outputs[0]
    return e.emit(
        "STRIDED_SLICE",
        inputs,
        shape,
        value.dtype,
        name,
        "StridedSliceOptions",
        order,
        endMask=mask,
    )


def gather(e: Emitter, node: Node) -> Value:
    """Gather: GATHER."""
    value, indices = e.input(node, 0), e.input(node, 1)
    axis = node.get("axis", 0) % value.rank
    if indices.constant is not None:
        wrapped = np.where(
            indices.constant < 0, indices.constant + value.shape[axis], indices.constant
        )
        chosen = e.model.add_constant(e.new_name("indices"), wrapped.astype(np.int32))
    else:
        chosen = e.tensor(indices)
    shape = (*value.shape[:axis], *indices.shape, *value.shape[axis + 1 :])
    name = node.outputs[0]
    return e.emit(
        "GATHER", [e.tensor(value), chosen], shape, value.dtype, name, "GatherOptions", axis=axis
    )


def pad(e: Emitter, node: Node) -> Value:
    """Pad: PAD, PADV2, MIRROR_PAD, or GATHER of the border; negative pads cut."""
    value = e.input(node, 0)
    found = e.constant(node, 1)
    given = node.get("pads", node.get("paddings", [])) if found is None else found
    flat = [int(amount) for amount in given]
    axes = _axes(e, node, 3, list(range(value.rank)), value.rank)
    half = len(flat) // 2
    pairs = [(0, 0)] * value.rank
    for axis, before, after in zip(axes, flat[:half], flat[half:], strict=True):
        pairs[axis] = (before, after)
    mode, name = node.get("mode", "constant"), node.outputs[0]
    if mode in ("edge", "wrap"):
        return _pad_by_picking(e, value, pairs, mode, name)
    if min(flat, default=0) < 0:
        rest = [(max(0, before), max(0, after)) for before, after in pairs]
        cut = any(map(any, rest))
        value = _cut(e, value, pairs, f"{name}/cut" if cut else name)
        pairs = rest
        if not cut:
            return value
    order = value.order
    shape = [size + sum(pair) for size, pair in zip(value.shape, pairs, strict=True)]
    table = np.array([pairs[d] for d in order], np.int32)
    inputs = [e.tensor(value, order), e.model.add_constant(e.new_name("pads"), table)]
    if mode == "reflect":
        return e.emit("MIRROR_PAD", inputs, shape, value.dtype, name, "MirrorPadOptions", order)
    if mode != "constant":
        raise OnnxError(
            f"{node.where()}: mode: got {mode}, expected constant, edge, reflect or wrap."
        )
    number = e.constant(node, 2)
    fill = node.get("value", 0.0) if number is None else float(number.reshape(-1)[0])
    if fill == 0:
        return e.emit("PAD", inputs, shape, value.dtype, name, "PadOptions", order)
    inputs.append(e.model.add_constant(e.new_name("fill"), np.array([fill], value.dtype)))
    return e.emit("PADV2", inputs, shape, value.dtype, name, "PadV2Options", order)


def _cut(e: Emitter, value: Value, pairs: Sequence[tuple[int, int]], name: str) -> Value:
    """Return what negative pads leave of a value."""
    order = value.order
    begin = [max(0, -before) for before, _ in pairs]
    sizes = [size - begin[d] - max(0, -pairs[d][1]) for d, size in enumerate(value.shape)]
    inputs = [
        e.tensor(value, order),
        e.numbers(begin[d] for d in order),
        e.numbers(sizes[d] for d in order),
    ]
    return e.emit("SLICE", inputs, sizes, value.dtype, name, "SliceOptions", order)


def _pad_by_picking(
    e: Emitter, value: Value, pairs: Sequence[tuple[int, int]], mode: str, name: str
) -> Value:
    """Return a value with its border repeated, or itself; negative pads cut."""
    changed = [d for d, pair in enumerate(pairs) if any(pair)]
    for d in changed:
        size = value.shape[d]
        places = np.arange(-pairs[d][0], size + pairs[d][1])
        picks = places % size if mode == "wrap" else np.clip(places, 0, size - 1)
        value = pick(e, value, d, picks, name if d == changed[-1] else f"{name}/{d}")
    return value


def pick(e: Emitter, value: Value, axis: int, picks: Array, name: str) -> Value:
    """Emit GATHER of the elements ``picks`` of a dimension, in the order of the input."""
    order = value.order
    shape = (*value.shape[:axis], len(picks), *value.shape[axis + 1 :])
    inputs, at = [e.tensor(value, order), e.numbers(picks)], order.index(axis)
    return e.emit("GATHER", inputs, shape, value.dtype, name, "GatherOptions", order, axis=at)


def tile(e: Emitter, node: Node) -> Value:
    """Tile: TILE."""
    value, repeats = e.input(node, 0), e.constant(node, 1)
    if repeats is None:
        raise OnnxError(f"{node.where()}: repeats are missing.")
    order = value.order
    shape = [size * int(count) for size, count in zip(value.shape, repeats, strict=True)]
    inputs = [e.tensor(value, order), e.numbers(int(repeats[d]) for d in order)]
    return e.emit("TILE", inputs, shape, value.dtype, node.outputs[0], "TileOptions", order)


def expand(e: Emitter, node: Node) -> Value:
    """Expand: BROADCAST_TO."""
    value, wanted = e.input(node, 0), e.constant(node, 1)
    if wanted is None:
        raise OnnxError(f"{node.where()}: the shape is missing.")
    shape = np.broadcast_shapes(value.shape, tuple(int(size) for size in wanted))
    if shape == value.shape:
        return value
    inputs = [e.tensor(value), e.numbers(shape)]
    return e.emit("BROADCAST_TO", inputs, shape, value.dtype, node.outputs[0], None, version=2)


def depth_to_space(e: Emitter, node: Node) -> Value:
    """DepthToSpace: DEPTH_TO_SPACE, in CRD mode of channels in another order."""
    value, block = e.input(node, 0), node.get("blocksize", 1)
    n, c, h, w = value.shape
    shape = (n, c // block**2, h * block, w * block)
    if node.get("mode", "DCR") == "CRD":
        # Channel c · block² + place becomes place · C + c.
        picks = np.arange(c).reshape(-1, block**2).T.reshape(-1)
        value = pick(e, value, 1, picks, f"{node.outputs[0]}/channels")
    return _blocks(e, node, "DEPTH_TO_SPACE", "DepthToSpaceOptions", value, shape, block)


def space_to_depth(e: Emitter, node: Node) -> Value:
    """SpaceToDepth: SPACE_TO_DEPTH."""
    value, block = e.input(node, 0), node.get("blocksize", 1)
    n, c, h, w = value.shape
    shape = (n, c * block**2, h // block, w // block)
    return _blocks(e, node, "SPACE_TO_DEPTH", "SpaceToDepthOptions", value, shape, block)


def _blocks(
    e: Emitter, node: Node, kind: str, options: str, value: Value, shape: Any, block: int
) -> Value:
    order = (0, 2, 3, 1)
    inputs = [e.tensor(value, order)]
    name = node.outputs[0]
    return e.emit(kind, inputs, shape, value.dtype, name, options, order, blockSize=block)


def _axes(e: Emitter, node: Node, position: int, default: list[int], rank: int) -> list[int]:
    """Return axes, which are an attribute in old files and an input in new ones."""
    found = e.constant(node, position)
    axes = node.get("axes", default) if found is None else found.tolist()
    return [int(axis) % max(1, rank) for axis in axes]


OPERATORS = {
    "Concat": concat,
    "DepthToSpace": depth_to_space,
    "Expand": expand,
    "Flatten": flatten,
    "Gather": gather,
    "Pad": pad,
    "Reshape": reshape,
    "Slice": slice_,
    "SpaceToDepth": space_to_depth,
    "Split": split,
    "Squeeze": squeeze,
    "Tile": tile,
    "Transpose": transpose,
    "Unsqueeze": unsqueeze,
}
