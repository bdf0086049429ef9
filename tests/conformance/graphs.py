# SPDX-License-Identifier: Apache-2.0
"""Random small graphs: each step picks an action and values it fits."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from octet.web.cases import Array, Case
from tests.conformance.graph_values import FLOATS, Value, Writer

Action = Callable[[Writer, Value], Any]


@dataclass(frozen=True)
class Graph:
    """A graph and what its outputs must be."""

    case: Case
    outputs: list[Value]

    def problem(self, got: dict[str, Array]) -> str | None:
        """What is wrong with an output, or None."""
        for value in self.outputs:
            y, name = got[value.operand.name], value.operand.name
            if (y.dtype.name, y.shape) != (value.dtype, value.shape):
                return f"{name}: got {y.dtype}{y.shape}, expected {value.dtype}{value.shape}"
            if y.dtype.kind != "f":
                off = np.abs(y.astype(np.float64) - value.array.astype(np.float64))
                wrong = off > value.error if value.error else y != value.array
            else:
                off = np.abs(y.astype(np.float64) - value.array)
                wrong = ~(off <= value.error)
            if np.any(wrong):
                at = int(np.argmax(wrong))
                pair = f"got {y.ravel()[at]!r}, expected {value.array.ravel()[at]!r}"
                return f"{name}[{at}]: {pair} within {value.error:g}"
        return None


SHAPES: Sequence[tuple[int, ...]] = [
    *((), (3,), (2, 3), (4, 8), (1, 5), (2, 3, 4), (1, 4, 4, 3), (2, 5, 6, 2), (1, 3, 8, 8)),
]


def make_graph(seed: int, choices: Sequence[int]) -> Graph:
    """Return the graph of a seed, with a step for each of ``choices``."""
    w = Writer(np.random.default_rng(seed))
    kinds = ["float32", "float32", "uint8", "int8", "float16", "int32", "int64"]
    first = kinds[seed % len(kinds)]
    pool = [_source(w, first, SHAPES[int(w.rng.integers(len(SHAPES)))])]
    for choice in choices:
        w.rng = np.random.default_rng([seed, choice])
        recent = pool[-4:]
        value = recent[int(w.rng.integers(len(recent)))]
        order = [ACTIONS[choice % len(ACTIONS)], *w.rng.permutation(np.array(ACTIONS))]
        for action in order:
            made = action(w, value)
            if made:
                pool += made if isinstance(made, list) else [made]
                break
    unread = [v for v in w.made if v.operand.name not in w.used]
    also = [v for v in w.made if v not in unread][:1]
    return Graph(w.to.case([v.operand for v in [*unread, *also]]), [*unread, *also])


def _source(w: Writer, dtype: str, shape: Sequence[int], *, constant: bool = False) -> Value:
    """Numbers with few digits, mostly; or any."""
    if dtype not in FLOATS:
        limits = np.iinfo(dtype)
        numbers = w.rng.integers(limits.min, limits.max, shape, dtype, endpoint=True)
        if dtype in ("int32", "int64"):
            numbers = numbers % 17 - 8
        return w.number(dtype, numbers, constant=constant)
    if w.rng.random() < 0.3:
        return w.number(dtype, w.rng.uniform(-3, 3, shape), constant=constant)
    return w.number(dtype, w.rng.integers(-12, 13, shape) / 4, constant=constant)


def _other(w: Writer, like: Value) -> Value:
    """A value that broadcasts with another: itself, an earlier one, or a new one."""
    same = [v for v in w.made if v.dtype == like.dtype and v.shape == like.shape]
    if same and w.rng.random() < 0.5:
        return same[int(w.rng.integers(len(same)))]
    shape = [d if w.rng.random() < 0.7 else 1 for d in like.shape]
    shape = shape[int(w.rng.integers(len(shape) + 1)) :] if w.rng.random() < 0.3 else shape
    return _source(w, like.dtype, shape, constant=w.rng.random() < 0.6)


def _unary(op: str, **options: Any) -> Action:
    def action(w: Writer, v: Value) -> Any:
        return w.call(op, [v], options) if v.dtype in FLOATS else None

    return action


def _binary(op: str, *, floats: bool = False) -> Action:
    def action(w: Writer, v: Value) -> Any:
        if floats and v.dtype not in FLOATS:
            return None
        return w.call(op, [v, _other(w, v)])

    return action


def _divide(w: Writer, v: Value) -> Any:
    divisor = w.number(v.dtype, np.full((1,) * v.rank, w.rng.choice([1, 2, 4, 3])), constant=True)
    return w.call("div", [v, divisor])


def _compare(op: str) -> Action:
    def action(w: Writer, v: Value) -> Any:
        other = _other(w, v)
        if v.error or other.error:
            return None
        made = w.call(op, [v, other])
        return made and w.call("where", [made[0], v, other], dtype=v.dtype)

    return action


def _signed(op: str) -> Action:
    def action(w: Writer, v: Value) -> Any:
        return None if v.dtype == "uint8" else w.call(op, [v])

    return action


def _reshape(w: Writer, v: Value) -> Any:
    size = v.array.size
    shapes = [[size], [1, size], list(v.shape[::-1]), [1, *v.shape]]
    halves = [[2, size // 2], [size // 2, 2]] if size % 2 == 0 else []
    options = [s for s in [*shapes, *halves] if len(s) <= 5]
    return w.call("reshape", [v, options[int(w.rng.integers(len(options)))]])


def _transpose(w: Writer, v: Value) -> Any:
    return w.call("transpose", [v], {"permutation": w.rng.permutation(v.rank).tolist()})


def _slice(w: Writer, v: Value) -> Any:
    starts = [int(w.rng.integers(d)) for d in v.shape]
    sizes = [int(w.rng.integers(1, d - s + 1)) for s, d in zip(starts, v.shape, strict=True)]
    strides = [int(w.rng.integers(1, 3)) for _ in v.shape]
    return w.call("slice", [v, starts, sizes], {"strides": strides})


def _concat(w: Writer, v: Value) -> Any:
    if not v.rank:
        return None
    axis = int(w.rng.integers(v.rank))
    same = [o for o in w.made if o.dtype == v.dtype and o.shape == v.shape]
    other = same[0] if same else _source(w, v.dtype, v.shape)
    return w.call("concat", [[v, other], axis])


def _split(w: Writer, v: Value) -> Any:
    axes = [i for i, d in enumerate(v.shape) if d % 2 == 0]
    return w.call("split", [v, 2], {"axis": axes[-1]}) if axes else None


def _pad(w: Writer, v: Value) -> Any:
    before, after = (w.rng.integers(0, 2, v.rank).tolist() for _ in range(2))
    mode = str(w.rng.choice(["constant", "edge"]))
    return w.call("pad", [v, before, after], {"mode": mode, "value": 1})


def _reverse(w: Writer, v: Value) -> Any:
    return w.call("reverse", [v])


def _gather(w: Writer, v: Value) -> Any:
    if not v.rank:
        return None
    axis = int(w.rng.integers(v.rank))
    extent = v.shape[axis]
    indices = w.number("int32", w.rng.integers(-extent, extent, 3), constant=True)
    return w.call("gather", [v, indices], {"axis": axis}, dtype=v.dtype)


def _expand(w: Writer, v: Value) -> Any:
    shape = [2, *v.shape] if v.rank < 5 else list(v.shape)
    return w.call("expand", [v, shape]) if v.array.size < 500 else None


def _reduce(op: str) -> Action:
    def action(w: Writer, v: Value) -> Any:
        if v.dtype not in FLOATS and (op == "reduceMean" or v.dtype in ("uint8", "int8")):
            return None
        axes = [i for i in range(v.rank) if w.rng.random() < 0.5]
        return w.call(op, [v], {"axes": axes, "keepDimensions": bool(w.rng.integers(2))})

    return action


def _along(op: str) -> Action:
    def action(w: Writer, v: Value) -> Any:
        wanted = FLOATS if op == "softmax" else (*FLOATS, "int32", "int64")
        if not v.rank or (op != "argMax" and v.dtype not in wanted):
            return None
        return w.call(op, [v, int(w.rng.integers(v.rank))])

    return action


def _product(w: Writer, v: Value) -> Any:
    if v.dtype not in FLOATS or v.rank < 2:
        return None
    columns = int(w.rng.choice([1, 3, 8, 9]))
    matrix = _source(w, v.dtype, [v.shape[-1], columns], constant=w.rng.random() < 0.7)
    if v.rank > 2 or w.rng.random() < 0.5:
        return w.call("matmul", [v, matrix])
    bias = {"c": _source(w, v.dtype, [columns], constant=True)} if w.rng.random() < 0.5 else {}
    return w.call("gemm", [v, matrix], bias)


def _convolution(w: Writer, v: Value) -> Any:
    if v.dtype not in FLOATS or v.rank != 4 or min(v.shape[1:3]) < 2:
        return None
    channels = v.shape[3]
    options: dict[str, Any] = {"inputLayout": "nhwc", "padding": [1, 0, 1, 1]}
    if w.rng.random() < 0.4:
        filters = _source(w, v.dtype, [1, 2, 2, channels], constant=True)
        options |= {"groups": channels, "filterLayout": "ihwo"}
    else:
        filters = _source(w, v.dtype, [5, 2, 2, channels], constant=True)
        options |= {"filterLayout": "ohwi", "strides": [1, 2]}
    out = channels if "groups" in options else 5
    if w.rng.random() < 0.6:
        options["bias"] = _source(w, v.dtype, [out], constant=True)
    return w.call("conv2d", [v, filters], options)


def _pool(op: str) -> Action:
    def action(w: Writer, v: Value) -> Any:
        known = v.dtype in FLOATS or op == "maxPool2d"
        if not known or v.rank != 4 or min(v.shape[1:3]) < 2:
            return None
        options = {"windowDimensions": [2, 2], "strides": [2, 1], "layout": "nhwc"}
        return w.call(op, [v], {**options, "outputShapeRounding": "ceil"})

    return action


def _resample(mode: str) -> Action:
    def action(w: Writer, v: Value) -> Any:
        if v.dtype not in FLOATS or v.rank != 4 or v.array.size > 400:
            return None
        sizes = [int(2 * v.shape[1]), int(v.shape[2] + 1)]
        return w.call("resample2d", [v], {"mode": mode, "sizes": sizes, "axes": [1, 2]})

    return action


def _to_integers(w: Writer, v: Value) -> Any:
    if v.dtype not in FLOATS or v.error or (v.array < -1000).any():
        return None
    return w.call("cast", [v, "int32"], dtype="int32")


def _to_floats(w: Writer, v: Value) -> Any:
    return w.call("cast", [v, "float32"], dtype="float32")


def _parameters(w: Writer, v: Value, dtype: str, real: str, power: int) -> list[Value]:
    ones = (1,) * v.rank
    low, high = (0, 256) if dtype == "uint8" else (-128, 128)
    zero_point = 0 if w.rng.random() < 0.3 else int(w.rng.integers(low, high))
    scale = w.number(real, np.full(ones, 2.0**power), constant=True)
    return [scale, w.number(dtype, np.full(ones, zero_point), constant=True)]


def _quantize(w: Writer, v: Value) -> Any:
    if v.dtype != "float32":
        return None
    power = int(w.rng.integers(-4, 3))
    if v.error > 2.0**power / 4:
        return None
    dtype = str(w.rng.choice(["uint8", "int8"]))
    scale, zero = _parameters(w, v, dtype, "float32", power)
    made = w.call(
        "quantizeLinear",
        [Value(v.operand, v.dtype, v.array, digits=v.digits), scale, zero],
        dtype=dtype,
    )
    # Where the argument is not exact, or ties of its sum go up, the next number is right, too.
    near = 1.0 if v.error or v.sums else 0.0
    if made and near:
        made = [Value(made[0].operand, dtype, made[0].array, near, 0)]
        w.made[-1] = made[0]
    return made


def _dequantize(w: Writer, v: Value) -> Any:
    if v.dtype not in ("uint8", "int8"):
        return None
    power = int(w.rng.integers(-5, 0))
    scale, zero = _parameters(w, v, v.dtype, "float32", power)
    made = w.call("dequantizeLinear", [v, scale, zero], dtype="float32")
    if made and v.error:
        made = [Value(made[0].operand, "float32", made[0].array, v.error * 2.0**power, None)]
        w.made[-1] = made[0]
    return made


def _quantized(inner: Action) -> Action:
    """Dequantize → inner → quantize, as quantized networks have it."""

    def action(w: Writer, v: Value) -> Any:
        real = _dequantize(w, v)
        if not real:
            return None
        computed = inner(w, real[0])
        return (computed and _quantize(w, computed[0])) or computed or real

    return action


def _weights(w: Writer, v: Value) -> Any:
    """A convolution or product whose weights are dequantized constants."""
    if v.rank not in (2, 4) or v.dtype != "float32" or (v.rank == 4 and min(v.shape[1:3]) < 2):
        return None
    shape = [v.shape[1], 6] if v.rank == 2 else [6, 2, 2, v.shape[3]]
    stored = w.number("int8", w.rng.integers(-128, 128, shape), constant=True)
    real = _dequantize(w, stored)
    if not real:
        return None
    w.made.remove(real[0])
    if v.rank == 2:
        return w.call("gemm", [v, real[0]])
    return w.call("conv2d", [v, real[0]], {"inputLayout": "nhwc", "filterLayout": "ohwi"})


INNER: list[Action] = [
    *(_weights, _weights, _convolution, _product, _binary("add"), _binary("mul"), _unary("relu")),
    *(_pool("averagePool2d"), _pool("maxPool2d"), _concat, _transpose, _reshape, _pad, _slice),
    *(_unary("sigmoid"), _unary("tanh"), _unary("clamp", minValue=-1, maxValue=2), _binary("sub")),
    *(_reduce("reduceMean"), _along("softmax"), _resample("linear"), _unary("hardSwish"), _gather),
]

ACTIONS: list[Action] = [
    *(_binary("add"), _binary("sub"), _binary("mul"), _binary("max"), _binary("min"), _divide),
    *(_binary("prelu", floats=True), _compare("equal"), _compare("greater"), _compare("lesser")),
    *(_unary(op) for op in ("relu", "sigmoid", "tanh", "softplus", "softsign", "gelu", "elu")),
    *(_unary(op) for op in ("hardSwish", "hardSigmoid", "leakyRelu", "floor", "ceil", "roundEven")),
    *(_unary("clamp", minValue=-1, maxValue=1.5), _unary("linear", alpha=0.5, beta=0.25)),
    *(_signed("abs"), _signed("neg"), _signed("sign"), _quantize, _dequantize),
    *(_reshape, _transpose, _slice, _concat, _split, _pad, _reverse, _gather, _expand),
    *(_reduce(f"reduce{name}") for name in ("Sum", "Mean", "Max", "Min", "L1", "SumSquare")),
    *(_along("softmax"), _along("argMax"), _along("cumulativeSum"), _product, _convolution),
    *(_pool("averagePool2d"), _pool("maxPool2d"), _resample("nearest-neighbor")),
    *(_resample("linear"), _to_integers, _to_floats, _weights),
    *(_quantized(inner) for inner in INNER),
]
