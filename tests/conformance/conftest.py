# SPDX-License-Identifier: Apache-2.0
"""One page for all cases; each test gives it a context of its own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from octet.web.cases import CaseRunner, case_runner

ENGINES = [("scalar", 1), ("simd", 1), ("simd", 2), ("relaxed", 1), ("relaxed", 2)]
"""Variants and threads that results must not depend on; the scalar kernels know no threads."""


@pytest.fixture(scope="session")
def cases() -> Iterator[CaseRunner]:
    """A page that runs cases; a test begins with ``cases.start``."""
    with case_runner() as runner:
        yield runner
