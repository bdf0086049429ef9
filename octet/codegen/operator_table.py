# SPDX-License-Identifier: Apache-2.0
"""docs/OPERATORS.md: which kernels each operator becomes, in each data type.

``python -m octet.codegen.operator_table`` renders it: each operator is compiled under Node.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from octet.codegen.render import notice, render
from octet.errors import OctetError
from octet.node import node_command

PAGE = "docs/OPERATORS.md"
SOURCE = "polyfill/ops"
TEMPLATE = "octet/codegen/operators/operators.md.j2"
SCRIPT = "octet/codegen/operators/kernels.js"

TYPES = ("float32", "float16", "int32", "uint32", "int64", "uint64", "int8", "uint8")

MOVES = {
    "copy_nd",
    "x8_flip",
    "fill",
    "select_nd",
    "x8_resize_nearest",
    "scatter_elements",
    "scatter_nd",
}
GATHERS = {"gather", "gather_elements", "gather_nd"}
AROUND = {"cast", "x8_flip", "copy_nd", "fill", "f32_pack"}
"""Kernels that stand around the one that computes: of layouts, weights and float16."""


def render_operator_table(root: Path) -> str:
    """Return the page for the checkout at ``root``.

    Raises:
        OctetError: if Node cannot compile the operators.
    """
    command = node_command(SCRIPT)
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    if done.returncode:
        raise OctetError(f"node {SCRIPT}: {done.stderr.strip()}")
    rows = [_row(record) for record in json.loads(done.stdout)]
    rows.sort(key=lambda row: str(row["name"]).lower())
    return render(root / TEMPLATE, notice=notice(SOURCE), types=TYPES, rows=rows)


def _row(record: dict[str, Any]) -> dict[str, Any]:
    types: dict[str, Sequence[str]] = record["types"]
    kernels = dict.fromkeys(kernel for used in types.values() for kernel in used)
    return {
        "name": record["name"],
        "cells": [_kind(types[dtype]) if dtype in types else "" for dtype in TYPES],
        "kernels": [k for k in kernels if k != "cast" or set(kernels) <= {"cast", "copy_nd"}],
        "quantized": record["quantized"],
    }


def _kind(kernels: Sequence[str]) -> str:
    """S, K, M or C, as the page explains them."""
    if set(kernels) <= MOVES | GATHERS:
        return "M"
    computing = [kernel for kernel in kernels if kernel not in AROUND]
    if len(computing) > 1:
        return "C"
    return "S" if computing and computing[0].startswith("f32_") else "K"


if __name__ == "__main__":
    checkout = Path(__file__).parents[2]
    (checkout / PAGE).parent.mkdir(exist_ok=True)
    (checkout / PAGE).write_text(render_operator_table(checkout), encoding="utf-8")
