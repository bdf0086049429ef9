# SPDX-License-Identifier: Apache-2.0
"""``octet sizes``: what a page downloads, as the last build measured it."""

from __future__ import annotations

import argparse

from rich.console import Console

from octet.toolchain.size import load_sizes, size_table


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the subcommand."""
    subparsers.add_parser("sizes", help="raw and brotli sizes of what was built")


def run(args: argparse.Namespace) -> int:
    """Print the table. Raises OctetError when nothing is built."""
    Console(highlight=False).print(size_table(load_sizes()))
    return 0
