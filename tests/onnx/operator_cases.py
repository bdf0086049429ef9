# SPDX-License-Identifier: Apache-2.0
"""A table of ONNX operators with attributes and shapes at the borders of what differs in TFLite.

Sizes of a shape differ from one another wherever they may, so that a wrong order of dimensions
cannot go unseen.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from octet.tflite.types import Array
from tests.onnx.small_models import Constant, Input, OneOperator

IMAGE = (1, 4, 7, 6)


def numbers(*shape: int, low: float = -3, high: float = 3, seed: int = 0) -> Array:
    """Return uniform float32 numbers."""
    generator = np.random.default_rng([seed, *shape])
    return generator.uniform(low, high, shape).astype(np.float32)


def weights(*shape: int) -> Constant:
    """Return a constant of random numbers of about a layer's size."""
    return Constant(numbers(*shape, low=-0.5, high=0.5, seed=1))


def ints(*values: int) -> Constant:
    """Return a constant int64 vector."""
    return Constant(np.array(values, np.int64))


def floats(*values: float) -> Constant:
    """Return a constant float32 vector."""
    return Constant(np.array(values, np.float32))


def scalar(value: float) -> Constant:
    """Return a constant float32 without dimensions."""
    return Constant(np.array(value, np.float32))


def all_cases() -> dict[str, OneOperator]:
    """Return the cases by name: the operator and a number."""
    found: dict[str, OneOperator] = {}
    counts: dict[str, int] = {}
    for family in (_elementwise, _logical, _products, _pools, _movement, _reductions, _resizes):
        for case in family():
            counts[case.op] = counts.get(case.op, 0) + 1
            found[f"{case.op}_{counts[case.op]}"] = case
    return found


def _case(
    op: str, *inputs: Input, outputs: int = 1, opset: int = 17, **attributes: Any
) -> OneOperator:
    return OneOperator(op, inputs, attributes, outputs, opset)


def _elementwise() -> Iterator[OneOperator]:
    for op in ("Abs", "Ceil", "Cos", "Exp", "Floor", "HardSwish", "Identity", "Neg", "Relu"):
        yield _case(op, numbers(*IMAGE))
    for op in ("Round", "Sigmoid", "Sin", "Softplus", "Tanh", "Dropout"):
        yield _case(op, numbers(2, 5))
    yield _case("Round", np.array([-2.5, -1.5, -0.5, 0.5, 1.5, 2.5, 0.49], np.float32))
    for op in ("Log", "Sqrt", "Reciprocal"):
        yield _case(op, numbers(3, 4, 5, low=0.1))
    shapes: Sequence[tuple[tuple[int, ...], tuple[int, ...]]] = (
        (IMAGE, IMAGE),
        (IMAGE, (1, 4, 1, 1)),
        ((4, 1, 6), IMAGE),
        ((2, 5), (5,)),
        ((3, 1), (1, 4)),
    )
    for op in ("Add", "Sub", "Mul", "Div", "Max", "Min"):
        for a, b in shapes:
            yield _case(op, numbers(*a), numbers(*b, low=0.5, seed=2))
        yield _case(op, numbers(*IMAGE), Constant(numbers(4, 1, 1, low=0.5)))
        yield _case(op, scalar(2), numbers(3, 4))
    yield _case("Sub", Constant(numbers(1, 4, 1, 1)), numbers(*IMAGE))
    for op in ("Max", "Min", "Sum"):
        yield _case(op, numbers(3, 4), numbers(3, 4, seed=2), numbers(3, 4, seed=3))
        yield _case(op, numbers(3, 4))
    yield _case("Add", np.arange(6, dtype=np.int32), np.arange(6, dtype=np.int32))
    yield _case("Pow", numbers(3, 4, low=0.1), scalar(2))
    yield _case("Pow", numbers(*IMAGE, low=0.1), numbers(4, 1, 1))
    yield _case("Pow", numbers(2, 3), scalar(3))
    for low, high in ((0.0, 6.0), (-1.0, 1.0), (-0.5, 1.5), (0.0, None), (None, 1.0), (1.0, 2.0)):
        bounds = [None if bound is None else scalar(bound) for bound in (low, high)]
        yield _case("Clip", numbers(*IMAGE), *bounds)
    yield _case("Clip", numbers(2, 3), opset=6, min=-1.0, max=2.0)
    yield _case("Clip", numbers(2, 3), opset=6)
    yield _case("LeakyRelu", numbers(*IMAGE))
    yield _case("LeakyRelu", numbers(2, 3), alpha=0.25)
    for shape in ((4, 1, 1), (1,), (1, 4, 1, 1), (4, 7, 6)):
        yield _case("PRelu", numbers(*IMAGE), Constant(numbers(*shape, low=0, high=1)))
    yield _case("PRelu", numbers(2, 3), Constant(numbers(3, low=0, high=1)))
    yield _case("Elu", numbers(2, 3))
    yield _case("Elu", numbers(*IMAGE), alpha=0.5)
    yield _case("Gelu", numbers(2, 30), opset=20)
    yield _case("Gelu", numbers(2, 30), opset=20, approximate="tanh")
    yield _case("HardSigmoid", numbers(2, 30))
    yield _case("HardSigmoid", numbers(*IMAGE), alpha=1 / 6)
    yield _case("Identity", np.arange(5, dtype=np.int64))
    yield _case("Cast", numbers(2, 3), to=6)
    yield _case("Cast", np.arange(-3, 3, dtype=np.int32), to=1)
    yield _case("Cast", np.array([0, 1, 2], np.int64), to=9)


