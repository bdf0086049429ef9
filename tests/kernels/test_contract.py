# SPDX-License-Identifier: Apache-2.0
"""The model itself: it covers the catalogue, agrees with values by hand, and is accurate."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable

import numpy as np
import pytest

from . import contract
from .cases import Case, cases_of, catalogue
from .cases.case import stated_bytes
from .contract import Array, functions, model
from .exchange import Result, difference

KERNELS = [kernel.name for kernel in catalogue().kernels]


@pytest.mark.parametrize("kernel", KERNELS)
def test_every_kernel_has_a_model_with_its_arguments(kernel: str) -> None:
    names = [parameter.name for parameter in catalogue().kernel(kernel).parameters]
    assert list(inspect.signature(model(kernel)).parameters) == names


@pytest.mark.parametrize("kernel", KERNELS)
def test_every_kernel_has_cases(kernel: str) -> None:
    cases = cases_of(kernel)
    assert len(cases) >= 10
    assert all(case.kernel == kernel for case in cases)
    needs_scratch = catalogue().kernel(kernel).has_scratch
    assert all((case.scratch > 0) == needs_scratch for case in cases)


# ---------------------------------------------------------------------------
# Values by hand


@pytest.mark.parametrize(
    ("value", "zero_point", "expected"),
    [
        (0.5, 0, 0),
        (1.5, 0, 2),
        (2.5, 0, 2),
        (-0.5, 10, 10),
        (-1.5, 10, 8),
        (0.5, 1, 1),  # the zero point is added after rounding
        (2.0**22 + 0.5, 0, 255),
        (-(2.0**30), 255, 0),
        (np.inf, 0, 255),
        (-np.inf, 0, 0),
    ],
)
def test_requantize(value: float, zero_point: int, expected: int) -> None:
    assert contract.requantize(np.array([value], np.float32), zero_point, 0, 255)[0] == expected


def test_stated_sizes_are_read_from_the_header() -> None:
    assert stated_bytes("qu8_gemm", "SCRATCH", K2=3) == 48 * 3 + 64
    assert stated_bytes("f32_pack", "Bytes", groups=2, out_channels=9, K=5) == 2 * 2 * 32 * 6
    # "SCRATCH: as above."
    assert stated_bytes("qu8_resize_linear", "SCRATCH", in_width=3, channels=5) == 60


def test_a_difference_names_the_element() -> None:
    arguments = {"y": np.zeros(3, np.uint8), "x": np.array([1, 2, 3], np.uint8)}
    case = Case("x8_flip", "three bytes", arguments, 3)
    assert difference(case, Result(0, bytes([129, 130, 131])), False) == ""
    got = difference(case, Result(0, bytes([129, 131, 0])), False)
    assert got == "element 1 of 3: got np.uint8(131), expected np.uint8(130) (2 differ)"
    assert "input" in difference(case, Result(1, bytes(3)), False)


# ---------------------------------------------------------------------------
# Accuracy: the kernels equal the model bit by bit, so it is enough to measure the model.


def ulps(got: Array, exact: Array) -> Array:
    """Return the error in units of the last place of a float32 as large as ``exact``."""
    magnitude = np.maximum(np.abs(exact), 2.0**-126)
    unit = 2.0 ** (np.floor(np.log2(magnitude)) - 23)
    return np.asarray(np.abs(got.astype(np.float64) - exact) / unit)


def floats_between(lo: float, hi: float, step: int) -> Array:
    """Return every ``step``-th float32 from lo to hi, both of one sign."""
    first, last = sorted(int(np.float32(v).view(np.uint32)) for v in (lo, hi))
    return np.arange(first, last, step, dtype=np.uint32).view(np.float32)


@pytest.mark.parametrize(
    ("function", "exact", "limit"),
    [
        # Measured over every 7th float: 0.98, 2.36, 1.31.
        (contract.exp, np.exp, 1.0),
        (contract.sigmoid, lambda x: 1 / (1 + np.exp(-x)), 2.5),
        (contract.tanh, np.tanh, 1.5),
    ],
)
def test_accuracy(
    function: Callable[[Array], Array], exact: Callable[[Array], Array], limit: float
) -> None:
    points = [floats_between(1e-30, 88.7, 1511), floats_between(-1e-30, -103.9, 1511)]
    x = np.concatenate(points)
    error = ulps(function(x), exact(x.astype(np.float64)))
    worst = int(error.argmax())
    assert error[worst] <= limit, f"{error[worst]} ULP at {x[worst]!r}"


def each(function: Callable[[float], float]) -> Callable[[Array], Array]:
    """Return a function of arrays that calls ``function``, one of C's, on each element."""
    return lambda x: np.array([function(v) for v in x.tolist()])


