# SPDX-License-Identifier: Apache-2.0
"""The quantized cases of Android's NNAPI test suite: one step off at most, as that suite allows."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from octet.web.cases import CaseRunner
from tests.conformance.conftest import ENGINES
from tests.conformance.nnapi import Operation

CASES = 113

INTEGER_KERNELS = {
    "CONV_2D": ("qu8_igemm", "qu8_gemm", "qu8_dwconv"),
    "DEPTHWISE_CONV_2D": ("qu8_igemm", "qu8_dwconv"),
    "FULLY_CONNECTED": ("qu8_gemm",),
    "AVERAGE_POOL_2D": ("u8_avgpool", "qu8_avgpool"),
    "MAX_POOL_2D": ("u8_maxpool",),
    "ADD": ("qu8_add",),
    "MUL": ("qu8_mul",),
    "LOGISTIC": ("x8_lut",),
}
"""Operations that must not run in float, and a kernel by which that shows."""


@pytest.fixture(scope="module")
def operations(octet_data: Path) -> list[Operation]:
    """Every case of the file."""
    text = (octet_data / "vectors/nnapi_quant8.json").read_text(encoding="utf-8")
    return [Operation(record) for record in json.loads(text)]


@pytest.mark.parametrize(("variant", "threads"), ENGINES)
def test_quantized_operations(
    cases: CaseRunner, operations: list[Operation], variant: str, threads: int
) -> None:
    """All cases give the expected bytes, at most one off."""
    assert len(operations) == CASES
    cases.start(variant=variant, threads=threads, debug=True)
    results = cases.run([operation.case() for operation in operations])
    problems = []
    for operation, result in zip(operations, results, strict=True):
        name = f"{operation.record['file']}: {operation.record['name']}"
        expected = operation.expected()
        got = next(iter(result.outputs.values()), None)
        if got is None or got.shape != expected.shape or got.dtype != expected.dtype:
            problems.append(f"{name}: {result.error or got}")
        elif np.abs(got.astype(np.int64) - expected).max() > 1:
            problems.append(f"{name}: got {got.ravel()}, expected {expected.ravel()}")
        wanted = INTEGER_KERNELS.get(operation.type, ())
        if wanted and not set(wanted) & set(result.kernels):
            problems.append(f"{name}: in float: {', '.join(result.kernels)}")
    assert not problems, "\n".join(problems)
