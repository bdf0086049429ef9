# SPDX-License-Identifier: Apache-2.0
"""Every operator that is converted gives in LiteRT what ONNX Runtime computes."""

from __future__ import annotations

import numpy as np
import pytest

from octet.onnx.convert import FOLDED_ONLY, OPERATORS, convert_onnx
from octet.onnx.graph import OnnxError
from tests.onnx.operator_cases import all_cases, ints, numbers
from tests.onnx.small_models import OneOperator, convert_and_run, run_onnx

CASES = all_cases()

TOLERANCE = 1e-4
"""Of the largest output: float32 sums in another order, and approximations of exp and tanh."""

OWN = {"MatMulBias"}
"""Operators that are not ONNX's: octet.onnx.fold makes them."""


@pytest.mark.parametrize("keep_layout", [False, True], ids=["nhwc", "nchw"])
@pytest.mark.parametrize("name", CASES)
def test_operator(name: str, keep_layout: bool) -> None:
    case = CASES[name]
    data = case.model()
    expected = run_onnx(data, case.feeds())
    model, found = convert_and_run(data, case.feeds(), keep_layout=keep_layout)
    assert [model.tensor_name(index) for index in model.outputs] == [
        f"out{i}" for i in range(case.outputs)
    ]
    for a, b in zip(expected, found, strict=True):
        assert a.shape == b.shape
        assert a.dtype == b.dtype
        if a.dtype.kind == "f":
            np.testing.assert_allclose(b, a, rtol=0, atol=TOLERANCE * max(1, np.abs(a).max()))
        else:
            np.testing.assert_array_equal(b, a)


def test_half_precision_is_computed_in_single() -> None:
    case = OneOperator("Cast", [numbers(2, 3)], {"to": 10})
    _, (found,) = convert_and_run(case.model(), case.feeds(), keep_layout=True)
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, case.feeds()["in0"])


def test_every_operator_has_a_case() -> None:
    assert {case.op for case in CASES.values()} == set(OPERATORS) - OWN


def test_missing_operators_are_named() -> None:
    case = OneOperator("Erf", [numbers(2, 3)])
    with pytest.raises(OnnxError, match=r'small.onnx: .* not supported: Erf \(1, first "node"\)'):
        convert_onnx(case.model(), "small.onnx")


@pytest.mark.parametrize("op", sorted(FOLDED_ONLY & {"NonZero"}))
def test_operators_of_constants_only_refuse_others(op: str) -> None:
    with pytest.raises(OnnxError, match=f'{op} "node": only constants and static shapes'):
        convert_onnx(OneOperator(op, [numbers(2, 3)]).model(), "small.onnx")


REFUSED = {
    "MaxPool with indices": (
        OneOperator("MaxPool", [numbers(1, 2, 4, 4)], {"kernel_shape": [2, 2]}, outputs=2),
        "indices",
    ),
    "MaxPool dilated": (
        OneOperator(
            "MaxPool", [numbers(1, 2, 6, 6)], {"kernel_shape": [2, 2], "dilations": [2, 2]}
        ),
        "dilations",
    ),
    "ArgMax of the last": (
        OneOperator("ArgMax", [numbers(2, 3)], {"select_last_index": 1}),
        "select_last_index",
    ),
    "Resize cubic": (
        OneOperator(
            "Resize", [numbers(1, 2, 4, 4), None, None, ints(1, 2, 8, 8)], {"mode": "cubic"}
        ),
        "mode: got cubic",
    ),
    "LRN even": (OneOperator("LRN", [numbers(1, 4, 3, 3)], {"size": 2}), "odd sizes"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_not_supported_is_said(name: str) -> None:
    case, words = REFUSED[name]
    with pytest.raises(OnnxError, match=words):
        convert_onnx(case.model(), "small.onnx")
