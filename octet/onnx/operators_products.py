# SPDX-License-Identifier: Apache-2.0
"""Convolutions and matrix products."""

from __future__ import annotations

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from octet.onnx.emitter import Emitter, Value, channels_last, constant_value, natural, transposed
from octet.onnx.graph import Node, OnnxError
from octet.onnx.operators_elementwise import broadcast
from octet.onnx.windows import Window, padded, read_window
from octet.tflite.types import Array


def conv(e: Emitter, node: Node) -> Value:
    """Conv: CONV_2D or DEPTHWISE_CONV_2D; one dimension is two, the first of size 1."""
    value, weights = e.input(node, 0), e.constant(node, 1)
    if weights is None or value.rank not in (3, 4):
        raise OnnxError(f"{node.where()}: got rank {value.rank}, expected 3 or 4.")
    if value.rank == 3:
        return _conv_1d(e, node, value, weights)
    bias = e.constant(node, 2)
    window = read_window(node, value.shape[2:], weights.shape[2:])
    return _conv_2d(e, node, value, weights, bias, window)


def _conv_2d(
    e: Emitter, node: Node, value: Value, weights: Array, bias: Array | None, window: Window
) -> Value:
    group, channels = node.get("group", 1), value.shape[1]
    if weights.shape[1] * group != channels:
        raise OnnxError(
            f"{node.where()}: weights: got {weights.shape[1]} input channels, "
            f"expected {channels // group} (channels {channels} / group {group})."
        )
    tensor, padding = padded(e, value, window)
    shape = (value.shape[0], weights.shape[0], *window.output)
    if bias is None:
        bias = np.zeros(weights.shape[0], np.float32)
    common = {
        "padding": padding,
        "strideH": window.strides[0],
        "strideW": window.strides[1],
        "dilationHFactor": window.dilations[0],
        "dilationWFactor": window.dilations[1],
    }
    name, order = node.outputs[0], channels_last(4)
    if group > 1 and weights.shape[1] == 1:
        kernel = e.float_constant(weights.transpose(1, 2, 3, 0), f"{name}/weights")
        inputs = [tensor, kernel, e.float_constant(bias, f"{name}/bias")]
        dilated = max(window.dilations) > 1
        return e.emit(
            "DEPTHWISE_CONV_2D",
            inputs,
            shape,
            "float32",
            name,
            "DepthwiseConv2DOptions",
            order,
            version=2 if dilated else 1,
            depthMultiplier=weights.shape[0] // channels,
            **common,
        )
    kernel = e.float_constant(weights.transpose(0, 2, 3, 1), f"{name}/weights")
    inputs = [tensor, kernel, e.float_constant(bias, f"{name}/bias")]
    version = 6 if group > 1 else 1
    return e.emit(
        "CONV_2D", inputs, shape, "float32", name, "Conv2DOptions", order, version=version, **common
    )


def _conv_1d(e: Emitter, node: Node, value: Value, weights: Array) -> Value:
    flat = read_window(node, value.shape[2:], weights.shape[2:])
    window = Window(
        (1, *flat.kernel),
        (1, *flat.strides),
        (1, *flat.dilations),
        ((0, 0), *flat.pads),
        (1, *flat.output),
    )
    n, c, size = value.shape
    tensor = e.tensor(value, channels_last(3))
    name = node.outputs[0]
    image = e.emit(
        "RESHAPE",
        [tensor, e.numbers([n, 1, size, c])],
        (n, c, 1, size),
        "float32",
        f"{name}/rows",
        "ReshapeOptions",
        channels_last(4),
        newShape=[n, 1, size, c],
    )
    result = _conv_2d(e, node, image, weights[:, :, np.newaxis], e.constant(node, 2), window)
    shape = (n, weights.shape[0], *flat.output)
    stored = [n, *flat.output, weights.shape[0]]
    return e.emit(
        "RESHAPE",
        [e.tensor(result, channels_last(4)), e.numbers(stored)],
        shape,
        "float32",
        name,
        "ReshapeOptions",
        channels_last(3),
        newShape=stored,
    )