def _logical() -> Iterator[OneOperator]:
    for op in ("Equal", "Greater", "GreaterOrEqual", "Less", "LessOrEqual"):
        a = np.arange(24, dtype=np.float32).reshape(1, 2, 3, 4) % 5
        yield _case(op, a, np.ascontiguousarray(a[..., ::-1]))
        yield _case(op, a, scalar(2))
    bits = np.array([[False, True], [True, True]])
    yield _case("And", bits, bits[::-1].copy())
    yield _case("Or", bits, np.array([False, True]))
    yield _case("Not", bits)
    yield _case("Where", bits, numbers(2, 2), numbers(2, 2, seed=2))
    yield _case("Where", np.array([[[True]], [[False]]]), numbers(1, 2, 3, 4), scalar(0))
    yield _case("Where", numbers(2, 3) > 0, numbers(2, 3), numbers(3, seed=2))


def _products() -> Iterator[OneOperator]:
    image = numbers(*IMAGE)
    yield _case("Conv", image, weights(5, 4, 3, 3), weights(5))
    yield _case("Conv", image, weights(5, 4, 1, 1))
    yield _case("Conv", image, weights(5, 4, 3, 2), weights(5), pads=[1, 0, 1, 1])
    yield _case("Conv", image, weights(5, 4, 3, 3), pads=[1, 1, 1, 1], strides=[2, 2])
    yield _case("Conv", image, weights(5, 4, 3, 3), pads=[2, 2, 2, 2], dilations=[2, 2])
    yield _case("Conv", image, weights(5, 4, 5, 3), strides=[2, 1], pads=[2, 1, 1, 0])
    for auto in ("SAME_UPPER", "SAME_LOWER", "VALID"):
        yield _case("Conv", image, weights(5, 4, 2, 3), weights(5), auto_pad=auto, strides=[2, 2])
    yield _case("Conv", image, weights(6, 2, 3, 3), weights(6), group=2, pads=[1, 1, 1, 1])
    yield _case("Conv", image, weights(4, 1, 3, 3), weights(4), group=4, pads=[1, 1, 1, 1])
    yield _case("Conv", image, weights(8, 1, 3, 2), group=4, strides=[2, 2])
    yield _case("Conv", image, weights(4, 1, 3, 3), group=4, dilations=[2, 1])
    yield _case("Conv", numbers(2, 4, 9), weights(5, 4, 3), weights(5), pads=[1, 1])
    yield _case("Conv", numbers(1, 4, 9), weights(4, 1, 3), group=4, strides=[2])
    for attributes in (
        {},
        {"strides": [2, 2]},
        {"strides": [2, 2], "pads": [1, 1, 1, 1]},
        {"strides": [2, 2], "pads": [1, 1, 1, 1], "output_padding": [1, 1]},
        {"strides": [2, 2], "auto_pad": "SAME_UPPER"},
        {"strides": [3, 2], "pads": [0, 1, 2, 0]},
        {"strides": [2, 2], "output_shape": [14, 12]},
    ):
        yield _case("ConvTranspose", image, weights(4, 5, 3, 3), weights(5), **attributes)
    yield _case("ConvTranspose", image, weights(4, 5, 2, 2), strides=[2, 2])
    yield _case("ConvTranspose", image, weights(4, 5, 1, 1))
    yield _case("ConvTranspose", image, weights(4, 5, 4, 4), strides=[2, 2], pads=[1, 1, 1, 1])
    yield _case("Gemm", numbers(2, 6), weights(6, 5), weights(5))
    yield _case("Gemm", numbers(2, 6), weights(5, 6), weights(5), transB=1, alpha=0.5, beta=2.0)
    yield _case("Gemm", numbers(2, 6), weights(6, 5), scalar(0.25))
    yield _case("Gemm", numbers(2, 6), weights(6, 5))
    yield _case("Gemm", numbers(6, 2), weights(6, 5), weights(1, 5), transA=1)
    yield _case("Gemm", numbers(2, 6), numbers(6, 5, seed=4), numbers(5))
    yield _case("Gemm", numbers(2, 6), weights(6, 5), weights(2, 5))
    yield _case("Gemm", numbers(5, 6), weights(5, 6), weights(5, 1), transB=1, beta=0.5)
    computed: dict[str, Any] = {"transB": 1, "alpha": 0.5, "beta": 2.0}
    yield _case("Gemm", numbers(2, 6), numbers(5, 6, seed=4), numbers(2, 1), **computed)
    yield _case("MatMul", numbers(2, 6), weights(6, 5))
    yield _case("MatMul", numbers(3, 2, 6), weights(6, 5))
    yield _case("MatMul", numbers(2, 6), numbers(6, 5, seed=4))
    yield _case("MatMul", numbers(2, 3, 4, 6), numbers(3, 6, 5, seed=4))
    yield _case("MatMul", numbers(3, 4, 6), weights(3, 6, 5))
    yield _case("MatMul", weights(4, 6), numbers(6, 5))


