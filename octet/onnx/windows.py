# SPDX-License-Identifier: Apache-2.0
"""Sliding windows: ONNX's pads, strides and dilations as TFLite has them, SAME, VALID, or a PAD
before.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from octet.onnx.emitter import Emitter, Value, channels_last
from octet.onnx.graph import Node, OnnxError

LOWEST = float(np.finfo(np.float32).min)


@dataclass(frozen=True)
class Window:
    """A sliding window over the spatial dimensions.

    Attributes:
        kernel: its size.
        strides: its steps.
        dilations: distances between its elements.
        pads: elements before and after, by dimension.
        output: size of the output.
    """

    kernel: tuple[int, ...]
    strides: tuple[int, ...]
    dilations: tuple[int, ...]
    pads: tuple[tuple[int, int], ...]
    output: tuple[int, ...]

    def is_valid(self) -> bool:
        """Return whether there are no pads."""
        return all(pair == (0, 0) for pair in self.pads)

    def is_same(self, sizes: Sequence[int]) -> bool:
        """Return whether the pads are those of TFLite's SAME for an input of ``sizes``."""
        return all(
            pair == same_pads(size, kernel, stride, dilation)
            for size, kernel, stride, dilation, pair in zip(
                sizes, self.kernel, self.strides, self.dilations, self.pads, strict=True
            )
        )


def same_pads(size: int, kernel: int, stride: int, dilation: int) -> tuple[int, int]:
    """Return what TFLite's SAME adds before and after a dimension."""
    output = -(-size // stride)
    total = max(0, (output - 1) * stride + (kernel - 1) * dilation + 1 - size)
    return total // 2, total - total // 2


def read_window(node: Node, sizes: Sequence[int], kernel: Sequence[int]) -> Window:
    """Return the window of a convolution or pool over a spatial input of ``sizes``.

    Raises:
        OnnxError: for pads that are negative or of another rank.
    """
    rank = len(sizes)
    strides = tuple(node.get("strides", [1] * rank))
    dilations = tuple(node.get("dilations", [1] * rank))
    spans = [(k - 1) * d + 1 for k, d in zip(kernel, dilations, strict=True)]
    auto = node.get("auto_pad", "NOTSET")
    if auto in ("SAME_UPPER", "SAME_LOWER"):
        pads = []
        for size, span, stride in zip(sizes, spans, strides, strict=True):
            total = max(0, (-(-size // stride) - 1) * stride + span - size)
            small, large = total // 2, total - total // 2
            pads.append((small, large) if auto == "SAME_UPPER" else (large, small))
    else:
        flat = list(node.get("pads", [0] * 2 * rank)) if auto != "VALID" else [0] * 2 * rank
        if len(flat) != 2 * rank or min(flat, default=0) < 0:
            raise OnnxError(f"{node.where()}: pads: got {flat}, expected {2 * rank} of 0 or more.")
        pads = list(zip(flat[:rank], flat[rank:], strict=True))
    output = []
    for i in range(rank):
        room = sizes[i] + sum(pads[i]) - spans[i]
        count = room // strides[i] + 1
        if node.get("ceil_mode", 0) and room % strides[i]:
            # A window that would start in the pad behind the input does not count.
            if count * strides[i] < sizes[i] + pads[i][0]:
                count += 1
            over = (count - 1) * strides[i] + spans[i] - (sizes[i] + sum(pads[i]))
            pads[i] = (pads[i][0], pads[i][1] + max(0, over))
        output.append(count)
    return Window(tuple(kernel), strides, dilations, tuple(pads), tuple(output))


def padded(e: Emitter, value: Value, window: Window, fill: float = 0.0) -> tuple[int, int]:
    """Return the input in TFLite's order, and SAME or VALID; pads that are neither are emitted."""
    order = channels_last(value.rank)
    tensor = e.tensor(value, order)
    if window.is_valid():
        return tensor, schema.Padding.VALID
    if window.is_same(value.shape[2:]):
        return tensor, schema.Padding.SAME
    return pad_tensor(e, value, window.pads, fill), schema.Padding.VALID


def pad_tensor(e: Emitter, value: Value, pads: Sequence[tuple[int, int]], fill: float = 0.0) -> int:
    """Return the input in TFLite's order with spatial pads."""
    tensor = e.tensor(value, channels_last(value.rank))
    table = np.array([(0, 0), *pads, (0, 0)], np.int32)
    shape = [
        size + int(pair.sum()) for size, pair in zip(e.model.shape(tensor), table, strict=True)
    ]
    name = e.new_name(f"{e.model.tensor_name(tensor)}/padded")
    target = e.model.add_tensor(name, shape, "float32")
    amounts = e.model.add_constant(e.new_name("pads"), table)
    if fill == 0:
        e.emit_raw("PAD", [tensor, amounts], [target], "PadOptions")
    else:
        number = e.float_constant(np.array([fill]), "pad_value")
        e.emit_raw("PADV2", [tensor, amounts, number], [target], "PadV2Options")
    return target