def conv_transpose(e: Emitter, node: Node) -> Value:
    """ConvTranspose: TRANSPOSE_CONV, and SLICE where the pads are not those of SAME or VALID."""
    value, weights = e.input(node, 0), e.constant(node, 1)
    if weights is None or value.rank != 4 or node.get("group", 1) != 1:
        raise OnnxError(f"{node.where()}: only images, and no groups, are supported.")
    if max(node.get("dilations", [1, 1])) > 1:
        raise OnnxError(f"{node.where()}: dilations are not supported.")
    strides, kernel = node.get("strides", [1, 1]), weights.shape[2:]
    extra = node.get("output_padding", [0, 0])
    pads = _transposed_pads(node, value, kernel, strides, extra)
    sizes = [
        (value.shape[2 + i] - 1) * strides[i] + kernel[i] + extra[i] - sum(pads[i])
        for i in range(2)
    ]
    same = all(
        sizes[i] == value.shape[2 + i] * strides[i]
        and max(0, kernel[i] - strides[i]) // 2 == pads[i][0]
        and kernel[i] >= strides[i]
        for i in range(2)
    )
    full = [(value.shape[2 + i] - 1) * strides[i] + kernel[i] + extra[i] for i in range(2)]
    made = sizes if same else full
    n, out = value.shape[0], weights.shape[1]
    bias = e.constant(node, 2)
    name = node.outputs[0]
    inputs = [
        e.numbers([n, *made, out]),
        e.float_constant(weights.transpose(1, 2, 3, 0), f"{name}/weights"),
        e.tensor(value, channels_last(4)),
        e.float_constant(np.zeros(out) if bias is None else bias, f"{name}/bias"),
    ]
    cut = not same and made != sizes
    result = e.emit(
        "TRANSPOSE_CONV",
        inputs,
        (n, out, *made),
        "float32",
        f"{name}/uncut" if cut else name,
        "TransposeConvOptions",
        channels_last(4),
        version=3,
        padding=schema.Padding.SAME if same else schema.Padding.VALID,
        strideH=strides[0],
        strideW=strides[1],
    )
    if not cut:
        return result
    begin, size = [0, pads[0][0], pads[1][0], 0], [n, *sizes, out]
    inputs = [e.tensor(result, channels_last(4)), e.numbers(begin), e.numbers(size)]
    return e.emit(
        "SLICE", inputs, (n, out, *sizes), "float32", name, "SliceOptions", channels_last(4)
    )


def _transposed_pads(
    node: Node, value: Value, kernel: tuple[int, ...], strides: list[int], extra: list[int]
) -> list[tuple[int, int]]:
    auto = node.get("auto_pad", "NOTSET")
    wanted = node.get("output_shape", None)
    if wanted is None and auto in ("SAME_UPPER", "SAME_LOWER"):
        wanted = [value.shape[2 + i] * strides[i] for i in range(2)]
    if wanted is None:
        flat = node.get("pads", [0, 0, 0, 0])
        return [(flat[0], flat[2]), (flat[1], flat[3])]
    pads = []
    for i, size in enumerate(wanted[-2:]):
        total = (value.shape[2 + i] - 1) * strides[i] + kernel[i] + extra[i] - size
        small, large = total // 2, total - total // 2
        pads.append((small, large) if auto == "SAME_UPPER" else (large, small))
    return pads


def gemm(e: Emitter, node: Node) -> Value:
    """Gemm: FULLY_CONNECTED with constant weights and a bias per column, otherwise BATCH_MATMUL,
    MUL and ADD.
    """
    value, other = e.input(node, 0), e.input(node, 1)
    if node.get("transA", 0):
        value = transposed(value, (1, 0))
    alpha, beta = node.get("alpha", 1.0), node.get("beta", 1.0)
    bias = e.optional(node, 2)
    if other.constant is None or not _is_per_column(bias, other, node):
        return _gemm_of_computed(e, node, value, other, bias)
    weights = other.constant if node.get("transB", 0) else other.constant.T
    number = np.zeros(1, np.float32)
    if bias is not None and bias.constant is not None:
        number = bias.constant * np.float32(beta)
    return _fully_connected(e, node, value, weights * np.float32(alpha), number)


