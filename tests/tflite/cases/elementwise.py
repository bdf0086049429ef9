# SPDX-License-Identifier: Apache-2.0
"""Arithmetic, activations, reductions, conversions."""

from __future__ import annotations

from collections.abc import Iterator

from tests.tflite.cases.case import (
    MAKERS,
    OUTPUTS,
    RELU,
    RELU6,
    RNG,
    Case,
    f32,
    i8,
    i32,
    one,
    real,
    u8,
    values,
)
from tests.tflite.tiny_models import Operator, Tensor, constant, write_model


def arithmetic() -> Iterator[tuple[str, Case]]:
    fused = {
        "ADD": "AddOptions",
        "SUB": "SubOptions",
        "MUL": "MulOptions",
        "DIV": "DivOptions",
    }
    for name, options in fused.items():
        shapes = {"a": f32(2, 3, 4), "b": f32(3, 1)}
        yield (
            f"{name.lower()}_f32",
            one(name, shapes, options=options, low=0.5, fusedActivationFunction=RELU6),
        )
        if name != "DIV":
            yield f"{name.lower()}_i32", one(name, {"a": i32(2, 3), "b": i32(3)}, i32(), options)
            for kind, make in (("u8", u8), ("i8", i8)):
                parts = {"a": make(2, 3, 4), "b": make(2, 3, 4, scale=0.01)}
                yield (
                    f"{name.lower()}_{kind}",
                    one(name, parts, OUTPUTS[kind], options, fusedActivationFunction=RELU),
                )
    for name in ("MAXIMUM", "MINIMUM"):
        yield f"{name.lower()}_f32", one(name, {"a": f32(2, 3), "b": f32(3)})
        yield f"{name.lower()}_i8", one(name, {"a": i8(2, 3), "b": i8(3)}, i8())
    for name in ("POW", "FLOOR_DIV", "FLOOR_MOD", "SQUARED_DIFFERENCE"):
        yield f"{name.lower()}_f32", one(name, {"a": f32(2, 3), "b": f32(3)}, low=0.5)
    yield "add_n", one("ADD_N", {"a": f32(2, 3), "b": f32(2, 3), "c": f32(2, 3)})
    for name in ("EQUAL", "NOT_EQUAL", "LESS", "LESS_EQUAL", "GREATER", "GREATER_EQUAL"):
        yield f"{name.lower()}_i32", one(name, {"a": i32(4, 5), "b": i32(5)}, Tensor((), "bool"))
        yield f"{name.lower()}_u8", one(name, {"a": u8(4, 5), "b": u8(5)}, Tensor((), "bool"))
    flags = Tensor((3, 4), "bool")
    for name in ("LOGICAL_AND", "LOGICAL_OR"):
        yield name.lower(), one(name, {"a": flags, "b": flags}, Tensor((), "bool"))
    yield "logical_not", one("LOGICAL_NOT", {"a": flags}, Tensor((), "bool"))
    yield "select_v2", one("SELECT_V2", {"c": flags, "a": f32(3, 4), "b": f32(1, 4)})
    rows = {"c": Tensor((3,), "bool"), "a": f32(3, 4), "b": f32(3, 4)}
    yield "select_rows", one("SELECT", rows)
    for x, y in ((False, False), (True, True)):
        parts = {"a": f32(2, 5, 3) if x else f32(2, 3, 5), "b": f32(4, 5) if y else f32(5, 4)}
        yield (
            f"batch_matmul_{x}",
            one("BATCH_MATMUL", parts, options="BatchMatMulOptions", adjX=x, adjY=y),
        )


def activations() -> Iterator[tuple[str, Case]]:
    families = (
        ("ABS NEG EXP SIN COS FLOOR CEIL ROUND SQUARE SIGN", -8),
        ("ELU TANH LOGISTIC RELU RELU6 RELU_N1_TO_1 RELU_0_TO_1 HARD_SWISH LOG_SOFTMAX", -4),
        ("SQRT RSQRT LOG", 0.1),
    )
    for names, low in families:
        for name in names.split():
            parts = {"x": f32(3, 7)}
            yield f"{name.lower()}_f32", one(name, parts, low=low, high=8, relative=5e-5)
    for approximate in (False, True):
        yield (
            f"gelu_{approximate}",
            one(
                "GELU",
                {"x": f32(3, 7)},
                options="GeluOptions",
                approximate=approximate,
                relative=1e-4,
            ),
        )
    yield "prelu_f32", one("PRELU", {"x": f32(2, 3, 4), "a": real(1, 1, 4)})
    yield (
        "leaky_relu_f32",
        one("LEAKY_RELU", {"x": f32(3, 7)}, options="LeakyReluOptions", alpha=0.1),
    )
    yield "l2_normalization", one("L2_NORMALIZATION", {"x": f32(3, 7)}, options="L2NormOptions")
    for kind, make in (("u8", u8), ("i8", i8)):
        probability = Tensor((), make(1).dtype, 1 / 256, 0 if kind == "u8" else -128)
        tanh = Tensor((), make(1).dtype, 1 / 128, 128 if kind == "u8" else 0)
        x = make(3, 9, scale=0.06)
        yield f"logistic_{kind}", one("LOGISTIC", {"x": x}, probability)
        yield f"tanh_{kind}", one("TANH", {"x": x}, tanh)
        yield f"relu_{kind}", one("RELU", {"x": x}, OUTPUTS[kind])
        yield f"relu6_{kind}", one("RELU6", {"x": x}, OUTPUTS[kind])
        yield f"hard_swish_{kind}", one("HARD_SWISH", {"x": x}, OUTPUTS[kind], steps=2)
        yield (
            f"leaky_relu_{kind}",
            one("LEAKY_RELU", {"x": x}, OUTPUTS[kind], "LeakyReluOptions", alpha=0.1),
        )
        for beta in (1.0, 0.5):
            yield (
                f"softmax_{kind}_{beta}",
                one("SOFTMAX", {"x": x}, probability, "SoftmaxOptions", beta=beta),
            )
    for beta in (1.0, 0.5):
        yield (
            f"softmax_f32_{beta}",
            one("SOFTMAX", {"x": f32(3, 9)}, options="SoftmaxOptions", beta=beta),
        )


