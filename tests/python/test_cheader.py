# SPDX-License-Identifier: Apache-2.0
"""The grammar of kernels.h: what it reads, and that it refuses the rest by file and line."""

from __future__ import annotations

import pytest

from octet.codegen.cheader import Enum, HeaderError, Parameter, parse_catalogue, read_catalogue
from octet.toolchain.paths import KERNELS

GOOD = """\
#include <stdint.h>

typedef enum { OP_ADD, OP_SUB } some_op;

// A window.
typedef struct {
  int32_t width;
  int32_t pads[4];  // edges
} window;

// y = x * scale. Range: rows.
// SCRATCH: as many bytes as x.
void f32_scale(float* y, const float* x, const window* shape, float scale, int32_t n,
               void* scratch, int32_t begin, int32_t end);
"""


def test_reads_enums_structs_and_kernels() -> None:
    catalogue = parse_catalogue(GOOD)
    assert catalogue.enums == (Enum("some_op", ("OP_ADD", "OP_SUB")),)
    assert catalogue.struct("window").words == 5
    kernel = catalogue.kernel("f32_scale")
    assert kernel.id == 0
    assert kernel.has_scratch
    assert kernel.doc.startswith("y = x * scale.")
    assert kernel.parameters == (
        Parameter("y", "out", "float"),
        Parameter("x", "in", "float"),
        Parameter("shape", "struct", "window"),
        Parameter("scale", "f32", "float"),
        Parameter("n", "i32", "int32_t"),
    )


RANGE = "int32_t begin, int32_t end"


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        ("int32_t f(float* y, int32_t begin, int32_t end);", "expected an enum"),
        ("extern int32_t counter;", "expected an enum"),
        ("typedef enum { A = 1 } e;", "without values"),
        ("typedef struct { float x; } s;", "a struct field is int32_t"),
        ("void f(float* y, int32_t n);", "ends with 'int32_t begin, int32_t end'"),
        (f"void f(double* y, {RANGE});", "cannot take the parameter 'double\\* y'"),
        (f"void f(const unknown* p, {RANGE});", "cannot take the parameter"),
        (f"void f(float** y, {RANGE});", "cannot take the parameter"),
        (f"void f(float* y, void* scratch, {RANGE});", "SCRATCH line"),
        (f"// SCRATCH: n bytes.\nvoid f(float* y, {RANGE});", "SCRATCH line"),
        (f"void f(float* y, {RANGE})", "expected|cannot read"),
    ],
)
def test_refuses_by_file_and_line(statement: str, message: str) -> None:
    line = 3 + statement.count("\n")
    with pytest.raises(HeaderError, match=rf"^some\.h:{line}: .*({message})"):
        parse_catalogue(f"// A comment.\n\n{statement}\n", "some.h")


def test_the_catalogue_is_readable() -> None:
    names = [kernel.name for kernel in read_catalogue(KERNELS / "kernels.h").kernels]
    assert names
    assert len(set(names)) == len(names)
