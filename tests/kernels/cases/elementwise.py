# SPDX-License-Identifier: Apache-2.0
"""Cases of elementwise operations and softmax."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import product

import numpy as np

from ..contract import Array, Struct
from .case import Case, Rng, bytes_of, floats, garbage, struct_of
from .filters import bounds, float_bounds, zero_points

BINARY = ("add", "sub", "mul", "div", "max", "min", "pow", "prelu")
UNARY = (
    *("clamp", "sigmoid", "exp", "tanh", "abs", "neg", "sign", "ceil", "floor", "round_even"),
    *("sqrt", "reciprocal", "log", "sin", "cos", "tan", "erf", "gelu", "elu", "softplus"),
    *("softsign", "linear", "leaky_relu", "hard_sigmoid", "hard_swish"),
)

# Around the vectors of 4, 8 and 16 lanes.
LENGTHS = (1, 2, 3, 4, 5, 7, 8, 9, 12, 15, 16, 17, 23, 24, 31, 32, 33, 64, 67)

# ---------------------------------------------------------------------------
# Broadcasting: the output's dims; for each operand the axes it repeats along

PIECE = 4096  # elements of a piece of the innermost dimension

BROADCASTS: list[tuple[tuple[int, ...], str, str]] = [
    ((), "", ""),
    *[((n,), "-", "-") for n in LENGTHS],
    *[((n,), a, b) for n in (1, 4, 7, 8, 9, 17) for a, b in (("-", "1"), ("1", "-"), ("1", "1"))],
    *[((n,), "-", "-") for n in (PIECE - 1, PIECE, PIECE + 1, 2 * PIECE + 3)],
    ((PIECE + 5,), "-", "1"),
    ((3, PIECE + 2), "--", "1-"),
    ((3, PIECE + 2), "-1", "--"),
    *[((3, n), "--", "1-") for n in (1, 5, 8, 17)],
    *[((3, n), "--", "-1") for n in (1, 5, 8, 17)],
    *[((3, n), "1-", "-1") for n in (3, 8, 9)],
    ((2, 3, 4), "--1", "1--"),
    ((2, 3, 5), "-1-", "11-"),
    ((2, 3, 2, 9), "----", "1--1"),
    ((2, 3, 2, 9), "-11-", "1--1"),
    ((2, 1, 3, 2, 5), "--1--", "-1-1-"),
    ((2, 1, 3, 2, 5), "11111", "-----"),
    ((2, 2, 1, 2, 3, 3), "-1-1-1", "1-1-1-"),
    ((2, 1, 2, 1, 2, 2, 3), "-------", "11-11-1"),
    ((2, 1, 2, 1, 2, 2, 1, 3), "-1-1-1-1", "1-1-1-1-"),
    ((2, 1, 2, 1, 2, 2, 1, 3), "--------", "--------"),
    ((1, 1, 1, 1, 1, 1, 1, 1), "--------", "11111111"),
]


def strides_of(dims: tuple[int, ...], repeated: str, gap: int = 1) -> tuple[tuple[int, ...], int]:
    """Return strides (0 along axes marked "1"), innermost ``gap``, and the operand's span."""
    strides, step = [0] * len(dims), gap
    for axis in reversed(range(len(dims))):
        if repeated[axis] == "-":
            strides[axis] = step
            step *= dims[axis]
    return tuple(strides), 1 + sum((d - 1) * s for d, s in zip(dims, strides, strict=True))


