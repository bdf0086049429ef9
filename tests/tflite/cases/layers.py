# SPDX-License-Identifier: Apache-2.0
"""Convolutions, fully connected and recurrent layers, pools."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from tests.tflite.cases.case import (
    MAKERS,
    NONE,
    OUTPUTS,
    RELU,
    RELU6,
    RELU_N1,
    SAME,
    TANH,
    VALID,
    Case,
    bias,
    f32,
    i8,
    one,
    real,
    values,
    weights,
)
from tests.tflite.tiny_models import Operator, Tensor, constant, write_model


def convolutions() -> Iterator[tuple[str, Case]]:
    grids: list[tuple[tuple[int, ...], tuple[int, ...], dict[str, int]]] = [
        ((1, 7, 6, 3), (5, 3, 3, 3), {"padding": SAME, "strideH": 2, "strideW": 2}),
        ((2, 9, 8, 2), (4, 5, 2, 2), {"padding": VALID, "strideH": 2, "strideW": 3}),
        (
            (1, 9, 9, 2),
            (3, 3, 3, 2),
            {
                "padding": SAME,
                "strideH": 1,
                "strideW": 1,
                "dilationHFactor": 2,
                "dilationWFactor": 3,
            },
        ),
        ((1, 4, 4, 8), (16, 1, 1, 8), {"padding": SAME, "strideH": 1, "strideW": 1}),
    ]
    activations = [RELU6, RELU, NONE, RELU_N1]
    for kind, make in MAKERS.items():
        for i, (shape, filter_shape, options) in enumerate(grids):
            x, w = make(*shape), weights(kind, *filter_shape)
            parts = {"x": x, "w": w, "b": bias(kind, x, w)}
            fused = {"fusedActivationFunction": activations[i]}
            yield (
                f"conv2d_{kind}_{i}",
                one("CONV_2D", parts, OUTPUTS[kind], "Conv2DOptions", **options, **fused),
            )
    yield (
        "conv2d_grouped",
        one(
            "CONV_2D",
            {"x": f32(1, 5, 5, 4), "w": real(6, 3, 3, 2), "b": real(6)},
            options="Conv2DOptions",
            strideH=1,
            strideW=1,
        ),
    )
    for kind, make in MAKERS.items():
        for m, stride in ((1, 1), (3, 2)):
            x, w = make(1, 7, 8, 4), weights(kind, 1, 3, 3, 4 * m, axis=3)
            if kind == "u8":
                b = bias(kind, x, replace(w, shape=(4 * m, 1, 1, 1)))
            else:
                b = bias(kind, x, replace(w, axis=3))
            yield (
                f"depthwise_{kind}_{m}",
                one(
                    "DEPTHWISE_CONV_2D",
                    {"x": x, "w": w, "b": b},
                    OUTPUTS[kind],
                    "DepthwiseConv2DOptions",
                    padding=SAME,
                    strideH=stride,
                    strideW=stride,
                    depthMultiplier=m,
                    fusedActivationFunction=RELU6,
                ),
            )


def fully_connected() -> Iterator[tuple[str, Case]]:
    options = "FullyConnectedOptions"
    for kind, make in MAKERS.items():
        for keep in (False, True):
            x = make(2, 3, 8)
            w = weights("i8" if kind == "i8" else kind, 5, 8)
            if kind == "i8":  # LiteRT's reference kernel takes one scale only.
                w = constant(w.data, "int8", scale=0.01)
            parts = {"x": x, "w": w, "b": bias("u8" if kind == "i8" else kind, x, w)}
            yield (
                f"fully_connected_{kind}_{keep}",
                one("FULLY_CONNECTED", parts, OUTPUTS[kind], options, keepNumDims=keep),
            )
    yield (
        "fully_connected_no_bias",
        one(
            "FULLY_CONNECTED",
            {"x": f32(3, 8), "w": real(5, 8)},
            options=options,
            fusedActivationFunction=RELU,
        ),
    )


def transposed_convolutions() -> Iterator[tuple[str, Case]]:
    for kind, make in (("f32", f32), ("i8", i8)):
        for padding, size in ((SAME, (10, 8)), (VALID, (11, 9)), (SAME, (9, 7))):
            x, w = make(1, 5, 4, 3), weights(kind, 2, 3, 3, 3)
            target = constant([1, *size, 2])
            parts = {"s": target, "w": w, "x": x}
            if kind == "i8":
                parts["b"] = bias(kind, x, w)
            yield (
                f"transpose_conv_{kind}_{padding}_{size[0]}",
                one(
                    "TRANSPOSE_CONV",
                    parts,
                    OUTPUTS[kind],
                    "TransposeConvOptions",
                    padding=padding,
                    strideH=2,
                    strideW=2,
                ),
            )


def pools() -> Iterator[tuple[str, Case]]:
    for name in ("AVERAGE_POOL_2D", "MAX_POOL_2D", "L2_POOL_2D"):
        for kind, make in MAKERS.items():
            if name == "L2_POOL_2D" and kind != "f32":
                continue
            for padding in (SAME, VALID):
                yield (
                    f"{name.lower()}_{kind}_{padding}",
                    one(
                        name,
                        {"x": make(1, 7, 8, 3)},
                        make(),
                        "Pool2DOptions",
                        padding=padding,
                        strideH=2,
                        strideW=3,
                        filterHeight=3,
                        filterWidth=4,
                        fusedActivationFunction=RELU6,
                    ),
                )


def recurrent() -> Iterator[tuple[str, Case]]:
    for clip, time_major in ((0.0, False), (10.0, True)):
        steps, batch, inputs, hidden = (12, 2, 3, 4)
        names = [f"w{k}" for k in range(1, 9)]
        shapes = [(hidden, inputs)] * 4 + [(hidden, hidden)] * 4
        parts = {"x": f32(steps, batch, inputs) if time_major else f32(batch, steps, inputs)}
        parts |= {name: real(*shape) for name, shape in zip(names, shapes, strict=True)}
        parts |= {f"b{k}": real(hidden) for k in range(4)}
        parts |= {name: Tensor((batch, hidden), variable=True) for name in ("h", "c")}
        order = ("x", *names, "", "", "", "b0", "b1", "b2", "b3", "", "", "h", "c")
        operator = Operator(
            "UNIDIRECTIONAL_SEQUENCE_LSTM",
            (*order, "", "", "", ""),
            ("y",),
            "UnidirectionalSequenceLSTMOptions",
            {"fusedActivationFunction": TANH, "cellClip": clip, "timeMajor": time_major},
        )
        model = write_model({**parts, "y": Tensor()}, [operator], ("x",), ("y",))
        yield f"lstm_{time_major}", Case(model, (values(parts["x"]),), relative=1e-4)
