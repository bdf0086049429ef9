# SPDX-License-Identifier: Apache-2.0
"""The thread pool (plan.h): dependent steps, shared by threads, give what one thread gives."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from playwright.sync_api import Page

from tests.patience import SECONDS

from .cases import SEED, Case
from .cases.case import Rng, bytes_of, floats, garbage, struct_of, window_of
from .cases.elementwise import broadcast_shape, sum_arguments
from .cases.filters import f32_filter, filter_shape, qu8_filter
from .cases.products import scratch_of
from .contract import Array, Struct
from .exchange import blob, encode_plan, words
from .runners import WasmRunner

DISPATCHES = 200

SIZE = 14  # height and width of every activation but the last
PIXELS = SIZE * SIZE


def square_window(c: int, n: int, groups: int, kernel: int, stride: int = 1) -> Struct:
    """Return a window over SIZE x SIZE pixels that pads to keep the size, or halves it."""
    return window_of(
        batch=1,
        in_height=SIZE,
        in_width=SIZE,
        in_channels=c,
        out_height=SIZE // stride,
        out_width=SIZE // stride,
        out_channels=n,
        groups=groups,
        kernel_height=kernel,
        kernel_width=kernel,
        stride_height=stride,
        stride_width=stride,
        dilation_height=1,
        dilation_width=1,
        pad_top=(kernel - 1) // 2,
        pad_left=(kernel - 1) // 2,
        x_stride=c * groups,
        y_stride=n * groups,
    )


def integer_plan(rng: Rng) -> list[Case]:
    """A small residual network: its sum reads the outputs of the second and the fourth step."""
    window, dw = square_window(3, 16, 1, 3), square_window(1, 1, 16, 3)
    requantized = {"y_zero_point": 128, "lo": 0, "hi": 255}

    def output(size: int) -> Array:
        return garbage(rng, np.uint8, size)

    def weights(n: int, taps: int, c: int, groups: int = 1) -> object:
        shape = filter_shape(groups, n, taps, c, "ohwi")
        return qu8_filter(rng, shape, "spread", 128, kernel_width=3 * (groups > 1)).weights

    image = bytes_of(rng, PIXELS * 3)
    flip = Case("x8_flip", "", {"y": output(PIXELS * 3), "x": image}, PIXELS * 3)
    stem = Case(
        "qu8_igemm",
        "",
        {
            **{"y": output(PIXELS * 16), "x": flip.expected, "w": weights(16, 9, 3)},
            **{"x_zero_point": 128, **requantized, "shape": window},
        },
        -(-PIXELS // 12),
        scratch_of("qu8_igemm", window),
    )
    depthwise = Case(
        "qu8_dwconv",
        "",
        {
            **{"y": output(PIXELS * 16), "x": stem.expected, "w": weights(1, 9, 1, 16)},
            **{"x_zero_point": 128, **requantized, "shape": dw},
        },
        SIZE,
        scratch_of("qu8_dwconv", dw),
    )
    project = Case(
        "qu8_gemm",
        "",
        {
            **{"y": output(PIXELS * 16), "a": depthwise.expected, "w": weights(16, 1, 16)},
            **{**requantized, "m": PIXELS, "n": 16, "k": 16},
            **{"splits": 2, "a_stride": 16, "y_stride": 16},
        },
        -(-PIXELS // 12) * 2,
        4 * 2 * 8 * 2,
    )
    shape, extent = broadcast_shape((PIXELS, 16), (16, 1), (16, 1))
    residual = Case(
        "qu8_add",
        "",
        {
            **{"y": output(PIXELS * 16), "a": stem.expected, "b": project.expected},
            **sum_arguments(0.6, 0.7, 128, 128),
            **{**requantized, "shape": shape},
        },
        extent,
    )
    pooled_shape = square_window(1, 1, 16, 2, 2)
    pooled = Case(
        "u8_maxpool",
        "",
        {
            **{"y": output(PIXELS // 4 * 16), "x": residual.expected},
            **{"lo": 0, "hi": 255, "shape": pooled_shape},
        },
        SIZE // 2,
    )
    mean = Case(
        "qu8_mean",
        "",
        {
            **{"y": output(16), "x": pooled.expected, "scale": 1.0, "x_zero_point": 128},
            **{**requantized, "outer": 1, "n": PIXELS // 4, "inner": 16},
        },
        1,
        4 * 16,
    )
    return [flip, stem, depthwise, project, residual, pooled, mean]


def float_plan(rng: Rng) -> list[Case]:
    """Elementwise steps over rows, a product, a softmax."""
    rows, width = 40, 33

    def output(size: int = rows * width) -> Array:
        return garbage(rng, np.float32, size)

    unit = {"op": 1, "p0": 0.0, "p1": 0.0}
    sigmoid = Case(
        "f32_unary", "", {"y": output(), "x": floats(rng, rows * width), **unit}, rows * width
    )
    shape = struct_of(
        "copy_shape",
        rank=2,
        element_bytes=4,
        dims=(width, rows),
        y_strides=(rows, 1),
        x_strides=(1, width),
    )
    transposed = Case("copy_nd", "", {"y": output(), "x": sigmoid.expected, "shape": shape}, width)
    weights = f32_filter(rng, filter_shape(1, 24, 1, rows, "ohwi")).weights
    product = Case(
        "f32_gemm",
        "",
        {
            **{"y": output(width * 24), "a": transposed.expected, "w": weights},
            **{"lo": -100.0, "hi": 100.0, "m": width, "n": 24, "k": rows, "splits": 3},
            **{"a_stride": rows, "y_stride": 24},
        },
        -(-width // 12) * 3,
    )
    softmax = Case(
        "f32_softmax", "", {"y": output(width * 24), "x": product.expected, "n": 24}, width
    )
    return [sigmoid, transposed, product, softmax]


@pytest.mark.parametrize("grain", [1, 7])
@pytest.mark.parametrize("threads", [1, 2, 4])
@pytest.mark.parametrize("variant", ["simd", "relaxed"])
def test_pool(
    variant: str, threads: int, grain: int, wasm_runner: Callable[[str], WasmRunner]
) -> None:
    rng = np.random.default_rng(SEED)
    plans = [integer_plan(rng), float_plan(rng)]
    request = words(len(plans)) + b"".join(encode_plan(plan, grain) for plan in plans)
    runner = wasm_runner(variant)
    response = runner.run_pool(request, threads, DISPATCHES, SECONDS)
    whole = b"".join(blob(case.expected.tobytes()) for plan in plans for case in plan)
    # The float plan of the relaxed variant may be rounded otherwise, but as it is on one thread.
    fixed = sum(len(blob(case.expected.tobytes())) for case in plans[0])
    exact = len(whole) if variant == "simd" else fixed
    assert response[:exact] == whole[:exact], "the first dispatches differ from the model"
    if exact < len(whole):
        alone = runner.run_pool(request, 1, len(plans), SECONDS)
        assert response[:-4] == alone[:-4], "threads change the result"
    mismatches = int.from_bytes(response[-4:], "little")
    assert mismatches == 0, f"{mismatches} outputs in {DISPATCHES} dispatches differ"


FAILURES = {0: "memory access out of bounds", 1: "a kernel failed on one of the threads"}
"""What a run says when a kernel traps, by thread."""


@pytest.mark.parametrize("thread", FAILURES)
@pytest.mark.parametrize("variant", ["simd", "relaxed"])
def test_a_thread_that_traps_ends_the_run(variant: str, thread: int, kernel_page: Page) -> None:
    script = "(arguments) => runFailingPool(...arguments)"
    assert kernel_page.evaluate(script, [variant, thread, SECONDS]) == FAILURES[thread]