def broadcast_shape(
    dims: tuple[int, ...], a: tuple[int, ...], b: tuple[int, ...]
) -> tuple[Struct, int]:
    """Return the shape and its extent in pieces."""
    shape = struct_of("broadcast_shape", rank=len(dims), dims=dims, a_strides=a, b_strides=b)
    inner = dims[-1] if dims else 1
    return shape, math.prod(dims[:-1]) * -(-inner // PIECE)


def broadcasts() -> Iterator[tuple[str, Struct, int, int, int, int, str]]:
    """Yield a note, the shape, its extent, the sizes of y, a and b, the operand y may share."""
    for dims, a, b in BROADCASTS:
        (a_strides, a_size), (b_strides, b_size) = strides_of(dims, a), strides_of(dims, b)
        shape, extent = broadcast_shape(dims, a_strides, b_strides)
        size = math.prod(dims)
        for name, repeated in (("", ""), ("a", a), ("b", b)):
            if "1" in repeated or (name and not dims):
                continue
            yield f"{dims} a:{a} b:{b}", shape, extent, size, a_size, b_size, name
    for n in (1, 3, 4, 9, 17):  # a steps over gaps, b runs down a column
        (a_strides, a_size), (b_strides, b_size) = strides_of((4, n), "--", 3), ((1, 4), 4 * n)
        shape, extent = broadcast_shape((4, n), a_strides, b_strides)
        yield f"(4, {n}) a: gaps, b: transposed", shape, extent, 4 * n, a_size, b_size, ""


def f32_binary_cases(rng: Rng) -> Iterator[Case]:
    for index, (note, shape, extent, size, a_size, b_size, shared) in enumerate(broadcasts()):
        for op in range(len(BINARY)):
            if size > 500 and (op + index) % 3:
                continue
            special = 0.25 * ((index + op) % 2)
            arguments = {
                "y": garbage(rng, np.float32, size),
                "a": floats(rng, a_size, special=special),
                "b": floats(rng, b_size, special=special),
                "op": op,
                "shape": shape,
            }
            text = f"{BINARY[op]} {note} special={special} in place={shared}"
            yield Case("f32_binary", text, arguments, extent, in_place=shared)
    bases, exponents = (v.ravel() for v in np.meshgrid(*[np.array(POWERS, np.float32)] * 2))
    shape, extent = broadcast_shape((bases.size,), (1,), (1,))
    arguments = {
        "y": garbage(rng, np.float32, bases.size),
        **{"a": bases, "b": exponents, "op": BINARY.index("pow"), "shape": shape},
    }
    yield Case("f32_binary", "pow of special numbers", arguments, extent)


ADD_RATIOS = [(1.0, 1.0), (0.5, 0.5), (0.5, -0.5), (0.013, 1.7), (255.9, -0.001), (1 / 3, 2 / 7)]
"""Scales of the summands over the sum's, each within [2^-10, 2^8)."""
MUL_SCALES = [1.0, 0.5, 1 / 6, 1 / 14, 0.0078125, 0.0123, 3e7, 1e-12, 3e38]


def sum_arguments(a: float, b: float, a_zero_point: int, b_zero_point: int) -> dict[str, int]:
    """Return the fixed-point arguments of qu8_add for two scale ratios."""
    shift = 20 - math.floor(math.log2(max(a, abs(b))))
    ma, mb = round(a * 2**shift), round(b * 2**shift)
    bias = 2 ** (shift - 1) - ma * a_zero_point - mb * b_zero_point
    return {"a_multiplier": ma, "b_multiplier": mb, "bias": bias, "shift": shift}


def qu8_add_cases(rng: Rng) -> Iterator[Case]:
    for index, (note, shape, extent, size, a_size, b_size, shared) in enumerate(broadcasts()):
        for step in range(1 if size > 500 else 3):
            a, b = ADD_RATIOS[(index + step) % len(ADD_RATIOS)]
            lo, hi = bounds(rng)
            arguments = {
                "y": garbage(rng, np.uint8, size),
                "a": bytes_of(rng, a_size),
                "b": bytes_of(rng, b_size),
                **sum_arguments(a, b, zero_points(rng), zero_points(rng)),
                **{"y_zero_point": zero_points(rng), "lo": lo, "hi": hi, "shape": shape},
            }
            yield Case("qu8_add", f"{note} ratios {a} {b}", arguments, extent, in_place=shared)


def qu8_mul_cases(rng: Rng) -> Iterator[Case]:
    for index, (note, shape, extent, size, a_size, b_size, shared) in enumerate(broadcasts()):
        for step in range(1 if size > 500 else 3):
            scale = MUL_SCALES[(index + step) % len(MUL_SCALES)]
            lo, hi = bounds(rng)
            arguments = {
                "y": garbage(rng, np.uint8, size),
                "a": bytes_of(rng, a_size),
                "b": bytes_of(rng, b_size),
                **{"scale": scale, "a_zero_point": zero_points(rng)},
                **{"b_zero_point": zero_points(rng), "y_zero_point": zero_points(rng)},
                **{"lo": lo, "hi": hi, "shape": shape},
            }
            yield Case("qu8_mul", f"{note} scale {scale}", arguments, extent, in_place=shared)


# ---------------------------------------------------------------------------
# One operand

FUNCTION_POINTS = np.concatenate(
    [
        np.array([0.0, -0.0, np.inf, -np.inf, np.nan, 1e-45, -1e-45, 1.17549435e-38], np.float32),
        np.array([-104.0, -103.97, -103.9, -87.4, -87.3, 88.72, 88.73, 89.0, 1e30], np.float32),
        np.array([0.625, 0.62499994, -0.625, 0.34657359, 0.3465736, -0.34657359], np.float32),
        np.arange(-110, 95, 0.37, dtype=np.float32),
        np.linspace(-1, 1, 401, dtype=np.float32),
        np.linspace(0.6, 0.65, 101, dtype=np.float32),
        # Where n, the power of two of exp, changes.
        np.nextafter(np.float32((np.arange(-150, 128) + 0.5) * np.log(2)), np.float32(0)),
        np.float32((np.arange(-150, 128) + 0.5) * np.log(2)),
        # Around the zeros of sin and cos, and where their reduction changes.
        np.float32(np.arange(-40, 41) * np.pi / 4),
        np.float32(np.ldexp(np.pi / 2, np.arange(20, 127))),
        np.array([2.0**20, -(2.0**20), 1048575.9, 3.4028235e38, -3.4028235e38], np.float32),
        # Around 1 and where erf and exp(x) - 1 change their series.
        np.nextafter(np.float32(1), np.array([0, 2], np.float32)),
        np.array([1.0, -1.0, 1.4142135, -1.4142135, 1.4142137, 2.0**-10, -(2.0**-10)], np.float32),
        np.linspace(-15, 15, 301, dtype=np.float32),
    ]
)
POWERS = [
    *(0.0, -0.0, 1.0, -1.0, 2.0, -2.0, 3.0, -3.0, 0.5, -0.5, 1.5, 0.1, 1e-45, 1e30, -1e30),
    *(2.0**23 + 1, 2.0**24, -(2.0**24), np.inf, -np.inf, np.nan),
]


def all_magnitudes() -> Array:
    """Floats of every exponent and both signs, some of each."""
    bits = np.arange(0, 2**32, 2**20 - 997, dtype=np.uint64).astype(np.uint32)
    return bits.view(np.float32)


def f32_unary_cases(rng: Rng) -> Iterator[Case]:
    for op, name in enumerate(UNARY):
        for n in LENGTHS:
            p0, p1 = float_bounds(rng)
            for special in (0.0, 0.3):
                x = floats(rng, n, spread=5.0, special=special)
                yield unary_case(rng, op, x, p0, p1, f"{name} n={n} special={special}")
            yield unary_case(rng, op, x, p0, p1, f"{name} n={n} in place", "x")
        yield unary_case(rng, op, FUNCTION_POINTS.copy(), 0.0, 6.0, f"{name} of chosen points")
        yield unary_case(rng, op, all_magnitudes(), -1.0, 1.0, f"{name} of all magnitudes")


def unary_case(
    rng: Rng, op: int, x: Array, p0: float, p1: float, note: str, shared: str = ""
) -> Case:
    arguments = {"y": garbage(rng, np.float32, x.size), "x": x, "op": op, "p0": p0, "p1": p1}
    return Case("f32_unary", note, arguments, x.size, in_place=shared)


def byte_inputs(rng: Rng) -> Iterator[tuple[str, Array, str]]:
    """Yield a note, x and whether y shares it."""
    yield "all bytes", np.arange(256, dtype=np.uint8), ""
    for n in LENGTHS:
        yield f"n={n}", bytes_of(rng, n), ""
        yield f"n={n} in place", bytes_of(rng, n), "x"


def x8_lut_cases(rng: Rng) -> Iterator[Case]:
    for note, x, shared in byte_inputs(rng):
        table = garbage(rng, np.uint8, 256)
        arguments = {"y": garbage(rng, np.uint8, x.size), "x": x, "table": table}
        yield Case("x8_lut", note, arguments, x.size, in_place=shared)


def x8_flip_cases(rng: Rng) -> Iterator[Case]:
    for note, x, shared in byte_inputs(rng):
        arguments = {"y": garbage(rng, np.uint8, x.size), "x": x}
        yield Case("x8_flip", note, arguments, x.size, in_place=shared)


def qu8_requantize_cases(rng: Rng) -> Iterator[Case]:
    for scale in (1.0, 0.5, 1 / 6, 1 / 22, 1.5, 2.0, 0.0371, 1e-9, 2.0**22, 2.0**31, 1e37):
        for note, x, shared in byte_inputs(rng):
            lo, hi = bounds(rng)
            x_zero_point, y_zero_point = zero_points(rng), zero_points(rng)
            arguments = {
                "y": garbage(rng, np.uint8, x.size),
                "x": x,
                "scale": scale,
                **{"x_zero_point": x_zero_point, "y_zero_point": y_zero_point, "lo": lo, "hi": hi},
            }
            text = f"{note} scale={scale} zero points {x_zero_point} {y_zero_point}"
            yield Case("qu8_requantize", text, arguments, x.size, in_place=shared)


# ---------------------------------------------------------------------------
# Softmax

SOFTMAX_LENGTHS = (1, 2, 3, 4, 5, 7, 8, 9, 10, 16, 17, 21, 91, 1001)


def f32_softmax_cases(rng: Rng) -> Iterator[Case]:
    for n in SOFTMAX_LENGTHS:
        for spread, special in ((0.5, 0.0), (4.0, 0.0), (8.0, 0.0), (2.0, 0.1)):
            rows = 1 + int(rng.integers(5))
            x = floats(rng, rows * n, spread, special)
            arguments = {"y": garbage(rng, np.float32, x.size), "x": x, "n": n}
            note = f"n={n} rows={rows} spread={spread} special={special}"
            yield Case("f32_softmax", note, arguments, rows)
        x = np.full(2 * n, 7.25, np.float32)
        arguments = {"y": garbage(rng, np.float32, x.size), "x": x, "n": n}
        yield Case("f32_softmax", f"n={n} all equal", arguments, 2)


TABLE_SCALES = (0.0, 1e-6, 0.00390625, 0.0123, 0.1, 0.0625, 0.34, 1.0, 3.5, 1000.0)


def table_of(rng: Rng, scale: float) -> Case:
    arguments = {"table": garbage(rng, np.uint32, 256), "x_scale": scale}
    return Case("qu8_softmax_table", f"x_scale={scale}", arguments, 1)


def qu8_softmax_table_cases(rng: Rng) -> Iterator[Case]:
    for scale in TABLE_SCALES:
        yield table_of(rng, scale)


def qu8_softmax_cases(rng: Rng) -> Iterator[Case]:
    for n in SOFTMAX_LENGTHS:
        # Where all e are the same or 0, y is 1 / (count * y_scale): the last makes that a tie.
        y_scales = np.array([1 / 256, 1 / 128, 0.0005, 1.0, 1 / (n * (rng.integers(40) + 0.5))])
        for scale, y_scale in product(TABLE_SCALES, (float(rng.choice(y_scales)), y_scales[-1])):
            rows, (lo, hi) = 1 + int(rng.integers(4)), bounds(rng)
            arguments = {
                "y": garbage(rng, np.uint8, rows * n),
                "x": bytes_of(rng, rows * n),
                "table": table_of(rng, scale).expected,
                "y_scale": float(y_scale),
                **{"y_zero_point": zero_points(rng), "lo": lo, "hi": hi, "n": n},
            }
            note = f"n={n} rows={rows} x_scale={scale} y_scale={y_scale}"
            yield Case("qu8_softmax", note, arguments, rows)
