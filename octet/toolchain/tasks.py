# SPDX-License-Identifier: Apache-2.0
"""Incremental steps: each runs only when its inputs, its flags or its outputs changed.

A step's stamp is removed before it runs and written, in one piece, after it ended: work that was
interrupted is never taken for done.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path

from octet.errors import OctetError


@dataclass(frozen=True)
class Step:
    """A piece of work.

    Attributes:
        name: unique; names its stamp file.
        inputs: the files it reads; their contents count, not their times.
        outputs: the files it writes.
        run: does it. It makes the outputs' folders exist and replaces each output whole.
        key: whatever else decides the outputs: flags, versions of tools.
    """

    name: str
    inputs: Sequence[Path]
    outputs: Sequence[Path]
    run: Callable[[], None]
    key: str = ""


class Runner:
    """Runs steps, several at a time, and remembers in ``stamps`` what they were run for."""

    def __init__(self, stamps: Path, jobs: int | None = None) -> None:
        self._stamps = stamps
        self._jobs = jobs or os.cpu_count() or 1

    def pending(self, steps: Iterable[Step]) -> list[Step]:
        """Return the steps that are not up to date."""
        return [step for step in steps if not self._is_current(step)]

    def run(self, steps: Sequence[Step], on_done: Callable[[Step], None] = lambda _: None) -> int:
        """Run the steps that are not up to date and return how many they were.

        Steps of one call may not depend on each other. The first error ends the call after the
        steps already under way.
        """
        pending = self.pending(steps)
        with ThreadPoolExecutor(self._jobs) as pool:
            futures = [pool.submit(self._run_one, step, on_done) for step in pending]
            try:
                wait(futures, return_when=FIRST_EXCEPTION)
            finally:
                pool.shutdown(wait=True, cancel_futures=True)
        for future in futures:
            if not future.cancelled():
                future.result()
        return len(pending)

    def _run_one(self, step: Step, on_done: Callable[[Step], None]) -> None:
        stamp = self._stamp(step)
        stamp.unlink(missing_ok=True)
        made_from = _inputs(step)  # before it reads them: an edit meanwhile makes it run again
        step.run()
        absent = [str(path) for path in step.outputs if not path.is_file()]
        if absent:
            raise OctetError(f"{step.name} did not make {', '.join(absent)}")
        record = {"in": made_from, "out": _digest(step.outputs)}
        write_whole(stamp, json.dumps(record).encode())
        on_done(step)

    def _stamp(self, step: Step) -> Path:
        return self._stamps / f"{step.name.replace('/', '.')}.json"

    def _is_current(self, step: Step) -> bool:
        try:
            record = json.loads(self._stamp(step).read_bytes())
            out = _digest(step.outputs)
        except (OSError, ValueError):
            return False
        return bool(record == {"in": _inputs(step), "out": out})


def _inputs(step: Step) -> str:
    words = "\0".join([step.name, step.key, *map(str, step.outputs), _digest(step.inputs)])
    return hashlib.sha256(words.encode()).hexdigest()


def _digest(paths: Iterable[Path]) -> str:
    total = hashlib.sha256()
    for path in paths:
        total.update(f"{path}\0".encode())
        total.update(hashlib.sha256(path.read_bytes()).digest())
    return total.hexdigest()


def write_whole(path: Path, content: bytes) -> None:
    """Write a file so that it never exists half-written; makes its folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = partial_of(path)
    partial.write_bytes(content)
    partial.replace(path)


def partial_of(path: Path) -> Path:
    """Return where to write what is to replace ``path``: beside it, with the same suffix."""
    path.parent.mkdir(parents=True, exist_ok=True)
    return path.with_name(f"partial-{path.name}")
