# SPDX-License-Identifier: Apache-2.0
"""Cases of pooling, reductions and resampling."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

import numpy as np

from ..contract import Array, Struct
from .case import TYPES, Case, Rng, bytes_of, floats, garbage, stated_bytes, struct_of
from .filters import bounds, float_bounds, near, tie_scales, zero_points
from .products import (
    DW_CHANNELS,
    WINDOWS,
    extent_of,
    input_size,
    output_size,
    scratch_of,
    window_shape,
)

# ---------------------------------------------------------------------------
# Pooling


def pools(rng: Rng) -> Iterator[tuple[str, Struct]]:
    for index, (name, channels) in enumerate(product(WINDOWS, DW_CHANNELS)):
        batch, gaps = 1 + int(index % 5 == 3), int(rng.integers(3))
        note = f"{name} channels={channels[2]} batch={batch} gaps={gaps}"
        yield note, window_shape(name, batch, channels, gaps)


def f32_pool_cases(rng: Rng, kernel: str) -> Iterator[Case]:
    for index, (note, window) in enumerate(pools(rng)):
        special = (0.0, 0.15, 0.9)[index % 3]
        lo, hi = float_bounds(rng)
        arguments = {
            "y": garbage(rng, np.float32, output_size(window)),
            "x": floats(rng, input_size(window), special=special),
            **{"lo": lo, "hi": hi, "shape": window},
        }
        scratch = scratch_of(kernel, window) if kernel == "f32_avgpool" else 0
        text = f"{note} special={special} clamp {lo} {hi}"
        yield Case(kernel, text, arguments, extent_of(kernel, window), scratch)


def qu8_avgpool_cases(rng: Rng) -> Iterator[Case]:
    for index, (note, window) in enumerate(pools(rng)):
        scale = (1.0, 0.5, 0.731, 4.5, 2.0**26, 1e-8, "ties", "ties")[index % 8]
        lo, hi = bounds(rng)
        x_zero_point = zero_points(rng)
        x = bytes_of(rng, input_size(window))
        if scale == "ties":
            taps = window.kernel_height * window.kernel_width
            x, scale = near(rng, x.size, x_zero_point), taps * float(tie_scales(rng, 1)[0])
        arguments = {
            "y": garbage(rng, np.uint8, output_size(window)),
            "x": x,
            **{"scale": scale, "x_zero_point": x_zero_point, "y_zero_point": zero_points(rng)},
            **{"lo": lo, "hi": hi, "shape": window},
        }
        text = f"{note} scale={scale} zero point {x_zero_point}"
        extent, scratch = extent_of("qu8_avgpool", window), scratch_of("qu8_avgpool", window)
        yield Case("qu8_avgpool", text, arguments, extent, scratch)


def u8_avgpool_cases(rng: Rng) -> Iterator[Case]:
    for index, (note, window) in enumerate(pools(rng)):
        origin = (0, 128)[index % 2]
        lo, hi = bounds(rng)
        arguments = {
            "y": garbage(rng, np.uint8, output_size(window)),
            "x": bytes_of(rng, input_size(window)),
            **{"origin": origin, "lo": lo, "hi": hi, "shape": window},
        }
        extent, scratch = extent_of("u8_avgpool", window), scratch_of("u8_avgpool", window)
        yield Case("u8_avgpool", f"{note} origin {origin}", arguments, extent, scratch)


def u8_maxpool_cases(rng: Rng) -> Iterator[Case]:
    for note, window in pools(rng):
        lo, hi = bounds(rng)
        arguments = {
            "y": garbage(rng, np.uint8, output_size(window)),
            "x": bytes_of(rng, input_size(window)),
            **{"lo": lo, "hi": hi, "shape": window},
        }
        extent = extent_of("u8_maxpool", window)
        yield Case("u8_maxpool", f"{note} clamp {lo} {hi}", arguments, extent)


# ---------------------------------------------------------------------------
# Reductions of x[outer, n, inner]

REDUCTIONS = [
    *[(outer, n, 1) for outer in (1, 3) for n in (1, 2, 3, 4, 7, 8, 9, 49, 257)],
    *[(outer, n, inner) for outer in (1, 3) for n in (1, 2, 9) for inner in (2, 3, 4, 5, 8, 17)],
    (5, 4, 33),
]


def f32_reduce_cases(rng: Rng) -> Iterator[Case]:
    for outer, n, inner in REDUCTIONS:
        for op, name in enumerate(("sum", "mean", "max", "min", "product")):
            for special in (0.0, 0.15, 0.95):
                arguments = {
                    "y": garbage(rng, np.float32, outer * inner),
                    "x": floats(rng, outer * n * inner, special=special),
                    **{"op": op, "outer": outer, "n": n, "inner": inner},
                }
                note = f"{name} [{outer}, {n}, {inner}] special={special}"
                scratch = stated_bytes("f32_reduce", "SCRATCH", inner=inner)
                yield Case("f32_reduce", note, arguments, outer, scratch)


def qu8_mean_cases(rng: Rng) -> Iterator[Case]:
    for index, (outer, n, inner) in enumerate([*REDUCTIONS, (1, 70000, 1)]):
        for scale in (1.0, (0.5, 0.37, 2.0**28, 1e-9, 7.0)[index % 5], "ties", "ties"):
            lo, hi = bounds(rng)
            x_zero_point = zero_points(rng)
            x = bytes_of(rng, outer * n * inner)
            if scale == "ties":
                x, scale = near(rng, x.size, x_zero_point), n * float(tie_scales(rng, 1)[0])
            arguments = {
                "y": garbage(rng, np.uint8, outer * inner),
                "x": x,
                **{"scale": scale, "x_zero_point": x_zero_point, "y_zero_point": zero_points(rng)},
                **{"lo": lo, "hi": hi, "outer": outer, "n": n, "inner": inner},
            }
            note = f"[{outer}, {n}, {inner}] scale={scale} zero point {x_zero_point}"
            scratch = stated_bytes("qu8_mean", "SCRATCH", inner=inner)
            yield Case("qu8_mean", note, arguments, outer, scratch)


def values_with_ties(rng: Rng, dtype: str, count: int) -> Array:
    """Few distinct values, the ends of the type among them."""
    if dtype == "float32":
        return floats(rng, count, special=0.4)
    limits = np.iinfo(dtype)
    few = np.array([limits.min, limits.max, 1, 2, limits.max - 1], dtype)
    return rng.choice(few, count)


def arg_reduce_cases(rng: Rng) -> Iterator[Case]:
    for index, (outer, n, inner) in enumerate(REDUCTIONS):
        for dtype in ("float32", "int32", "uint32", "int64", "uint64", "int8", "uint8"):
            y_dtype = ("int32", "int64")[index % 2]
            for is_min in (0, 1):
                arguments = {
                    "y": garbage(rng, y_dtype, outer * inner),
                    "x": values_with_ties(rng, dtype, outer * n * inner),
                    **{"x_type": TYPES[dtype], "y_type": TYPES[y_dtype], "is_min": is_min},
                    **{"outer": outer, "n": n, "inner": inner},
                }
                note = f"{dtype} -> {y_dtype} [{outer}, {n}, {inner}] is_min={is_min}"
                yield Case("arg_reduce", note, arguments, outer)


# ---------------------------------------------------------------------------
# Resampling

RESIZES = [  # in height width, out height width
    ((1, 1), (1, 1)),
    ((1, 1), (3, 4)),
    ((2, 3), (4, 6)),
    ((5, 4), (3, 2)),
    ((3, 5), (7, 9)),
    ((4, 4), (4, 4)),
    ((1, 6), (2, 3)),
]
RESIZE_CHANNELS = (1, 2, 3, 4, 5, 7, 8, 9, 12, 15, 16, 17)


def coordinates(rng: Rng, size: int, out: int) -> tuple[Array, Array]:
    """Return lower indices anywhere in [0, size) and weights, some of them 0 and 1."""
    weights = rng.random(out).astype(np.float32)
    weights[rng.random(out) < 0.2] = 0.0
    weights[rng.random(out) < 0.1] = 1.0
    weights[rng.random(out) < 0.2] = 0.5
    return rng.integers(0, size, out).astype(np.int32), weights


def resizes() -> Iterator[tuple[str, Struct, int]]:
    """Yield a note, the shape and the elements of y."""
    for size, out in RESIZES:
        for channels in RESIZE_CHANNELS:
            batch = 1 + channels % 2
            shape = struct_of(
                "resize_shape",
                batch=batch,
                in_height=size[0],
                in_width=size[1],
                out_height=out[0],
                out_width=out[1],
                channels=channels,
            )
            note = f"{size} -> {out} channels={channels} batch={batch}"
            yield note, shape, batch * out[0] * out[1] * channels


def elements_in(s: Struct) -> int:
    return int(s.batch * s.in_height * s.in_width * s.channels)


def tables(rng: Rng, s: Struct) -> dict[str, Array]:
    rows, row_weights = coordinates(rng, s.in_height, s.out_height)
    columns, column_weights = coordinates(rng, s.in_width, s.out_width)
    return {
        "rows": rows,
        "row_weights": row_weights,
        "columns": columns,
        "column_weights": column_weights,
    }


def resize_scratch(kernel: str, s: Struct) -> int:
    return stated_bytes(kernel, "SCRATCH", in_width=s.in_width, channels=s.channels)


def f32_resize_linear_cases(rng: Rng) -> Iterator[Case]:
    for note, shape, size in resizes():
        for special in (0.0, 0.1):
            arguments = {
                "y": garbage(rng, np.float32, size),
                "x": floats(rng, elements_in(shape), special=special),
                **tables(rng, shape),
                "shape": shape,
            }
            extent, scratch = (
                shape.batch * shape.out_height,
                resize_scratch("f32_resize_linear", shape),
            )
            text = f"{note} special={special}"
            yield Case("f32_resize_linear", text, arguments, extent, scratch)


def qu8_resize_linear_cases(rng: Rng) -> Iterator[Case]:
    for index, (note, shape, size) in enumerate(resizes()):
        for scale in (1.0, (0.5, 1.37, 2.0**24, 1e-6)[index % 4]):
            lo, hi = bounds(rng)
            arguments = {
                "y": garbage(rng, np.uint8, size),
                "x": bytes_of(rng, elements_in(shape)),
                **tables(rng, shape),
                **{"scale": scale, "x_zero_point": zero_points(rng)},
                **{"y_zero_point": zero_points(rng), "lo": lo, "hi": hi, "shape": shape},
            }
            extent, scratch = (
                shape.batch * shape.out_height,
                resize_scratch("qu8_resize_linear", shape),
            )
            yield Case("qu8_resize_linear", f"{note} scale={scale}", arguments, extent, scratch)


def x8_resize_nearest_cases(rng: Rng) -> Iterator[Case]:
    for note, shape, size in resizes():
        chosen = tables(rng, shape)
        arguments = {
            "y": garbage(rng, np.uint8, size),
            "x": bytes_of(rng, elements_in(shape)),
            **{"rows": chosen["rows"], "columns": chosen["columns"], "shape": shape},
        }
        yield Case("x8_resize_nearest", note, arguments, shape.batch * shape.out_height)