@pytest.mark.parametrize(
    ("function", "exact", "points"),
    [
        (functions.log, np.log, [(1e-45, 3e38)]),
        (functions.softplus, lambda x: np.logaddexp(0, x), [(1e-30, 88.7), (-1e-30, -103.0)]),
        (lambda x: functions.elu(x, 1.0), np.expm1, [(-1e-30, -200.0)]),
        (functions.erf, each(math.erf), [(1e-30, 20.0), (-1e-30, -20.0)]),
        (
            functions.gelu,
            each(lambda x: 0.5 * x * math.erfc(-x * math.sqrt(0.5))),
            [(1e-30, 20.0), (-1e-30, -13.0)],
        ),
        (functions.sin, each(math.sin), [(1e-30, 3.4e38), (-1e-30, -3.4e38)]),
        (functions.cos, each(math.cos), [(1e-30, 3.4e38), (-1e-30, -3.4e38)]),
        (functions.tan, each(math.tan), [(1e-30, 3.4e38), (-1e-30, -3.4e38)]),
    ],
)
def test_functions_in_float64_are_rounded_once(
    function: Callable[[Array], Array],
    exact: Callable[[Array], Array],
    points: list[tuple[float, float]],
) -> None:
    x = np.concatenate([floats_between(lo, hi, 25013) for lo, hi in points])
    error = ulps(function(x), exact(x.astype(np.float64)))
    worst = int(error.argmax())
    assert error[worst] <= 0.51, f"{error[worst]} ULP at {x[worst]!r}"


def test_pow_is_rounded_once() -> None:
    rng = np.random.default_rng(1)
    a = np.exp(rng.uniform(-80, 80, 20000)).astype(np.float32)
    b = (rng.uniform(-85, 85, 20000) / np.log(a)).astype(np.float32)
    error = ulps(functions.power(a, b), np.power(a.astype(np.float64), b.astype(np.float64)))
    assert error.max() <= 0.51


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        *[(a, b, 1.0) for a in (0.0, -0.0, np.nan, -np.inf, -2.0) for b in (0.0, -0.0)],
        *[(1.0, b, 1.0) for b in (np.nan, np.inf, -np.inf)],
        *[(-1.0, b, 1.0) for b in (np.inf, -np.inf, 2.0**24)],
        (-1.0, 2.0**23 + 1, -1.0),
        (-2.0, 3.0, -8.0),
        (-2.0, -3.0, -0.125),
        (-2.0, 0.5, np.nan),
        (-np.inf, 3.0, -np.inf),
        (-np.inf, 0.5, np.inf),
        (-np.inf, -3.0, -0.0),
        (-0.0, 3.0, -0.0),
        (-0.0, -3.0, -np.inf),
        (0.0, -0.5, np.inf),
        (np.inf, -1.0, 0.0),
        (0.5, np.inf, 0.0),
        (np.nan, 1.0, np.nan),
        (2.0, np.nan, np.nan),
    ],
)
def test_pow_of_special_numbers(a: float, b: float, expected: float) -> None:
    got = functions.power(np.array([a], np.float32), np.array([b], np.float32))[0]
    assert np.isnan(expected) if np.isnan(got) else repr(float(got)) == repr(expected)


@pytest.mark.parametrize(
    ("function", "x", "expected"),
    [
        (functions.log, [0.0, -0.0, 1.0, np.inf], [-np.inf, -np.inf, 0.0, np.inf]),
        (functions.softplus, [-np.inf, 0.0, np.inf], [0.0, 0.6931472, np.inf]),
        (functions.erf, [-np.inf, -0.0, 0.0, np.inf], [-1.0, -0.0, 0.0, 1.0]),
        (functions.gelu, [-0.0, 0.0, np.inf], [-0.0, 0.0, np.inf]),
        (functions.sin, [-0.0, 0.0], [-0.0, 0.0]),
        (functions.tan, [-0.0, 0.0], [-0.0, 0.0]),
        (functions.cos, [-0.0, 0.0], [1.0, 1.0]),
        (contract.exp, [-np.inf, -105.0, -0.0, 89.0, np.inf], [0.0, 0.0, 1.0, np.inf, np.inf]),
        (contract.sigmoid, [-np.inf, -105.0, 0.0, 20.0, np.inf], [0.0, 0.0, 0.5, 1.0, 1.0]),
        (contract.tanh, [-np.inf, -0.0, 0.0, 20.0, np.inf], [-1.0, -0.0, 0.0, 1.0, 1.0]),
    ],
)
def test_limits(function: Callable[[Array], Array], x: list[float], expected: list[float]) -> None:
    got = function(np.array(x, np.float32))
    assert got.tobytes() == np.array(expected, np.float32).tobytes()
    assert np.isnan(function(np.array([np.nan], np.float32))).all()
