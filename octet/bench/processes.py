# SPDX-License-Identifier: Apache-2.0
"""The processes of a browser, by Linux's /proc: their peak memory, their precedence."""

from __future__ import annotations

import contextlib
import os
import re
from pathlib import Path

PROC = Path("/proc")

NICENESS = -20


def peak_renderer_mb(profile: Path) -> float | None:
    """Return the peak resident memory of the largest renderer of the browser on ``profile``.

    Returns:
        Megabytes (10^6 bytes); None where there is no /proc or no renderer.
    """
    lines = _command_lines()
    browser = {pid for pid, words in lines.items() if f"--user-data-dir={profile}" in words}
    peaks = [
        peak
        for pid, words in lines.items()
        if "--type=renderer" in words and browser & set(_ancestors(pid))
        for peak in [_peak_mb(pid)]
        if peak is not None
    ]
    return max(peaks, default=None)


def take_precedence() -> None:
    """Let what this process started go before the machine's other programs, if that is allowed."""
    me = os.getpid()
    for pid in _command_lines():
        if pid != me and me in _ancestors(pid):
            with contextlib.suppress(OSError):
                # Sessions share the CPU first; where they do not, threads do.
                (PROC / str(pid) / "autogroup").write_text(f"{NICENESS}\n")
            with contextlib.suppress(OSError):
                for task in (PROC / str(pid) / "task").iterdir():
                    os.setpriority(os.PRIO_PROCESS, int(task.name), NICENESS)


def _command_lines() -> dict[int, list[str]]:
    found = {}
    for folder in PROC.glob("[0-9]*"):
        try:
            words = (folder / "cmdline").read_bytes().decode(errors="replace")
        except OSError:
            continue
        # Chromium joins its words with spaces when it renames a process.
        found[int(folder.name)] = re.split(r"[\0 ]", words)
    return found


def _ancestors(pid: int) -> list[int]:
    found = [pid]
    while found[-1] > 1:
        try:
            stat = (PROC / str(found[-1]) / "stat").read_text()
        except OSError:
            break
        found.append(int(stat.rpartition(")")[2].split()[1]))
    return found


def _peak_mb(pid: int) -> float | None:
    try:
        status = (PROC / str(pid) / "status").read_text()
    except OSError:
        return None
    found = re.search(r"^VmHWM:\s*(\d+) kB", status, re.MULTILINE)
    return int(found[1]) * 1024 / 1e6 if found else None
