# SPDX-License-Identifier: Apache-2.0
"""Convolutions, pools, resampling: layouts, groups, strides, dilations, paddings, roundings."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from tests.conformance.own.case import ANY, FLOAT, SEED, OwnCase, Rng, Shape, numbers

CONVOLUTIONS: list[tuple[Shape, Shape, dict[str, Any]]] = [
    ([1, 1, 3, 3], [1, 1, 2, 2], {}),
    ([1, 3, 1, 1], [2, 3, 1, 1], {}),
    ([2, 3, 5, 4], [4, 3, 3, 3], {"padding": [1, 1, 1, 1]}),
    ([1, 2, 7, 7], [3, 2, 3, 3], {"strides": [2, 2], "padding": [0, 1, 1, 0]}),
    ([1, 2, 7, 6], [2, 2, 2, 3], {"dilations": [2, 2]}),
    ([1, 4, 4, 4], [4, 1, 3, 3], {"groups": 4, "padding": [1, 1, 1, 1]}),
    ([1, 2, 5, 5], [4, 1, 3, 3], {"groups": 2, "strides": [1, 2]}),
    ([1, 6, 3, 3], [4, 3, 2, 1], {"groups": 2}),
    ([2, 9, 3, 3], [9, 9, 1, 1], {}),
    ([1, 17, 2, 2], [8, 17, 1, 1], {"strides": [2, 1]}),
    ([1, 8, 9, 9], [8, 1, 3, 3], {"groups": 8, "strides": [2, 2], "padding": [1, 1, 1, 1]}),
    ([1, 3, 6, 6], [16, 3, 3, 3], {"strides": [2, 2], "padding": [0, 1, 0, 1]}),
    ([1, 1, 5, 1], [1, 1, 5, 1], {"padding": [4, 4, 0, 0]}),
    ([1, 5, 4, 4], [5, 1, 2, 2], {"groups": 5, "dilations": [2, 1]}),
]

TRANSPOSED: list[tuple[Shape, Shape, dict[str, Any]]] = [
    ([1, 1, 2, 2], [1, 1, 3, 3], {}),
    ([1, 2, 3, 3], [2, 3, 2, 2], {"strides": [2, 2]}),
    ([2, 1, 3, 2], [1, 2, 3, 3], {"strides": [3, 2], "padding": [1, 1, 1, 1]}),
    ([1, 1, 3, 3], [1, 2, 3, 3], {"strides": [3, 2], "outputPadding": [1, 1]}),
    ([1, 1, 3, 3], [1, 2, 3, 3], {"strides": [3, 2], "outputSizes": [10, 8]}),
    ([1, 2, 3, 3], [2, 1, 3, 3], {"dilations": [2, 2], "padding": [1, 0, 0, 1]}),
    ([1, 4, 2, 3], [4, 1, 2, 2], {"groups": 4}),
    ([1, 4, 3, 2], [4, 3, 2, 1], {"groups": 2, "strides": [1, 2]}),
    ([1, 3, 1, 1], [3, 5, 1, 1], {}),
    ([1, 2, 4, 4], [2, 2, 3, 3], {"padding": [3, 2, 2, 3], "strides": [2, 2]}),
    ([1, 8, 2, 2], [8, 8, 4, 4], {"strides": [2, 2], "padding": [1, 1, 1, 1]}),
    ([1, 1, 1, 5], [1, 1, 1, 3], {"strides": [1, 3], "outputPadding": [0, 2]}),
]

LAYOUTS = {"conv2d": ["oihw", "hwio", "ohwi", "ihwo"], "convTranspose2d": ["iohw", "hwoi", "ohwi"]}

POOLS: list[tuple[Shape, dict[str, Any]]] = [
    ([1, 1, 3, 3], {}),
    ([2, 3, 4, 4], {"windowDimensions": [2, 2]}),
    ([1, 2, 5, 5], {"windowDimensions": [3, 3], "strides": [2, 2]}),
    ([1, 2, 5, 5], {"windowDimensions": [3, 3], "padding": [1, 1, 1, 1]}),
    ([1, 2, 5, 5], {"windowDimensions": [2, 2], "strides": [2, 2], "outputShapeRounding": "ceil"}),
    ([1, 2, 5, 5], {"windowDimensions": [2, 2], "strides": [2, 2], "outputSizes": [3, 3]}),
    ([1, 2, 5, 5], {"windowDimensions": [2, 2], "strides": [2, 2], "outputSizes": [2, 2]}),
    ([1, 1, 7, 6], {"windowDimensions": [2, 3], "dilations": [2, 2]}),
    ([1, 9, 4, 3], {"windowDimensions": [1, 1]}),
    ([1, 3, 1, 8], {"windowDimensions": [1, 3], "padding": [0, 0, 2, 1], "strides": [1, 2]}),
    ([2, 4, 6, 6], {"windowDimensions": [3, 2], "strides": [3, 2], "padding": [1, 0, 0, 1]}),
    ([1, 17, 4, 4], {"windowDimensions": [4, 4]}),
    ([1, 2, 7, 7], {"windowDimensions": [3, 3], "strides": [3, 3], "outputShapeRounding": "ceil"}),
]

RESAMPLES: list[tuple[Shape, dict[str, Any]]] = [
    ([1, 1, 2, 2], {}),
    ([1, 1, 2, 2], {"scales": [2.0, 2.0]}),
    ([1, 2, 3, 4], {"sizes": [6, 8]}),
    ([1, 2, 4, 4], {"sizes": [2, 2]}),
    ([1, 2, 5, 3], {"sizes": [3, 7]}),
    ([1, 2, 5, 3], {"scales": [0.5, 1.5]}),
    ([2, 3, 4, 1], {"sizes": [6, 5], "axes": [1, 2]}),
    ([2, 3, 1, 4], {"sizes": [4, 3], "axes": [0, 1]}),
    ([2, 3, 2, 4], {"sizes": [3, 5], "axes": [0, 3]}),
    ([1, 3, 4, 2], {"sizes": [5, 2], "axes": [3, 1]}),
    ([1, 1, 7, 7], {"sizes": [1, 1]}),
    ([1, 4, 1, 1], {"sizes": [3, 3]}),
    ([1, 1, 3, 3], {"scales": [1.5, 2.5]}),
]


def cases() -> Iterator[OwnCase]:
    """All cases of the family."""
    rng = np.random.default_rng(SEED + 3)
    for dtype in FLOAT:
        for i, (shape, filters, options) in enumerate(CONVOLUTIONS):
            yield _convolution(rng, "conv2d", dtype, shape, filters, options, i)
            yield _convolution(rng, "conv2d", dtype, shape, filters, options, i + 1)
        for i, (shape, filters, options) in enumerate(TRANSPOSED):
            yield _convolution(rng, "convTranspose2d", dtype, shape, filters, options, i)
            yield _convolution(rng, "convTranspose2d", dtype, shape, filters, options, i + 1)
    for dtype in ANY:
        for i, (shape, options) in enumerate(POOLS):
            yield from _pools(rng, dtype, shape, options, "nchw" if i % 2 else "nhwc")
    for dtype in (*FLOAT, "int8", "uint8"):
        for shape, options in RESAMPLES:
            x = numbers(rng, dtype, shape)
            yield OwnCase("resample2d", dtype, [x], options, exact="bits")
            linear = {"mode": "linear", **options}
            # Of whole numbers the W3C suite allows the next one.
            near = 0.0 if dtype in FLOAT else 1.0
            yield OwnCase("resample2d", dtype, [x], linear, units=8, spread=True, absolute=near)


def _convolution(
    rng: Rng, op: str, dtype: str, shape: Shape, filters: Shape, options: dict[str, Any], i: int
) -> OwnCase:
    plain, turned = LAYOUTS[op][0], LAYOUTS[op][i % len(LAYOUTS[op])]
    x, w = numbers(rng, dtype, shape, -2, 2), numbers(rng, dtype, filters, -2, 2)
    nhwc = i % 2 == 1
    layouts = {"inputLayout": "nhwc" if nhwc else "nchw", "filterLayout": turned}
    x = x.transpose(0, 2, 3, 1) if nhwc else x
    w = w.transpose([plain.index(axis) for axis in turned])
    groups = options.get("groups", 1)
    out = filters[0] if op == "conv2d" else filters[1] * groups
    bias = {"bias": numbers(rng, dtype, [out])} if i % 3 else {}
    # 2 * kernel height * kernel width * input channels per group
    terms = 2 * int(np.prod(filters)) // (filters[0] if op == "conv2d" else groups * filters[1])
    return OwnCase(op, dtype, [x, w], {**layouts, **options, **bias}, units=terms, spread=True)


def _pools(
    rng: Rng, dtype: str, shape: Shape, options: dict[str, Any], layout: str
) -> Iterator[OwnCase]:
    x = numbers(rng, dtype, shape)
    x = x.transpose(0, 2, 3, 1) if layout == "nhwc" else x
    named = {"layout": layout, **options}
    yield OwnCase("maxPool2d", dtype, [x], named, exact="equal")
    if dtype in FLOAT:
        window = options.get("windowDimensions", shape[2:])
        terms = int(np.prod(window)) + 2
        yield OwnCase("averagePool2d", dtype, [x], named, units=terms, spread=True)
        yield OwnCase("l2Pool2d", dtype, [x], named, units=terms)
