# SPDX-License-Identifier: Apache-2.0
"""Operators on each element: their inputs' order is kept."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from octet.onnx.emitter import Emitter, Order, Value, check_dtype, natural
from octet.onnx.graph import Node, OnnxError
from octet.tflite.types import TENSOR_TYPES

Function = Callable[[Emitter, Node], Value]


def unary(kind: str, options: str | None = None) -> Function:
    """Return the function of an operator with one input and no attributes."""

    def function(e: Emitter, node: Node) -> Value:
        value = e.input(node, 0)
        order = value.order
        inputs = [e.tensor(value, order)]
        return e.emit(kind, inputs, value.shape, value.dtype, node.outputs[0], options, order)

    return function


def binary(kind: str, options: str | None = None, dtype: str = "") -> Function:
    """Return the function of an operator with two inputs, or more, that are broadcast."""

    def function(e: Emitter, node: Node) -> Value:
        values = [e.input(node, position) for position in range(len(node.inputs))]
        if len(values) == 1:
            return values[0]
        result = values[0]
        for number, value in enumerate(values[1:], 2):
            last = number == len(values)
            name = node.outputs[0] if last else f"{node.outputs[0]}/{number}"
            result = broadcast(e, kind, [result, value], name, options, dtype)
        return result

    return function


def broadcast(
    e: Emitter,
    kind: str,
    values: list[Value],
    name: str,
    options: str | None = None,
    dtype: str = "",
) -> Value:
    """Emit an operator on values of any ranks and orders; return its output."""
    shape = np.broadcast_shapes(*(value.shape for value in values))
    order = _common_order(values, len(shape))
    inputs = [_aligned(e, value, order) for value in values]
    kind_dtype = dtype or values[-1].dtype
    return e.emit(kind, inputs, shape, kind_dtype, name, options, order)


def _common_order(values: list[Value], rank: int) -> Order:
    """Return the order of the largest computed value of full rank."""
    full = [value for value in values if value.constant is None and value.rank == rank]
    if not full:
        return natural(rank)
    return max(full, key=lambda value: int(np.prod(value.shape))).order


def _aligned(e: Emitter, value: Value, order: Order) -> int:
    """Return a tensor of the rank of ``order``, with dimensions of 1 where it lacks some."""
    missing = len(order) - value.rank
    if value.constant is not None:
        if value.constant.size == 1 and value.rank == 0:
            return e.tensor(value, ())
        grown = value.constant.reshape((1,) * missing + value.constant.shape)
        array = np.ascontiguousarray(grown.transpose(order))
        return e.model.add_constant(e.new_name("constant"), array)
    if not missing:
        return e.tensor(value, order)
    shape = (1,) * missing + value.shape
    tensor = e.tensor(value)
    name = f"{e.model.tensor_name(tensor)}/grown"
    grown_value = e.emit(
        "RESHAPE",
        [tensor, e.numbers(shape)],
        shape,
        value.dtype,
        name,
        "ReshapeOptions",
        newShape=list(shape),
    )
    return e.tensor(grown_value, order)


def clip(e: Emitter, node: Node) -> Value:
    """Clip: a RELU where TFLite has one with these bounds, otherwise MAXIMUM and MINIMUM."""
    value = e.input(node, 0)
    low, high = _bounds(e, node)
    named = {(0.0, np.inf): "RELU", (0.0, 6.0): "RELU6", (-1.0, 1.0): "RELU_N1_TO_1"}
    kind = named.get((low, high))
    order, name = value.order, node.outputs[0]
    if kind is not None:
        return e.emit(kind, [e.tensor(value, order)], value.shape, value.dtype, name, None, order)
    for kind, bound, there in (("MAXIMUM", low, low > -np.inf), ("MINIMUM", high, high < np.inf)):
        if there:
            last = kind == "MINIMUM" or high == np.inf
            inputs = [e.tensor(value, order), e.float_constant(bound)]
            value = e.emit(
                kind,
                inputs,
                value.shape,
                value.dtype,
                name if last else f"{name}/low",
                "MaximumMinimumOptions",
                order,
            )
    return value


def _bounds(e: Emitter, node: Node) -> tuple[float, float]:
    low, high = node.get("min", -np.inf), node.get("max", np.inf)
    for position in (1, 2):
        bound = e.constant(node, position)
        if bound is not None and bound.size:
            number = float(bound.reshape(-1)[0])
            low, high = (number, high) if position == 1 else (low, number)
    # ONNX files often say "no bound" with the largest float32.
    largest = float(np.finfo(np.float32).max)
    return (-np.inf if low <= -largest else float(low), np.inf if high >= largest else float(high))


def leaky_relu(e: Emitter, node: Node) -> Value:
    """LeakyRelu: LEAKY_RELU."""
    value = e.input(node, 0)
    order = value.order
    inputs, alpha = [e.tensor(value, order)], node.get("alpha", 0.01)
    name = node.outputs[0]
    options = "LeakyReluOptions"
    return e.emit("LEAKY_RELU", inputs, value.shape, "float32", name, options, order, alpha=alpha)


def prelu(e: Emitter, node: Node) -> Value:
    """PRelu: PRELU; its slopes have no batch dimension."""
    value, slope = e.input(node, 0), e.constant(node, 1)
    if slope is None:
        raise OnnxError(f"{node.where()}: the slope is missing.")
    order = value.order
    grown = slope.reshape((1,) * (value.rank - slope.ndim) + slope.shape).transpose(order)
    if grown.shape[0] != 1:
        raise OnnxError(f"{node.where()}: slopes per image are not supported.")
    inputs = [e.tensor(value, order), e.float_constant(np.ascontiguousarray(grown[0]))]
    return e.emit("PRELU", inputs, value.shape, "float32", node.outputs[0], None, order)


def elu(e: Emitter, node: Node) -> Value:
    """Elu: ELU; with another alpha than 1, alpha · ELU(x) + (1 − alpha) · RELU(x)."""
    alpha = node.get("alpha", 1.0)
    if alpha == 1:
        return unary("ELU")(e, node)
    value, name = e.input(node, 0), node.outputs[0]
    order, parts = value.order, []
    for kind, factor in (("ELU", alpha), ("RELU", 1 - alpha)):
        step = f"{name}/{kind.lower()}"
        inputs = [e.tensor(value, order)]
        made = e.emit(kind, inputs, value.shape, "float32", step, None, order)
        inputs = [e.tensor(made, order), e.float_constant(factor)]
        step += "/scaled"
        part = e.emit("MUL", inputs, value.shape, "float32", step, "MulOptions", order)
        parts.append(e.tensor(part, order))
    return e.emit("ADD", parts, value.shape, "float32", name, "AddOptions", order)


def gelu(e: Emitter, node: Node) -> Value:
    """Gelu: GELU."""
    value = e.input(node, 0)
    order, near = value.order, node.get("approximate", "none") == "tanh"
    inputs = [e.tensor(value, order)]
    name = node.outputs[0]
    return e.emit(
        "GELU", inputs, value.shape, "float32", name, "GeluOptions", order, approximate=near
    )


def hard_sigmoid(e: Emitter, node: Node) -> Value:
    """HardSigmoid: clip(alpha x + beta, 0, 1) as MUL, ADD, MAXIMUM, MINIMUM."""
    value, name = e.input(node, 0), node.outputs[0]
    order = value.order
    steps = (
        ("MUL", node.get("alpha", 0.2), "MulOptions"),
        ("ADD", node.get("beta", 0.5), "AddOptions"),
        ("MAXIMUM", 0.0, "MaximumMinimumOptions"),
        ("MINIMUM", 1.0, "MaximumMinimumOptions"),
    )
    for kind, number, options in steps:
        inputs = [e.tensor(value, order), e.float_constant(number)]
        step = name if kind == "MINIMUM" else f"{name}/{kind.lower()}"
        value = e.emit(kind, inputs, value.shape, "float32", step, options, order)
    return value


def reciprocal(e: Emitter, node: Node) -> Value:
    """Reciprocal: 1 DIV x."""
    value = e.input(node, 0)
    order = value.order
    inputs = [e.float_constant(1.0), e.tensor(value, order)]
    return e.emit("DIV", inputs, value.shape, "float32", node.outputs[0], "DivOptions", order)


def softplus(e: Emitter, node: Node) -> Value:
    """Softplus: log(exp(x) + 1)."""
    value, name = e.input(node, 0), node.outputs[0]
    order = value.order
    one = e.emit(
        "EXP", [e.tensor(value, order)], value.shape, "float32", f"{name}/exp", None, order
    )
    inputs = [e.tensor(one, order), e.float_constant(1.0)]
    two = e.emit("ADD", inputs, value.shape, "float32", f"{name}/add", "AddOptions", order)
    return e.emit("LOG", [e.tensor(two, order)], value.shape, "float32", name, None, order)


def where(e: Emitter, node: Node) -> Value:
    """Where: SELECT_V2."""
    values = [e.input(node, position) for position in range(3)]
    return broadcast(e, "SELECT_V2", values, node.outputs[0], "SelectV2Options")


def cast(e: Emitter, node: Node) -> Value:
    """Cast: CAST."""
    from onnx import helper

    value = e.input(node, 0)
    found = np.dtype(helper.tensor_dtype_to_np_dtype(node.get("to", 1)))
    dtype = "float32" if found.kind == "f" else found.name
    check_dtype(dtype, node.where())
    if dtype == value.dtype:
        return value
    order = value.order
    inputs = [e.tensor(value, order)]
    types = {"inDataType": TENSOR_TYPES[value.dtype], "outDataType": TENSOR_TYPES[dtype]}
    name = node.outputs[0]
    return e.emit("CAST", inputs, value.shape, dtype, name, "CastOptions", order, **types)


def identity(e: Emitter, node: Node) -> Value:
    """Identity and Dropout: nothing."""
    return e.input(node, 0)


OPERATORS: dict[str, Function] = {
    "Abs": unary("ABS"),
    "Add": binary("ADD", "AddOptions"),
    "And": binary("LOGICAL_AND", None, "bool"),
    "Cast": cast,
    "Ceil": unary("CEIL"),
    "Clip": clip,
    "Cos": unary("COS"),
    "Div": binary("DIV", "DivOptions"),
    "Dropout": identity,
    "Elu": elu,
    "Equal": binary("EQUAL", None, "bool"),
    "Exp": unary("EXP"),
    "Floor": unary("FLOOR"),
    "Gelu": gelu,
    "Greater": binary("GREATER", None, "bool"),
    "GreaterOrEqual": binary("GREATER_EQUAL", None, "bool"),
    "HardSigmoid": hard_sigmoid,
    "HardSwish": unary("HARD_SWISH"),
    "Identity": identity,
    "LeakyRelu": leaky_relu,
    "Less": binary("LESS", None, "bool"),
    "LessOrEqual": binary("LESS_EQUAL", None, "bool"),
    "Log": unary("LOG"),
    "Max": binary("MAXIMUM", "MaximumMinimumOptions"),
    "Min": binary("MINIMUM", "MaximumMinimumOptions"),
    "Mul": binary("MUL", "MulOptions"),
    "Neg": unary("NEG"),
    "Not": unary("LOGICAL_NOT"),
    "Or": binary("LOGICAL_OR", None, "bool"),
    "PRelu": prelu,
    "Pow": binary("POW", "PowOptions"),
    "Reciprocal": reciprocal,
    "Relu": unary("RELU"),
    "Round": unary("ROUND"),
    "Sigmoid": unary("LOGISTIC"),
    "Sin": unary("SIN"),
    "Softplus": softplus,
    "Sqrt": unary("SQRT"),
    "Sub": binary("SUB", "SubOptions"),
    "Sum": binary("ADD", "AddOptions"),
    "Tanh": unary("TANH"),
    "Where": where,
}
