# SPDX-License-Identifier: Apache-2.0
"""Every kernel, on every build, gives the bits that the model of its contract gives."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from .cases import SEED, cases_of, catalogue
from .exchange import report
from .runners import RUNNERS, KernelRunner

KERNELS = [kernel.name for kernel in catalogue().kernels]
SHOWN = 8


@pytest.mark.parametrize("runner", RUNNERS)
@pytest.mark.parametrize("kernel", KERNELS)
def test_kernel(kernel: str, runner: str, kernel_runner: Callable[[str], KernelRunner]) -> None:
    running = kernel_runner(runner)
    cases = [case for case in cases_of(kernel) if case.dot_class in running.dot_classes]
    failures = report(cases, running.run(cases), fused=runner == "relaxed")
    shown = "\n".join(failures[:SHOWN])
    assert not failures, (
        f"{len(failures)} of {2 * len(cases)} runs differ (OCTET_TEST_SEED={SEED}):\n{shown}"
    )
