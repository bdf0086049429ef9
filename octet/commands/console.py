# SPDX-License-Identifier: Apache-2.0
"""Where the commands print: as wide as the terminal, and wide enough for tables in a pipe."""

from __future__ import annotations

import sys

from rich.console import Console

PIPE_COLUMNS = 240


def wide_console() -> Console:
    """Return a console on standard output that does not fold tables which go to a file."""
    width = None if sys.stdout.isatty() else PIPE_COLUMNS
    return Console(highlight=False, width=width)
