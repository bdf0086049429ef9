# SPDX-License-Identifier: Apache-2.0
"""Cases of data movement and conversions."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from ..contract import Array
from .case import TYPES, Case, Rng, bytes_of, floats, garbage, struct_of
from .elementwise import LENGTHS
from .filters import zero_points

# ---------------------------------------------------------------------------
# Copies

COPIES: list[tuple[str, tuple[int, ...], tuple[int, ...], tuple[int, ...]]] = [
    # what, dims, strides of y, strides of x
    ("a scalar", (), (), ()),
    *[("contiguous", (n,), (1,), (1,)) for n in (1, 3, 8, 17, 100)],
    ("rows into wider rows", (4, 5), (9, 1), (5, 1)),
    ("a column out of a matrix", (6, 1), (1, 1), (7, 1)),
    ("every third element", (7,), (1,), (3,)),
    ("into every second element", (9,), (2,), (1,)),
    ("transpose", (5, 7), (7, 1), (1, 5)),
    ("transpose of 3 axes", (3, 4, 5), (20, 5, 1), (1, 15, 3)),
    ("repeat a row", (4, 6), (6, 1), (0, 1)),
    ("repeat a column", (4, 6), (6, 1), (1, 0)),
    ("repeat one element", (3, 4), (4, 1), (0, 0)),
    ("reverse", (11,), (1,), (-1,)),
    ("reverse rows", (4, 5), (5, 1), (-5, 1)),
    ("reverse both", (4, 5), (5, 1), (-5, -1)),
    ("reverse the output", (6,), (-1,), (1,)),
    ("slice with steps", (2, 3, 2, 4), (24, 8, 4, 1), (120, 15, 10, 2)),
    ("rank 8", (2, 1, 2, 1, 2, 2, 1, 3), (24, 24, 12, 12, 6, 3, 3, 1), (1, 0, 2, 0, 4, 8, 0, 16)),
    ("rank 8 contiguous", (2,) * 8, (128, 64, 32, 16, 8, 4, 2, 1), (128, 64, 32, 16, 8, 4, 2, 1)),
]
UINTS = {1: np.uint8, 2: np.uint16, 4: np.uint32, 8: np.uint64}


def pointed(memory: Array, dims: tuple[int, ...], strides: tuple[int, ...]) -> Array:
    """Return the pointer into ``memory`` from which dims and strides stay inside."""
    back = sum((d - 1) * -s for d, s in zip(dims, strides, strict=True) if s < 0)
    return memory[back:] if back else memory


def span(dims: tuple[int, ...], strides: tuple[int, ...]) -> int:
    return 1 + sum((d - 1) * abs(s) for d, s in zip(dims, strides, strict=True))


def copy_nd_cases(rng: Rng) -> Iterator[Case]:
    for what, dims, y_strides, x_strides in COPIES:
        for size, dtype in UINTS.items():
            shape = struct_of(
                "copy_shape",
                rank=len(dims),
                element_bytes=size,
                dims=dims,
                y_strides=y_strides,
                x_strides=x_strides,
            )
            y, x = (garbage(rng, dtype, span(dims, s)) for s in (y_strides, x_strides))
            arguments = {
                "y": pointed(y, dims, y_strides),
                "x": pointed(x, dims, x_strides),
                "shape": shape,
            }
            note = f"{what} {dims} of {size} bytes"
            yield Case("copy_nd", note, arguments, math.prod(dims[:-1]))


def fill_cases(rng: Rng) -> Iterator[Case]:
    for size, dtype in UINTS.items():
        for n in (1, 3, 8, 17, 64):
            for low, high in ((0, 0), (-1, -1), (0x12345678, -0x12345678), (-2, 1)):
                arguments = {
                    "y": garbage(rng, dtype, n),
                    **{"low": low, "high": high, "element_bytes": size},
                }
                yield Case("fill", f"{n} of {size} bytes {low:#x} {high:#x}", arguments, n)


# ---------------------------------------------------------------------------
# Casts

CAST_FLOATS = [
    *(0.0, -0.0, 0.5, -0.5, 0.999, 1.5, 2.5, -1.5, 127.0, 127.5, 128.0, -128.0, -128.5, -129.0),
    *(255.0, 255.5, 256.0, 2.0**31, -(2.0**31), 2147483520.0, 2.0**32, 4294967040.0, -3e9, 5e9),
    *(2.0**63, -(2.0**63), 9.223371e18, 2.0**64, 1.8446743e19, 3e38, -3e38, 1e-45, -1e-45),
    *(np.inf, -np.inf, np.nan, -np.nan, 65504.0, 65519.0, 65519.996, 65520.0, -65520.0, 65536.0),
    *(2.0**-14, 2.0**-24, 2.0**-25, 2.0**-25 * 1.0001, 3 * 2.0**-25, 6.1e-5, 2049.0, 2051.0),
]


def cast_inputs(rng: Rng, dtype: str) -> Iterator[Array]:
    """Yield inputs of every length and one with all that is special about the type."""
    for n in (1, 7, 63, 64, 65, 130):
        if dtype.startswith("f"):
            with np.errstate(over="ignore"):
                yield floats(rng, n, 12.0, 0.1).astype(dtype)
        else:
            yield garbage(rng, dtype, n)
    if dtype == "float32":
        yield np.array(CAST_FLOATS, np.float32)
        halves = np.arange(0x3300, 0x3500, dtype=np.uint16).view(np.float16).astype(np.float32)
        subnormals = np.arange(0, 0x0410, 3, dtype=np.uint16).view(np.float16).astype(np.float32)
        for exact in (halves, subnormals):
            yield np.concatenate([(exact[1:] + exact[:-1]) / 2, -exact, np.nextafter(exact, 9)])
    elif dtype == "float16":
        yield np.arange(2**16, dtype=np.uint16).view(np.float16)
    else:
        limits = np.iinfo(dtype)
        edges = [limits.min, limits.max, limits.max - 1, 0, 1, limits.max // 2, limits.max // 2 + 1]
        if limits.bits > 16:
            edges += [2**24 + 1, 2**24 + 3, 2**25 + 2, 65519, 65520, 2049, 2051]
        if limits.bits == 64:
            edges += [2**53 + 1, 2**40 + 2**16, 2**40 + 2**16 + 1, 2**40 + 3 * 2**16]
        yield np.array(edges, dtype)


def cast_cases(rng: Rng) -> Iterator[Case]:
    for x_name, x_type in TYPES.items():
        for y_name, y_type in TYPES.items():
            for x in cast_inputs(rng, x_name):
                same = np.dtype(x_name).itemsize == np.dtype(y_name).itemsize
                for shared in ("", "x") if same else ("",):
                    arguments = {
                        "y": garbage(rng, y_name, x.size),
                        **{"x": x, "y_type": y_type, "x_type": x_type},
                    }
                    note = f"{x_name} -> {y_name} n={x.size} in place={shared}"
                    yield Case("cast", note, arguments, x.size, in_place=shared)


# ---------------------------------------------------------------------------
# Quantization

SCALES = (1.0, 0.5, 0.25, 0.0173, 3.7, 1e-30, 1e30, 1e-45)


def ties(rng: Rng, count: int, scale: float) -> Array:
    """Values half way between two steps of ``scale``, exact when it is a power of two."""
    return ((rng.integers(-300, 300, count) + 0.5) * scale).astype(np.float32)


def f32_qu8_quantize_cases(rng: Rng) -> Iterator[Case]:
    for scale in SCALES:
        for n in LENGTHS:
            special = floats(rng, n, 8.0, 0.5)
            for what, x in (("ties", ties(rng, n, scale)), ("special", special)):
                zero_point = zero_points(rng)
                arguments = {
                    "y": garbage(rng, np.uint8, n),
                    **{"x": x, "scale": scale, "zero_point": zero_point},
                }
                note = f"{what} n={n} scale={scale} zero point {zero_point}"
                yield Case("f32_qu8_quantize", note, arguments, n)
    for scale in (0.0, math.inf):  # 0 / 0 and inf / inf are NaN as well
        x = floats(rng, 33, special=0.6)
        arguments = {"y": garbage(rng, np.uint8, 33), "x": x, "scale": scale, "zero_point": 77}
        yield Case("f32_qu8_quantize", f"special scale={scale}", arguments, 33)


def qu8_f32_dequantize_cases(rng: Rng) -> Iterator[Case]:
    for scale in (*SCALES, 1e37):
        for n in (*LENGTHS, 256):
            x = np.arange(256, dtype=np.uint8) if n == 256 else bytes_of(rng, n)
            zero_point = zero_points(rng)
            arguments = {
                "y": garbage(rng, np.float32, n),
                **{"x": x, "scale": scale, "zero_point": zero_point},
            }
            note = f"n={n} scale={scale} zero point {zero_point}"
            yield Case("qu8_f32_dequantize", note, arguments, n)


BLOCKWISE: list[tuple[tuple[int, ...], tuple[int, ...]]] = [  # dims, blocks (= dim: one entry)
    ((), ()),
    ((1,), (1,)),
    ((17,), (17,)),
    ((12,), (1,)),
    ((12,), (4,)),
    ((4, 6), (4, 1)),
    ((4, 6), (1, 6)),
    ((4, 6), (2, 3)),
    ((3, 4, 5), (3, 1, 5)),
    ((2, 3, 4, 8), (2, 3, 4, 1)),
    ((2, 3, 4, 8), (1, 3, 2, 4)),
    ((2, 1, 2, 1, 2, 2, 1, 3), (1, 1, 2, 1, 1, 2, 1, 3)),
]
QUANTIZED = ("int8", "uint8", "int32", "uint32")


def nd_cases(rng: Rng, kernel: str) -> Iterator[Case]:
    quantize = kernel == "quantize_nd"
    for dims, blocks in BLOCKWISE:
        counts = tuple(d // b for d, b in zip(dims, blocks, strict=True))
        strides = tuple(
            0 if c == 1 else math.prod(counts[axis + 1 :]) for axis, c in enumerate(counts)
        )
        shape = struct_of(
            "quantization_shape", rank=len(dims), dims=dims, blocks=blocks, strides=strides
        )
        n, size = math.prod(dims), math.prod(counts)
        for dtype in QUANTIZED:
            wide = np.dtype(dtype).itemsize == 4
            for what in ("ordinary", "ties", "special"):
                x: Array
                scale = 2.0 ** rng.integers(-9, 3, size).astype(np.float32)
                if what == "special":
                    scale = floats(rng, size, 8.0, 0.1)
                if quantize:
                    x = floats(rng, n, 18.0 if wide else 3.0, 0.3 * (what == "special"))
                    if what == "ties":
                        x = ties(rng, n, float(scale[0]))
                else:
                    x = garbage(rng, dtype, n)
                y_type = np.dtype(dtype if quantize else np.float32)
                arguments = {
                    "y": garbage(rng, y_type, n),
                    **{"x": x, "scale": scale, "zero_point": garbage(rng, dtype, size)},
                    **{"y_type" if quantize else "x_type": TYPES[dtype], "shape": shape},
                }
                note = f"{dtype} {dims} blocks {blocks} {what}"
                yield Case(kernel, note, arguments, math.prod(dims[:-1]))
