# SPDX-License-Identifier: Apache-2.0
"""No module holds an instruction whose result a CPU may choose, unless octet asked for it."""

from __future__ import annotations

import re
import subprocess

import pytest

from octet.toolchain.paths import DIST, NODE_BIN

from .runners import VARIANTS

# What compilers make out of plain C (clang 22: "a < b ? b : a" becomes relaxed_max). NaN, zeros and
# the rounding of a * b + c would differ between CPUs.
FORBIDDEN = re.compile(r"f(?:32x4|64x2)\.relaxed_\w+")
# madd.h asks for it, in float kernels only.
ALLOWED = {"scalar": set(), "simd": set(), "relaxed": {"f32x4.relaxed_madd"}}


@pytest.mark.parametrize("variant", VARIANTS)
def test_no_relaxed_float_operations(variant: str) -> None:
    module = DIST / f"octet_{variant}.wasm"
    text = subprocess.run(
        [NODE_BIN / "wasm-dis", "--all-features", module],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert "f32x4." in text or variant == "scalar"
    assert set(FORBIDDEN.findall(text)) <= ALLOWED[variant]