def _is_per_column(bias: Value | None, weights: Value, node: Node) -> bool:
    if bias is None:
        return True
    columns = weights.shape[0 if node.get("transB", 0) else 1]
    if bias.constant is None or bias.constant.size not in (1, columns):
        return False
    return bias.constant.size == 1 or bias.shape[-1] == columns


def _gemm_of_computed(
    e: Emitter, node: Node, value: Value, other: Value, bias: Value | None
) -> Value:
    if other.constant is not None:
        matrix = other.constant.T if node.get("transB", 0) else other.constant
        other = constant_value(np.ascontiguousarray(matrix))
    elif node.get("transB", 0):
        other = transposed(other, (1, 0))
    name, shape = node.outputs[0], (value.shape[0], other.shape[1])
    steps = []
    if node.get("alpha", 1.0) != 1:
        steps.append(("MUL", _scalar(node.get("alpha", 1.0)), "MulOptions"))
    if bias is not None:
        if node.get("beta", 1.0) != 1:
            factors = [bias, _scalar(node.get("beta", 1.0))]
            bias = broadcast(e, "MUL", factors, f"{name}/bias", "MulOptions")
        steps.append(("ADD", bias, "AddOptions"))
    inputs = [e.tensor(value), e.tensor(other)]
    first = f"{name}/product" if steps else name
    made = e.emit("BATCH_MATMUL", inputs, shape, "float32", first, "BatchMatMulOptions")
    for number, (kind, operand, options) in enumerate(steps, 1):
        step = name if number == len(steps) else f"{name}/scaled"
        made = broadcast(e, kind, [made, operand], step, options)
    return made


def _scalar(number: float) -> Value:
    return constant_value(np.array(number, np.float32))


def matmul(e: Emitter, node: Node) -> Value:
    """MatMul: FULLY_CONNECTED with a constant matrix, otherwise BATCH_MATMUL."""
    value, other = e.input(node, 0), e.input(node, 1)
    if other.constant is not None and other.rank == 2 and value.rank >= 2:
        return _fully_connected(e, node, value, other.constant.T, np.zeros(1, np.float32))
    if min(value.rank, other.rank) < 2:
        raise OnnxError(f"{node.where()}: vectors are not supported, only matrices.")
    batch = np.broadcast_shapes(value.shape[:-2], other.shape[:-2])
    shape = (*batch, value.shape[-2], other.shape[-1])
    inputs = [e.tensor(value), e.tensor(other)]
    return e.emit("BATCH_MATMUL", inputs, shape, "float32", node.outputs[0], "BatchMatMulOptions")


def matmul_bias(e: Emitter, node: Node) -> Value:
    """MatMul with a bias per column, as octet.onnx.fold makes it."""
    weights, bias = e.constant(node, 1), e.constant(node, 2)
    assert weights is not None and bias is not None
    return _fully_connected(e, node, e.input(node, 0), weights.T, bias)


def _fully_connected(e: Emitter, node: Node, value: Value, weights: Array, bias: Array) -> Value:
    outputs, inner = weights.shape
    if value.shape[-1] != inner:
        raise OnnxError(
            f"{node.where()}: got {value.shape[-1]} columns and {inner} rows, expected as many."
        )
    name = node.outputs[0]
    inputs = [
        e.tensor(value, natural(value.rank)),
        e.float_constant(weights, f"{name}/weights"),
        e.float_constant(np.broadcast_to(bias.reshape(-1), outputs), f"{name}/bias"),
    ]
    keep = value.rank > 2
    return e.emit(
        "FULLY_CONNECTED",
        inputs,
        (*value.shape[:-1], outputs),
        "float32",
        name,
        "FullyConnectedOptions",
        version=5 if keep else 1,
        keepNumDims=keep,
    )


OPERATORS = {
    "Conv": conv,
    "ConvTranspose": conv_transpose,
    "Gemm": gemm,
    "MatMul": matmul,
    "MatMulBias": matmul_bias,
}
