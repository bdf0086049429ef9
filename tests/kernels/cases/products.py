# SPDX-License-Identifier: Apache-2.0
"""Cases of packing, matrix products and convolutions."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import Any

import numpy as np

from ..contract import Struct
from .case import Case, Rng, floats, garbage, stated_bytes, window_of
from .filters import (
    LAYOUTS,
    PROFILES,
    activations,
    bounds,
    f32_filter,
    filter_shape,
    float_bounds,
    for_every_dot,
    qu8_filter,
    zero_points,
)

# ---------------------------------------------------------------------------
# Packing

FILTERS = [  # groups, out channels, taps, input channels
    (1, 1, 1, 1),
    (1, 7, 1, 3),
    (1, 8, 1, 8),
    (1, 9, 9, 2),
    (3, 8, 4, 3),
    (2, 17, 3, 5),
    (5, 1, 9, 1),
]
DW_FILTERS = [(c, 1, t, 1) for c in (1, 3, 4, 5, 7, 8, 9, 16, 17) for t in (1, 2, 9)]


def pack_cases(rng: Rng, kernel: str) -> Iterator[Case]:
    dw, quantized = "dw" in kernel, kernel.startswith("qu8")
    for index, dims in enumerate(DW_FILTERS if dw else FILTERS):
        groups, out, taps, c = dims
        blocks = -(-groups // 4) if dw else groups * -(-out // 8)
        width = 3 if taps == 9 else taps
        for layout in LAYOUTS:
            shape = filter_shape(*dims, layout, gap=index % 2)
            for profile in PROFILES if quantized else ("spread", "special"):
                bias = bool(rng.integers(3))
                filter_ = (
                    qu8_filter(rng, shape, profile, zero_points(rng), bias, width if dw else 0)
                    if quantized
                    else f32_filter(rng, shape, bias, 0.3 * (profile == "special"), dw)
                )
                packed = garbage(rng, np.uint8, packed_bytes(kernel, shape, width))
                note = f"{dims} {layout} {profile} bias={bias}"
                arguments = {"packed": packed, **filter_.arguments}
                extent = 1 if quantized else blocks
                yield Case(kernel, note, arguments, extent, pack_scratch(kernel, shape))


def packed_bytes(kernel: str, shape: Struct, kernel_width: int) -> int:
    """Return the Bytes of packed weights that the contract states."""
    k = int(shape.taps * shape.in_channels)
    names = {"taps": shape.taps, "K": k, "K2": -(-k // 2), "kernel_width": kernel_width}
    channels = {"groups": shape.groups, "out_channels": shape.out_channels}
    return stated_bytes(kernel, "Bytes", **names, **channels)


def pack_scratch(kernel: str, shape: Struct) -> int:
    if not kernel.startswith("qu8"):
        return 0
    return stated_bytes(kernel, "SCRATCH", K=shape.taps * shape.in_channels, taps=shape.taps)


# ---------------------------------------------------------------------------
# Matrix products

GEMM_SIZES = [
    *[(m, n, 5) for m in (1, 3, 4, 5, 8, 9) for n in (1, 7, 8, 9)],
    *[(5, n, 3) for n in (2, 3, 4, 5, 6, 15, 16, 17)],
    *[(5, 9, k) for k in (1, 2, 4, 7, 8, 15, 16, 17, 18, 31, 32, 33, 64, 129)],
    *[(m, 33, 7) for m in (6, 7, 10, 11, 12, 13, 14, 18, 25)],
    (13, 41, 19),
]


def gemm_splits(n: int) -> list[int]:
    blocks = -(-n // 8)
    return sorted({1, 2, blocks, blocks + 1})


def strided_size(rows: int, width: int, stride: int) -> int:
    return (rows - 1) * stride + width


def f32_gemm_cases(rng: Rng) -> Iterator[Case]:
    for m, n, k in GEMM_SIZES:
        for splits in gemm_splits(n):
            special = 0.05 * float(rng.integers(2))
            shape = filter_shape(1, n, 1, k, "ohwi")
            w = f32_filter(rng, shape, bool(rng.integers(4)), special / 4).weights
            a_stride, y_stride = k + int(rng.integers(3)), n + int(rng.integers(3))
            lo, hi = float_bounds(rng)
            arguments = {
                "y": garbage(rng, np.float32, strided_size(m, n, y_stride)),
                "a": floats(rng, strided_size(m, k, a_stride), special=special),
                "w": w,
                "lo": lo,
                "hi": hi,
                **{"m": m, "n": n, "k": k, "splits": splits},
                **{"a_stride": a_stride, "y_stride": y_stride},
            }
            note = f"m={m} n={n} k={k} splits={splits} special={special}"
            yield Case("f32_gemm", note, arguments, -(-m // 12) * splits)


def qu8_gemm_cases(rng: Rng) -> Iterator[Case]:
    for index, (m, n, k) in enumerate(GEMM_SIZES):
        for step, splits in enumerate(gemm_splits(n)):
            profile = PROFILES[(index + 2 * step) % len(PROFILES)]
            x_zero_point = zero_points(rng)
            shape = filter_shape(1, n, 1, k, "ohwi")
            w = qu8_filter(rng, shape, profile, x_zero_point, bool(rng.integers(4))).weights
            a_stride, y_stride = k + int(rng.integers(3)), n + int(rng.integers(3))
            lo, hi = bounds(rng)
            arguments: dict[str, Any] = {
                "y": garbage(rng, np.uint8, strided_size(m, n, y_stride)),
                "a": activations(rng, profile, strided_size(m, k, a_stride), x_zero_point),
                "w": w,
                "y_zero_point": zero_points(rng),
                **{"lo": lo, "hi": hi, "m": m, "n": n, "k": k, "splits": splits},
                **{"a_stride": a_stride, "y_stride": y_stride},
            }
            scratch = stated_bytes("qu8_gemm", "SCRATCH", K2=-(-k // 2))
            note = f"m={m} n={n} k={k} splits={splits} {profile} zero point {x_zero_point}"
            for packed in for_every_dot(w):
                given = {**arguments, "w": packed, "y": garbage(rng, np.uint8, arguments["y"].size)}
                yield Case("qu8_gemm", note, given, -(-m // 12) * splits, scratch)


# ---------------------------------------------------------------------------
# Windows

WINDOWS = {  # height width, kernel, stride, dilation, pad top left, output height width
    "1x1": ((3, 5), (1, 1), (1, 1), (1, 1), (0, 0), (3, 5)),
    "1x1 stride 2": ((5, 5), (1, 1), (2, 2), (1, 1), (0, 0), (3, 3)),
    "3x3 same": ((5, 6), (3, 3), (1, 1), (1, 1), (1, 1), (5, 6)),
    "3x3 valid": ((5, 4), (3, 3), (1, 1), (1, 1), (0, 0), (3, 2)),
    "3x3 stride 2": ((7, 6), (3, 3), (2, 2), (1, 1), (0, 1), (4, 3)),
    "3x3 dilated": ((7, 8), (3, 3), (1, 1), (2, 3), (2, 3), (7, 8)),
    "5x5 on 3x3": ((3, 3), (5, 5), (1, 1), (1, 1), (2, 2), (3, 3)),
    "2x2": ((5, 5), (2, 2), (2, 1), (1, 1), (0, 1), (3, 5)),
    "1x7": ((2, 9), (1, 7), (1, 2), (1, 1), (0, 3), (2, 5)),
    "asymmetric": ((4, 5), (3, 2), (1, 3), (2, 1), (3, 0), (6, 3)),
    "in the padding": ((3, 2), (2, 3), (1, 1), (1, 1), (4, 5), (10, 10)),
    "dilated past": ((2, 2), (3, 3), (1, 1), (4, 5), (4, 5), (2, 2)),
    "3x3 stride 2 wide": ((6, 9), (3, 3), (2, 2), (1, 1), (1, 0), (3, 4)),
    "3x3 dilated same": ((9, 11), (3, 3), (1, 1), (2, 2), (2, 2), (9, 11)),
    "one pixel": ((1, 1), (1, 1), (1, 1), (1, 1), (0, 0), (1, 1)),
}


def window_shape(name: str, batch: int, channels: tuple[int, int, int], gaps: int) -> Struct:
    """Return a window over ``channels`` = (in, out, groups), strides ``gaps`` wider than needed."""
    size, kernel, stride, dilation, pad, out = WINDOWS[name]
    c, n, groups = channels
    return window_of(
        batch=batch,
        in_height=size[0],
        in_width=size[1],
        in_channels=c,
        out_height=out[0],
        out_width=out[1],
        out_channels=n,
        groups=groups,
        kernel_height=kernel[0],
        kernel_width=kernel[1],
        stride_height=stride[0],
        stride_width=stride[1],
        dilation_height=dilation[0],
        dilation_width=dilation[1],
        pad_top=pad[0],
        pad_left=pad[1],
        x_stride=groups * c + gaps,
        y_stride=groups * n + 2 * gaps,
    )


def input_size(s: Struct) -> int:
    return strided_size(s.batch * s.in_height * s.in_width, s.groups * s.in_channels, s.x_stride)


def output_size(s: Struct) -> int:
    pixels = s.batch * s.out_height * s.out_width
    return strided_size(pixels, s.groups * s.out_channels, s.y_stride)


IGEMM_CHANNELS = [(3, 8, 1), (1, 1, 1), (8, 9, 1), (5, 7, 2), (2, 3, 3), (17, 16, 1), (16, 17, 1)]
DW_CHANNELS = [(1, 1, c) for c in (*range(1, 18), 31, 32, 33)]


def convolutions(rng: Rng, dw: bool) -> Iterator[tuple[str, Struct, Struct]]:
    """Yield a note, a window and the shape of its filter: each window with each channel count."""
    channels = DW_CHANNELS if dw else IGEMM_CHANNELS
    for index, (name, (c, n, groups)) in enumerate(product(WINDOWS, channels)):
        batch, gaps = 1 + int(index % 5 == 3), int(rng.integers(3))
        window = window_shape(name, batch, (c, n, groups), gaps)
        taps = window.kernel_height * window.kernel_width
        layout = list(LAYOUTS)[index % len(LAYOUTS)]
        note = f"{name} {c}->{n} x{groups} batch={batch} gaps={gaps}"
        yield note, window, filter_shape(groups, n, taps, c, layout)


def scratch_of(kernel: str, s: Struct) -> int:
    taps = s.kernel_height * s.kernel_width
    k = taps * s.in_channels
    columns = (s.out_width - 1) * s.stride_width + (s.kernel_width - 1) * s.dilation_width + 1
    names = {"K": k, "K2": -(-k // 2), "taps": taps, "groups": s.groups, "Q": columns}
    return stated_bytes(kernel, "SCRATCH", **names)


def extent_of(kernel: str, s: Struct) -> int:
    if kernel.endswith("igemm"):
        return -(-int(s.batch * s.out_height * s.out_width) // 12) * int(s.groups)
    return int(s.batch * s.out_height)


def f32_convolution_cases(rng: Rng, kernel: str) -> Iterator[Case]:
    for note, window, filter_ in convolutions(rng, "dw" in kernel):
        special = 0.04 * float(rng.integers(2))
        w = f32_filter(rng, filter_, bool(rng.integers(4)), special / 4, "dw" in kernel).weights
        lo, hi = float_bounds(rng)
        arguments = {
            "y": garbage(rng, np.float32, output_size(window)),
            "x": floats(rng, input_size(window), special=special),
            **{"w": w, "lo": lo, "hi": hi, "shape": window},
        }
        note = f"{note} special={special}"
        yield Case(kernel, note, arguments, extent_of(kernel, window), scratch_of(kernel, window))


def qu8_convolution_cases(rng: Rng, kernel: str) -> Iterator[Case]:
    for index, (note, window, filter_) in enumerate(convolutions(rng, "dw" in kernel)):
        profile, zero = PROFILES[index % len(PROFILES)], zero_points(rng)
        bias = bool(rng.integers(4))
        width = int(window.kernel_width) if "dw" in kernel else 0
        w = qu8_filter(rng, filter_, profile, zero, bias, width).weights
        lo, hi = bounds(rng)
        arguments = {
            "y": garbage(rng, np.uint8, output_size(window)),
            "x": activations(rng, profile, input_size(window), zero),
            **{"w": w, "x_zero_point": zero, "y_zero_point": zero_points(rng)},
            **{"lo": lo, "hi": hi, "shape": window},
        }
        note = f"{note} {profile} zero point {zero}"
        extent, scratch = extent_of(kernel, window), scratch_of(kernel, window)
        for packed in for_every_dot(w):
            given = {**arguments, "w": packed, "y": garbage(rng, np.uint8, output_size(window))}
            yield Case(kernel, note, given, extent, scratch)
