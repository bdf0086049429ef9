# SPDX-License-Identifier: Apache-2.0
"""Where LiteRT's fast kernels round otherwise than WebNN's formulas: the same bytes."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from playwright.sync_api import Browser

from tests.tflite.operators.browser import OperatorPage, Run, operator_page
from tests.tflite.operators.litert import run_litert
from tests.tflite.tiny_models import Array, Operator, Tensor, constant, write_model

DTYPES = ("uint8", "int8")


@pytest.fixture(scope="module")
def page(browser: Browser) -> Iterator[OperatorPage]:
    with operator_page(browser) as page:
        yield page


def check(page: OperatorPage, models: list[tuple[bytes, Array]]) -> None:
    outcomes = page.run([Run("one operator", model, (x,)) for model, x in models])
    for (model, x), outcome in zip(models, outcomes, strict=True):
        assert not outcome.error
        (expected,) = run_litert(model, (x,), xnnpack=True)
        np.testing.assert_array_equal(outcome.outputs[0], expected)


@pytest.mark.parametrize("dtype", DTYPES)
def test_bytes_coded_again(dtype: str, page: OperatorPage) -> None:
    """All bytes; ratios of scales with halves and without, up to the last that XNNPACK takes."""
    info = np.iinfo(dtype)
    x = np.arange(info.min, info.max + 1).astype(dtype)[None]
    models = []
    for ratio in (0.3528, 90 / 256, 96 / 256, 1.5, 2.7183, 1 / 256, 1.0, 128.0, 200.0):
        for point in (info.min, info.min + 7):
            tensors = {
                "x": Tensor(x.shape, dtype, float(np.float32(0.03 * ratio)), info.min),
                "y": Tensor(x.shape, dtype, 0.03, point),
            }
            operator = Operator("QUANTIZE", ("x",), ("y",), "QuantizeOptions")
            models.append((write_model(tensors, [operator], ("x",), ("y",)), x))
    check(page, models)


@pytest.mark.parametrize("dtype", DTYPES)
def test_halves_between_pixels(dtype: str, page: OperatorPage) -> None:
    """Eight times as large: each pixel between is a multiple of 1/64."""
    rng = np.random.default_rng(7)
    info = np.iinfo(dtype)
    models = []
    for rows, columns, channels in ((5, 9, 1), (3, 4, 8), (2, 6, 13)):
        x = rng.integers(info.min, info.max + 1, (1, rows, columns, channels)).astype(dtype)
        shape = (1, 8 * rows - 7, 8 * columns - 7, channels)
        for point in (info.min, 3, info.max):
            tensors = {
                "x": Tensor(x.shape, dtype, 0.04, point),
                "size": constant(shape[1:3]),
                "y": Tensor(shape, dtype, 0.04, point),
            }
            operator = Operator(
                "RESIZE_BILINEAR",
                ("x", "size"),
                ("y",),
                "ResizeBilinearOptions",
                {"alignCorners": True},
            )
            models.append((write_model(tensors, [operator], ("x",), ("y",)), x))
    check(page, models)
