# SPDX-License-Identifier: Apache-2.0
"""Convolutions, matrix products, pools."""

from __future__ import annotations

from tests.tflite.operators.draft import (
    REAL,
    WEIGHTED,
    Draft,
    Generator,
    literal,
    operator,
)

SAME, VALID = 0, 1


def window(g: Generator) -> tuple[dict[str, int], tuple[int, int]]:
    """Padding, strides and dilations, and the size of the filter."""
    size = (g.integer(1, 4), g.integer(1, 4))
    dilated = g.integer(0, 3) == 0
    options = {
        "padding": g.choice(SAME, VALID),
        "strideH": 1 if dilated else g.integer(1, 3),
        "strideW": 1 if dilated else g.integer(1, 3),
        "dilationHFactor": g.integer(1, 3) if dilated else 1,
        "dilationWFactor": g.integer(1, 3) if dilated else 1,
        "fusedActivationFunction": g.activation(),
    }
    return options, size


def extent(g: Generator, size: int, dilation: int) -> int:
    """A dimension that the window fits into."""
    return (size - 1) * dilation + g.integer(1, 8)


def image(g: Generator, options: dict[str, int], size: tuple[int, int]) -> tuple[int, int]:
    return (
        extent(g, size[0], options["dilationHFactor"]),
        extent(g, size[1], options["dilationWFactor"]),
    )


@operator("CONV_2D", WEIGHTED)
def conv_2d(g: Generator) -> Draft:
    options, size = window(g)
    height, width = image(g, options, size)
    channels, outputs = g.integer(1, 20), g.integer(1, 20)
    inputs = {
        "x": g.feed((g.integer(1, 2), height, width, channels)),
        "w": g.weights((outputs, *size, channels), axis=g.choice(0, None)),
        "b": g.bias(outputs),
    }
    return Draft("CONV_2D", inputs, "Conv2DOptions", options)


@operator("CONV_2D", REAL, "in groups")
def conv_2d_in_groups(g: Generator) -> Draft:
    options, size = window(g)
    options |= {"dilationHFactor": 1, "dilationWFactor": 1}
    height, width = image(g, options, size)
    groups, channels, outputs = g.integer(2, 4), g.integer(1, 8), g.integer(1, 8)
    inputs = {
        "x": g.feed((1, height, width, groups * channels)),
        "w": g.weights((groups * outputs, *size, channels)),
        "b": g.bias(groups * outputs),
    }
    return Draft("CONV_2D", inputs, "Conv2DOptions", options)


@operator("DEPTHWISE_CONV_2D", WEIGHTED)
def depthwise_conv_2d(g: Generator) -> Draft:
    options, size = window(g)
    height, width = image(g, options, size)
    options["strideW"] = options["strideH"]
    channels, multiplier = g.integer(1, 20), g.choice(1, 1, 2, 3)
    inputs = {
        "x": g.feed((g.integer(1, 2), height, width, channels)),
        "w": g.weights((1, *size, channels * multiplier), axis=3),
        "b": g.bias(channels * multiplier),
    }
    options["depthMultiplier"] = multiplier
    return Draft("DEPTHWISE_CONV_2D", inputs, "DepthwiseConv2DOptions", options)


@operator("CONV_3D", ("f32", "f16"))
def conv_3d(g: Generator) -> Draft:
    options, size = window(g)
    height, width = image(g, options, size)
    channels, outputs, layers = g.integer(1, 5), g.integer(1, 6), g.integer(1, 3)
    options["strideD"] = 1 if options["dilationHFactor"] > 1 else g.integer(1, 2)
    options["dilationDFactor"] = g.integer(1, 2) if options["strideD"] == 1 else 1
    depth = extent(g, layers, options["dilationDFactor"])
    inputs = {
        "x": g.feed((g.integer(1, 2), depth, height, width, channels)),
        "w": g.weights((layers, *size, channels, outputs), axis=None),
    }
    if g.flag():
        inputs["b"] = g.bias(outputs)
    return Draft("CONV_3D", inputs, "Conv3DOptions", options)


@operator("TRANSPOSE_CONV", ("f32", "f16", "u8", "i8", "i16"))
def transpose_conv(g: Generator) -> Draft:
    size, stride = (g.integer(1, 4), g.integer(1, 4)), (g.integer(1, 3), g.integer(1, 3))
    rows = (g.integer(1, 6), g.integer(1, 6))
    channels, outputs = g.integer(1, 12), g.integer(1, 12)
    padding = g.choice(SAME, VALID)
    target = [
        n * s if padding == SAME else (n - 1) * s + k
        for n, s, k in zip(rows, stride, size, strict=True)
    ]
    inputs = {
        "s": literal([1, *target, outputs]),
        "w": g.weights((outputs, *size, channels)),
        "x": g.feed((1, *rows, channels)),
    }
    order: tuple[str, ...] = ("s", "w", "x")
    if g.flag():
        inputs["b"] = g.bias(outputs)
        order = (*order, "b")
    parts = {"x": inputs["x"], **inputs}
    options = {"padding": padding, "strideH": stride[0], "strideW": stride[1]}
    return Draft("TRANSPOSE_CONV", parts, "TransposeConvOptions", options, order=order)


@operator("FULLY_CONNECTED", WEIGHTED)
def fully_connected(g: Generator) -> Draft:
    depth, units = g.integer(1, 40), g.integer(1, 20)
    keep = g.flag()
    leading = tuple(g.integer(1, 3) for _ in range(g.integer(1, 3)))
    inputs = {
        "x": g.feed((*leading, depth)),
        "w": g.weights((units, depth), axis=g.choice(0, None) if g.kind == "i8" else None),
        "b": g.bias(units),
    }
    options = {"keepNumDims": keep, "fusedActivationFunction": g.activation()}
    return Draft("FULLY_CONNECTED", inputs, "FullyConnectedOptions", options)


@operator("BATCH_MATMUL", ("f32", "i8", "i16"))
def batch_matmul(g: Generator) -> Draft:
    rows, depth, columns = g.integer(1, 8), g.integer(1, 12), g.integer(1, 8)
    batch = tuple(g.integer(1, 3) for _ in range(g.integer(0, 2)))
    x_turned, y_turned = g.flag(), g.flag()
    inputs = {
        "x": g.feed((*batch, depth, rows) if x_turned else (*batch, rows, depth)),
        "w": g.feed((*batch, columns, depth) if y_turned else (*batch, depth, columns)),
    }
    options = {"adjX": x_turned, "adjY": y_turned}
    return Draft("BATCH_MATMUL", inputs, "BatchMatMulOptions", options)


def pool(g: Generator, name: str, coding: str) -> Draft:
    options, size = window(g)
    height, width = image(g, options, size)
    inputs = {"x": g.feed((g.integer(1, 2), height, width, g.integer(1, 20)))}
    fields = {
        "padding": options["padding"],
        "strideH": options["strideH"],
        "strideW": options["strideW"],
        "filterHeight": size[0],
        "filterWidth": size[1],
        "fusedActivationFunction": options["fusedActivationFunction"],
    }
    return Draft(name, inputs, "Pool2DOptions", fields, coding=coding)


@operator("AVERAGE_POOL_2D", REAL)
def average_pool_2d(g: Generator) -> Draft:
    return pool(g, "AVERAGE_POOL_2D", "same")


@operator("MAX_POOL_2D", REAL)
def max_pool_2d(g: Generator) -> Draft:
    return pool(g, "MAX_POOL_2D", "same")


@operator("L2_POOL_2D", ("f32",))
def l2_pool_2d(g: Generator) -> Draft:
    return pool(g, "L2_POOL_2D", "free")