def _pools() -> Iterator[OneOperator]:
    image = numbers(*IMAGE)
    shapes: Sequence[dict[str, Any]] = (
        {"kernel_shape": [2, 2]},
        {"kernel_shape": [3, 2], "strides": [2, 2]},
        {"kernel_shape": [3, 3], "strides": [2, 2], "pads": [1, 1, 1, 1]},
        {"kernel_shape": [3, 3], "pads": [1, 1, 1, 1]},
        {"kernel_shape": [3, 3], "strides": [2, 2], "ceil_mode": 1},
        {"kernel_shape": [2, 2], "strides": [2, 2], "auto_pad": "SAME_UPPER"},
        {"kernel_shape": [2, 2], "auto_pad": "SAME_LOWER"},
        {"kernel_shape": [3, 3], "strides": [2, 2], "pads": [0, 0, 1, 1]},
    )
    for attributes in shapes:
        yield _case("MaxPool", numbers(*IMAGE, high=-1), **attributes)
        yield _case("AveragePool", image, **attributes)
    for attributes in shapes[2:4]:
        yield _case("AveragePool", image, count_include_pad=1, **attributes)
    yield _case("AveragePool", image, opset=19, count_include_pad=1, ceil_mode=1, **shapes[2])
    for op in ("GlobalAveragePool", "GlobalMaxPool"):
        yield _case(op, image)
        yield _case(op, numbers(2, 4, 5))


