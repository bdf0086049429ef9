# SPDX-License-Identifier: Apache-2.0
"""What is folded into weights, fused or computed at conversion leaves the numbers as they were."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pytest
from onnx import helper

from octet.onnx.convert import convert_onnx
from octet.tflite.types import Array
from tests.onnx.operator_cases import numbers
from tests.onnx.small_models import convert_and_run, model_bytes, run_onnx

TOLERANCE = 1e-5
"""Of the largest output: float32 sums in another order."""

IMAGE = {"x": numbers(1, 4, 7, 6)}
ROWS = {"x": numbers(3, 6)}
KERNEL = {"w": numbers(5, 4, 3, 3, seed=1)}
DEEP = {"w": numbers(4, 5, 3, 3, seed=1)}
MATRIX = {"w": numbers(6, 5, seed=1)}
NORM = {
    name: numbers(5, low=0.3, high=2, seed=i) for i, name in enumerate(("scale", "shift", "m", "v"))
}

LAYOUT = {"TRANSPOSE", "RESHAPE"}


def node(op: str, inputs: str, output: str, **attributes: Any) -> Any:
    return helper.make_node(op, inputs.split(), [output], **attributes)


CONV = node("Conv", "x w", "a", pads=[1, 1, 1, 1])

CASES: dict[str, tuple[Mapping[str, Array], Mapping[str, Array], Sequence[Any], list[str]]] = {
    "conv norm relu": (
        IMAGE,
        KERNEL | NORM,
        [CONV, node("BatchNormalization", "a scale shift m v", "b"), node("Relu", "b", "y")],
        ["CONV_2D"],
    ),
    "conv mul add": (
        IMAGE,
        KERNEL | {"f": numbers(5, 1, 1), "s": numbers(1, 5, 1, 1)},
        [CONV, node("Mul", "a f", "b"), node("Add", "s b", "y")],
        ["CONV_2D"],
    ),
    "conv sub div by one number": (
        IMAGE,
        KERNEL | {"f": np.array(1.5, np.float32), "s": np.array([[[[2]]]], np.float32)},
        [CONV, node("Sub", "a s", "b"), node("Div", "b f", "y")],
        ["CONV_2D"],
    ),
    "number minus conv is no bias": (
        IMAGE,
        KERNEL | {"s": numbers(5, 1, 1)},
        [CONV, node("Sub", "s a", "y")],
        ["CONV_2D", "SUB"],
    ),
    "a constant per place": (
        IMAGE,
        KERNEL | {"s": numbers(7, 6)},
        [CONV, node("Add", "a s", "y")],
        ["CONV_2D", "ADD"],
    ),
    "a constant with more dimensions": (
        IMAGE,
        KERNEL | {"s": numbers(1, 1, 1, 1, 1)},
        [CONV, node("Add", "a s", "y")],
        ["CONV_2D", "ADD"],
    ),
    "deconvolution and norm": (
        IMAGE,
        DEEP | NORM,
        [
            node("ConvTranspose", "x w", "a", strides=[2, 2]),
            node("BatchNormalization", "a scale shift m v", "y"),
        ],
        ["TRANSPOSE_CONV"],
    ),
    "matmul with bias": (
        ROWS,
        MATRIX | {"s": numbers(5)},
        [node("MatMul", "x w", "a"), node("Add", "a s", "b"), node("Relu", "b", "y")],
        ["FULLY_CONNECTED"],
    ),
    "gemm and norm": (
        ROWS,
        MATRIX | NORM | {"s": numbers(5)},
        [node("Gemm", "x w s", "a"), node("BatchNormalization", "a scale shift m v", "y")],
        ["FULLY_CONNECTED"],
    ),
    "two readers": (
        IMAGE,
        KERNEL | {"f": numbers(5, 1, 1)},
        [CONV, node("Mul", "a f", "b"), node("Add", "a b", "y")],
        ["CONV_2D", "MUL", "ADD"],
    ),
    "transposes around an image cancel out": (
        {"x": numbers(1, 7, 6, 4)},
        {"w": numbers(5, 4, 3, 3, seed=1)},
        [
            node("Transpose", "x", "c", perm=[0, 3, 1, 2]),
            node("Conv", "c w", "a"),
            node("Transpose", "a", "y", perm=[0, 2, 3, 1]),
        ],
        ["CONV_2D"],
    ),
    "shapes are computed once": (
        IMAGE,
        {"one": np.array([1], np.int64), "all": np.array([-1], np.int64)},
        [
            node("Shape", "x", "shape"),
            node("Gather", "shape one", "rows", axis=0),
            node("Concat", "rows all", "wanted", axis=0),
            node("Reshape", "x wanted", "y"),
        ],
        [],
    ),
    "shuffled channels": (
        IMAGE,
        {
            "split": np.array([1, 2, 2, 7, 6], np.int64),
            "join": np.array([1, 4, 7, 6], np.int64),
            "w": numbers(4, 4, 1, 1),
        },
        [
            node("Reshape", "x split", "a"),
            node("Transpose", "a", "b", perm=[0, 2, 1, 3, 4]),
            node("Reshape", "b join", "c"),
            node("Conv", "c w", "y"),
        ],
        ["CONV_2D"],
    ),
}


@pytest.mark.parametrize("keep_layout", [False, True], ids=["nhwc", "nchw"])
@pytest.mark.parametrize("name", CASES)
def test_graph(name: str, keep_layout: bool) -> None:
    feeds, constants, nodes, kinds = CASES[name]
    data = model_bytes(nodes, feeds, constants, ["y"], opset=13)
    (expected,) = run_onnx(data, feeds)
    model, (found,) = convert_and_run(data, feeds, keep_layout=keep_layout)
    assert found.shape == expected.shape
    np.testing.assert_allclose(
        found, expected, rtol=0, atol=TOLERANCE * max(1, np.abs(expected).max())
    )
    made = [model.operator_name(operator) for operator in model.operators]
    assert [kind for kind in made if kind not in LAYOUT] == kinds


def test_transposes_around_an_image_are_not_there() -> None:
    feeds, constants, nodes, kinds = CASES["transposes around an image cancel out"]
    model = convert_onnx(model_bytes(nodes, feeds, constants, ["y"]), "small.onnx")
    assert [model.operator_name(operator) for operator in model.operators] == kinds