def reductions() -> Iterator[tuple[str, Case]]:
    for name in ("MEAN", "SUM", "REDUCE_MAX", "REDUCE_MIN", "REDUCE_PROD"):
        for axes, keep in (([1, -1], True), ([0], False)):
            parts = {"x": f32(3, 4, 5), "axes": constant(axes)}
            yield (
                f"{name.lower()}_f32_{keep}",
                one(name, parts, options="ReducerOptions", keepDims=keep),
            )
    for name in ("REDUCE_MAX", "REDUCE_MIN"):
        yield (
            f"{name.lower()}_i8",
            one(name, {"x": i8(3, 4, 5), "axes": constant([1])}, i8(), "ReducerOptions"),
        )
    for kind, make in (("u8", u8), ("i8", i8)):
        parts = {"x": make(1, 5, 6, 4), "axes": constant([1, 2])}
        yield (
            f"mean_{kind}",
            one("MEAN", parts, OUTPUTS[kind], "ReducerOptions", keepDims=True),
        )
    for name in ("REDUCE_ANY", "REDUCE_ALL"):
        parts = {"x": Tensor((3, 4), "bool"), "axes": constant([1])}
        yield name.lower(), one(name, parts, Tensor((), "bool"), "ReducerOptions")
    for exclusive, reverse in ((False, False), (True, True)):
        parts = {"x": f32(3, 4), "axis": constant(1)}
        case = one("CUMSUM", parts, options="CumsumOptions", exclusive=exclusive, reverse=reverse)
        yield f"cumsum_{reverse}", case
    for name, options in (("ARG_MAX", "ArgMaxOptions"), ("ARG_MIN", "ArgMinOptions")):
        for dtype, code in (("int32", 2), ("int64", 4)):
            for kind, make in MAKERS.items():
                parts = {"x": make(3, 4, 5), "axis": constant(-1)}
                yield (
                    f"{name.lower()}_{kind}_{dtype}",
                    one(name, parts, Tensor((), dtype), options, outputType=code),
                )


def conversions() -> Iterator[tuple[str, Case]]:
    yield "quantize_u8", one("QUANTIZE", {"x": f32(3, 7)}, u8())
    yield "quantize_i8", one("QUANTIZE", {"x": f32(3, 7)}, i8())
    yield "requantize_u8_i8", one("QUANTIZE", {"x": u8(3, 70)}, i8(scale=2 / 128, zero_point=0))
    yield "requantize_i8_i8", one("QUANTIZE", {"x": i8(3, 70)}, i8(scale=0.03))
    yield "dequantize_u8", one("DEQUANTIZE", {"x": u8(3, 7)})
    yield "dequantize_i8", one("DEQUANTIZE", {"x": i8(3, 7)})
    half = constant(RNG.uniform(-9, 9, (3, 7)), "float16")
    tensors = {"x": f32(3, 7), "h": half, "f": Tensor((3, 7)), "y": Tensor((3, 7))}
    operators = [
        Operator("DEQUANTIZE", ("h",), ("f",)),
        Operator("ADD", ("x", "f"), ("y",), "AddOptions"),
    ]
    model = write_model(tensors, operators, ("x",), ("y",))
    yield "float16_constant", Case(model, (values(tensors["x"]),))
    for source, target, code in (
        ("float32", "int32", 2),
        ("int32", "float32", 0),
        ("bool", "float32", 0),
        ("int64", "int32", 2),
        ("float32", "bool", 6),
        ("float32", "uint8", 3),
    ):
        parts = {"x": Tensor((3, 7), source)}
        yield (
            f"cast_{source}_{target}",
            one("CAST", parts, Tensor((), target), "CastOptions", outDataType=code, low=0, high=9),
        )
