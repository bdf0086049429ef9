# SPDX-License-Identifier: Apache-2.0
"""What a browser downloads: raw and brotli sizes of build/dist, as data and as a table."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import brotli
from rich.table import Table

from octet.errors import OctetError
from octet.toolchain.paths import SIZES
from octet.toolchain.tasks import Step, write_whole

SUFFIXES = (".js", ".wasm")

Sizes = dict[str, dict[str, int]]
"""File name to ``raw`` and ``brotli`` (quality 11) size in bytes."""


def measure_step(files: Sequence[Path]) -> Step:
    """Return the step that writes build/sizes.json about those of ``files`` that pages load."""
    loaded = sorted(path for path in files if path.suffix in SUFFIXES)
    return Step("sizes", loaded, [SIZES], partial(_measure, loaded))


def _measure(files: Sequence[Path]) -> None:
    sizes = {}
    for path in files:
        data = path.read_bytes()
        sizes[path.name] = {"raw": len(data), "brotli": len(brotli.compress(data))}
    write_whole(SIZES, json.dumps(sizes, indent=2).encode() + b"\n")


def load_sizes(path: Path = SIZES) -> Sizes:
    """Return what the last build measured. Raises OctetError when there was none."""
    try:
        sizes: Sizes = json.loads(path.read_bytes())
    except FileNotFoundError:
        raise OctetError(f"there is no {path}; run: python3 build.py") from None
    return sizes


def size_table(sizes: Sizes) -> Table:
    """Return ``sizes`` as a table in bytes, for rich to print."""
    table = Table("file", box=None, pad_edge=False)
    table.add_column("bytes", justify="right")
    table.add_column("brotli", justify="right")
    for name, size in sizes.items():
        table.add_row(name, f"{size['raw']:,}", f"{size['brotli']:,}")
    return table
