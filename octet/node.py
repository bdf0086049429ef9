# SPDX-License-Identifier: Apache-2.0
"""Node.js, as everything of octet starts it."""

from __future__ import annotations

import functools
import shutil
import subprocess
from pathlib import Path

from octet.errors import OctetError

ONE_COMPILER = "--no-concurrent-recompilation"
"""Node 20 hangs now and then where nothing but kernels that compile is left to wait for: it waits
for V8's threads, and an optimizing one of them waits for the main thread to collect garbage."""

RELAXED_SIMD = "--experimental-wasm-relaxed-simd"


def node_command(*words: str | Path) -> list[str]:
    """Return the command that runs a script, or what else ``words`` say, under Node.

    Raises:
        OctetError: when there is no Node.
    """
    if not shutil.which("node"):
        raise OctetError("no such program: node")
    return ["node", *_flags(), *map(str, words)]


@functools.cache
def _flags() -> tuple[str, ...]:
    """Those that octet's kernels need, relaxed SIMD where this Node knows it."""
    probe = subprocess.run(["node", RELAXED_SIMD, "-e", "0"], capture_output=True, check=False)
    return (ONE_COMPILER,) if probe.returncode else (ONE_COMPILER, RELAXED_SIMD)
