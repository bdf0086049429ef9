# SPDX-License-Identifier: Apache-2.0
"""The three built modules: what they import, export and ask of the engine."""

from __future__ import annotations

from pathlib import Path

import pytest

from octet.errors import OctetError
from octet.toolchain import compiler, wasm
from octet.toolchain.paths import DIST

POOL = ["pool_run", "pool_serve"]
RELAXED = ["dot_classes", *POOL]


def module_path(variant: str) -> Path:
    return DIST / f"octet_{variant}.wasm"


@pytest.mark.parametrize(
    ("variant", "more"), [("scalar", []), ("simd", POOL), ("relaxed", RELAXED)]
)
def test_imports_a_memory_and_exports_the_interpreter(variant: str, more: list[str]) -> None:
    module = wasm.read(module_path(variant))
    assert module.imports == ["env.memory"]
    assert module.memory_pages == (2, 32768)
    assert sorted(module.exports) == sorted(["__heap_base", "__stack_pointer", "plan_run", *more])
    assert not module.has_start


def test_refuses_a_file_that_is_no_module(tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    path.write_text("<!doctype html>")
    with pytest.raises(OctetError, match=r"page.html is not a wasm module"):
        wasm.read(path)


# (module (import "env" "memory" (memory 1 2)) (data ".data" (i32.const 0) "a")), segment named.
NAMED_DATA = bytes.fromhex(
    "0061736d01000000"
    "0210" "01" "03656e76" "066d656d6f7279" "02" "010102"
    "0b07" "01" "00" "41000b" "0161"
    "000f" "046e616d65" "0908" "01" "00" "052e64617461"
)  # fmt: skip


def test_reads_limits_and_the_names_of_data(tmp_path: Path) -> None:
    path = tmp_path / "linked.wasm"
    path.write_bytes(NAMED_DATA)
    module = wasm.read(path)
    assert (module.memory_pages, module.segment_names) == ((1, 2), [".data"])
    with pytest.raises(OctetError, match=r"static data that is not const \(\.data\)"):
        compiler.check_data(path)
    with pytest.raises(OctetError, match=r"imports .*\(1, 2\) pages, expected \(2, 32768\)"):
        compiler.check_module(path, [])
