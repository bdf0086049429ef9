# SPDX-License-Identifier: Apache-2.0
"""Running other programs: quietly, with errors that say what failed. Standard library only."""

from __future__ import annotations

import logging
import os
import re
import shlex
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from octet.errors import OctetError

log = logging.getLogger("octet")

SHOWN_LINES = 12
"""Lines of a failed program's output that its error quotes."""


class CommandError(OctetError):
    """A program failed: the command, its exit code and the lines that matter."""

    def __init__(self, words: Sequence[str], code: int, lines: Sequence[str]) -> None:
        quoted = "\n".join(f"  {line}" for line in lines)
        super().__init__(f"failed with exit code {code}: {shlex.join(words)}\n{quoted}".rstrip())


def run(
    command: Sequence[str | Path],
    *,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
) -> str:
    """Run ``command`` and return what it wrote to stdout.

    Args:
        command: program and arguments.
        cwd: the folder to run in; the current one if None.
        env: variables to set on top of the current ones.

    Raises:
        CommandError: when it fails, with its first lines on stderr (stdout if that is empty).
        OctetError: when there is no such program.
    """
    words = [str(word) for word in command]
    log.debug("$ %s", shlex.join(words))
    try:
        done = subprocess.run(
            words,
            cwd=cwd,
            env={**os.environ, **(env or {})},
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            check=False,
        )
    except FileNotFoundError:
        raise OctetError(f"no such program: {words[0]}") from None
    if done.stderr.strip():
        log.debug("%s", done.stderr.rstrip())
    if done.returncode:
        lines = (done.stderr.strip() or done.stdout.strip()).splitlines()
        raise CommandError(words, done.returncode, lines[:SHOWN_LINES])
    return done.stdout


def watch(
    title: str,
    command: Sequence[str | Path],
    *,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
) -> None:
    """Run a long ``command`` under a title: on a terminal its latest line, at the end its time.

    Raises:
        CommandError: when it fails, with its lines from the first error on, else the last ones.
    """
    words = [str(word) for word in command]
    verbose = log.isEnabledFor(logging.DEBUG)
    live = sys.stdout.isatty() and not verbose
    print(f"{title} ...", end="" if live else "\n", flush=True)
    log.debug("$ %s", shlex.join(words))
    start = time.monotonic()
    lines: list[str] = []
    with subprocess.Popen(
        words,
        cwd=cwd,
        env={**os.environ, **(env or {})},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL,
        encoding="utf-8",
        errors="replace",
    ) as process:
        assert process.stdout is not None
        for raw in process.stdout:
            line = raw.rstrip()
            lines.append(line)
            if verbose:
                print(line)
            elif live:
                print(f"\r\033[K{title} ... {line.strip()[:60]}", end="", flush=True)
    if live:
        print("\r\033[K", end="")
    if process.returncode:
        raise CommandError(words, process.returncode, _telling(lines))
    print(f"{title}: {time.monotonic() - start:.0f} s")


def _telling(lines: Sequence[str]) -> Sequence[str]:
    for index, line in enumerate(lines):
        if re.search(r"\berr(or)?\b|^E: ", line, re.IGNORECASE):
            return lines[index : index + SHOWN_LINES]
    return lines[-SHOWN_LINES:]


def show_commands(verbose: bool) -> None:
    """Log every command and its messages to stdout if ``verbose``."""
    logging.basicConfig(format="%(message)s", stream=sys.stdout, level=logging.WARNING)
    log.setLevel(logging.DEBUG if verbose else logging.WARNING)