def _movement() -> Iterator[OneOperator]:
    image = numbers(*IMAGE)
    yield _case("Concat", image, numbers(1, 2, 7, 6), axis=1)
    yield _case("Concat", image, numbers(1, 4, 2, 6), image, axis=-2)
    yield _case("Concat", numbers(2, 3), Constant(numbers(2, 1)), axis=1)
    yield _case("DepthToSpace", numbers(1, 12, 2, 3), blocksize=2)
    yield _case("DepthToSpace", numbers(1, 12, 2, 3), blocksize=2, mode="CRD")
    yield _case("SpaceToDepth", numbers(1, 3, 4, 6), blocksize=2)
    yield _case("Expand", numbers(3, 1), ints(2, 3, 4))
    yield _case("Expand", numbers(1, 4, 1, 1), ints(1, 1, 7, 6))
    yield _case("Expand", numbers(3, 4), ints(1, 4))
    for axis in (0, 1, 2, -1):
        yield _case("Flatten", image, axis=axis)
    yield _case("Gather", image, ints(2, 0), axis=1)
    yield _case("Gather", numbers(5, 3), Constant(np.array(-2, np.int64)))
    yield _case("Gather", numbers(5, 3), Constant(np.array([[0, 4], [1, 1]], np.int64)), axis=0)
    yield _case("Gather", numbers(5, 3), np.array([3, 1], np.int64))
    yield _case("Pad", image, ints(0, 1, 2, 0, 0, 0, 1, 3))
    yield _case("Pad", image, ints(0, 0, 1, 1, 0, 0, 1, 1), scalar(-2))
    yield _case("Pad", image, ints(0, 0, 2, 1, 0, 0, 0, 3), mode="reflect")
    yield _case("Pad", image, ints(0, 0, 2, 1, 0, 0, 0, 3), mode="edge")
    yield _case("Pad", image, ints(0, 0, 2, 1, 0, 0, 0, 3), opset=19, mode="wrap")
    yield _case("Pad", image, ints(0, 0, -1, 1, 0, 0, 0, -2))
    yield _case("Pad", image, ints(0, 0, -1, 0, 0, -1, 0, -2))
    yield _case("Pad", image, ints(1, 2), None, ints(3), opset=18)
    yield _case("Pad", numbers(2, 3), opset=2, pads=[1, 0, 0, 2], value=1.5)
    yield _case("Reshape", image, ints(1, 4, -1))
    yield _case("Reshape", image, ints(0, -1))
    yield _case("Reshape", image, ints(1, 4, 1, 7, 6))
    yield _case("Reshape", numbers(1, 5, 1, 1), ints(1, 5))
    for starts, ends, axes, steps in (
        ([1], [3], [1], [1]),
        ([0, 1], [4, 100], [2, 3], [2, 1]),
        ([-1], [-100], [2], [-1]),
        ([-3, 5], [-1, 0], [1, 3], [1, -2]),
    ):
        yield _case("Slice", image, ints(*starts), ints(*ends), ints(*axes), ints(*steps))
    yield _case("Slice", image, ints(0, 1), ints(1, 3))
    yield _case("Slice", numbers(3, 4), opset=9, starts=[1], ends=[4], axes=[1])
    yield _case("Split", image, ints(1, 3), outputs=2, axis=1)
    yield _case("Split", numbers(6, 2), outputs=3)
    yield _case("Split", numbers(4, 6), outputs=2, opset=11, axis=1, split=[4, 2])
    yield _case("Squeeze", numbers(1, 4, 1, 5), ints(2))
    yield _case("Squeeze", numbers(1, 4, 1, 5))
    yield _case("Squeeze", numbers(1, 4, 1, 5), opset=11, axes=[0])
    yield _case("Tile", image, ints(1, 2, 1, 3))
    yield _case("Tile", numbers(2, 3), ints(2, 2))
    yield _case("Transpose", image, perm=[0, 2, 3, 1])
    yield _case("Transpose", image, perm=[3, 1, 0, 2])
    yield _case("Transpose", numbers(2, 3, 4))
    yield _case("Unsqueeze", numbers(4, 5), ints(0, 3))
    yield _case("Unsqueeze", numbers(4, 5), opset=11, axes=[1])


