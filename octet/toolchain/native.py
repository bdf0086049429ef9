# SPDX-License-Identifier: Apache-2.0
"""The kernels for this machine, under the address and undefined-behaviour sanitizers."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from pyodide_build.common import find_missing_executables

from octet.errors import OctetError
from octet.toolchain import process
from octet.toolchain.paths import KERNELS, NATIVE, ROOT, WASM
from octet.toolchain.tasks import Step

RUNNER_SOURCE = ROOT / "tests/kernels/native_runner.c"
RUNNER = NATIVE / "kernel_runner"

PLAN_RUNNER_SOURCE = ROOT / "tests/fuzz/plan_runner.c"
PLAN_RUNNER = NATIVE / "plan_runner"

RUNNERS = {RUNNER_SOURCE: RUNNER, PLAN_RUNNER_SOURCE: PLAN_RUNNER}
"""Source to program: single kernels, and whole plans."""

FLAGS = (
    *("-std=gnu11", "-O1", "-g", "-Wall", "-Wextra", "-Werror"),
    # Vectors by value: a warning about the ABI between compilers, of which there is one.
    "-Wno-psabi",
    *("-fwrapv", "-ffp-contract=off"),
    # The dot products of every CPU, in plain C.
    "-DOCTET_REFERENCE_DOTS",
    *("-fsanitize=address,undefined", "-fno-sanitize-recover=all"),
)


def compile_steps() -> list[Step]:
    """Return the steps that compile the kernels and their runners. Raises OctetError: no gcc."""
    if find_missing_executables(["gcc"]):
        raise OctetError("not on PATH: gcc")
    headers = sorted(KERNELS.glob("*.h")) + [WASM / "plan_kernels.inc"]
    flags = (*FLAGS, f"-I{WASM}")
    return [
        Step(
            f"native/{source.name}",
            [source, *headers],
            [_object(source)],
            partial(_gcc, [*flags, "-c", str(source)], _object(source)),
            key=" ".join(flags),
        )
        for source in (*_kernels(), *RUNNERS)
    ]


def link_steps() -> list[Step]:
    """Return the steps that link the runners, in ``build/native``."""
    steps = []
    for source, runner in RUNNERS.items():
        objects = [_object(path) for path in (*_kernels(), source)]
        words = [*FLAGS, *map(str, objects), "-lm"]
        run = partial(_gcc, words, runner)
        steps.append(Step(f"native/link/{runner.name}", objects, [runner], run, " ".join(words)))
    return steps


def _kernels() -> list[Path]:
    return sorted(KERNELS.glob("*.c"))


def _object(source: Path) -> Path:
    return NATIVE / f"{source.stem}.o"


def _gcc(words: list[str], output: Path) -> None:
    output.parent.mkdir(parents=True, exist_ok=True)
    process.run(["gcc", *words, "-o", output])