def _reductions() -> Iterator[OneOperator]:
    image = numbers(*IMAGE)
    for op in ("ReduceMax", "ReduceMean", "ReduceMin", "ReduceProd"):
        yield _case(op, image, axes=[2, 3], opset=13)
        yield _case(op, image, axes=[1], keepdims=0, opset=13)
        yield _case(op, numbers(2, 3), opset=13)
        yield _case(op, numbers(2, 3), ints(-1), keepdims=0, opset=18)
    yield _case("ReduceSum", image, ints(2, 3))
    yield _case("ReduceSum", image, ints(1, -1), keepdims=0)
    yield _case("ReduceSum", numbers(2, 3), noop_with_empty_axes=1)
    yield _case("ReduceSum", numbers(2, 3), opset=11, axes=[0])
    for op in ("ArgMax", "ArgMin"):
        yield _case(op, image, axis=1)
        yield _case(op, image, axis=2, keepdims=0)
        yield _case(op, numbers(2, 9), axis=-1, keepdims=0)
    for op in ("Softmax", "LogSoftmax"):
        yield _case(op, numbers(2, 9))
        yield _case(op, image, axis=1)
        yield _case(op, image, axis=2)
        yield _case(op, image, opset=11)
        yield _case(op, numbers(2, 9, 1, 1), opset=11)
        yield _case(op, numbers(2, 3, 4), opset=11, axis=2)
    four = [Constant(numbers(4, low=0.2, high=2, seed=s)) for s in range(4)]
    yield _case("BatchNormalization", image, *four)
    yield _case("BatchNormalization", numbers(2, 4), *four, epsilon=1e-3)
    yield _case("BatchNormalization", numbers(2, 4, 5), *four)
    yield _case("InstanceNormalization", image, four[0], four[1])
    yield _case("InstanceNormalization", numbers(2, 4, 5), four[0], four[1], epsilon=1e-2)
    last = [Constant(numbers(6, seed=s)) for s in range(2)]
    yield _case("LayerNormalization", numbers(2, 3, 6), *last)
    yield _case("LayerNormalization", image, last[0])
    yield _case("LayerNormalization", image, Constant(numbers(7, 6)), axis=-2)
    yield _case("LRN", image, size=3)
    yield _case("LRN", image, size=5, alpha=0.5, beta=0.5, bias=2.0)


def _resizes() -> Iterator[OneOperator]:
    image = numbers(1, 3, 4, 5)
    empty = Constant(np.zeros(0, np.float32))
    double = floats(1, 1, 2, 2)
    for where in ("asymmetric", "half_pixel", "pytorch_half_pixel", "align_corners"):
        attributes: dict[str, Any] = {"mode": "linear", "coordinate_transformation_mode": where}
        yield _case("Resize", image, None, double, **attributes)
        yield _case("Resize", image, empty, empty, ints(1, 3, 7, 3), **attributes)
    for where in ("asymmetric", "half_pixel", "align_corners"):
        for rounding in ("round_prefer_floor", "round_prefer_ceil", "floor", "ceil"):
            yield _case(
                "Resize",
                image,
                None,
                None,
                ints(1, 3, 9, 10),
                mode="nearest",
                nearest_mode=rounding,
                coordinate_transformation_mode=where,
            )
    yield _case("Resize", image, double, opset=10)
    yield _case("Resize", image, double, opset=10, mode="linear")
    yield _case("Resize", image, None, floats(1, 1, 0.5, 0.6))
    yield _case("Upsample", image, double, opset=9)
    yield _case("Upsample", image, floats(1, 1, 3, 2), opset=9, mode="linear")
    yield _case("Upsample", image, opset=7, scales=[1.0, 1.0, 2.0, 2.0])
