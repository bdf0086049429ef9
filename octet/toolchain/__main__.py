# SPDX-License-Identifier: Apache-2.0
"""The second half of build.py, inside the virtual environment: runs the command."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable

from octet.bench import command as bench
from octet.bench.quantization import command as bench_quantize
from octet.errors import OctetError, unknown
from octet.toolchain import arguments, check, fuzz, lock, pipeline, process, serving, testing
from octet.toolchain.native import RUNNER_SOURCE
from octet.toolchain.paths import ROOT
from octet.toolchain.pipeline import console


def _build(options: argparse.Namespace) -> int:
    with lock.exclusive(ROOT):
        pipeline.build()
    console.print("Built. See it: python3 build.py serve")
    return 0


def _test(options: argparse.Namespace) -> int:
    with lock.exclusive(ROOT):
        pipeline.build()
        if RUNNER_SOURCE.exists():
            pipeline.build_native()
    return testing.run_tests(options.rest)


def _bench(options: argparse.Namespace) -> int:
    with lock.exclusive(ROOT):
        pipeline.build()
    request = bench.Request(
        models=options.models,
        with_peers=options.peers,
        threads=options.threads,
        variants=options.variants,
        rounds=options.rounds,
        startup=options.startup,
        micro=options.micro,
        json=options.json,
        render=options.render,
    )
    return bench.run(console, request)


def _fuzz(options: argparse.Namespace) -> int:
    with lock.exclusive(ROOT):
        pipeline.build()
        pipeline.build_native()
    return fuzz.run(console, options.seconds, options.seed)


def _bench_quantize(options: argparse.Namespace) -> int:
    parts = options.parts or ([] if options.render else list(bench_quantize.PARTS))
    for part in parts:
        if part not in bench_quantize.PARTS:
            raise unknown("part", part, bench_quantize.PARTS)
    request = bench_quantize.Request(
        parts=parts,
        networks=[word for word in options.networks.split(",") if word],
        records=options.records,
        rounds=options.rounds,
        json=options.json,
        render=options.render,
    )
    return bench_quantize.run(console, request)


def _native(options: argparse.Namespace) -> int:
    with lock.exclusive(ROOT):
        pipeline.build_native()
    return 0


def _serve(options: argparse.Namespace) -> int:
    serving.serve(console, options.port)
    return 0


def _check(options: argparse.Namespace) -> int:
    with lock.exclusive(ROOT):
        pipeline.prepare_sources()
    return check.run_checks(console, fix=options.fix)


RUN: dict[str, Callable[[argparse.Namespace], int]] = {
    "build": _build,
    "test": _test,
    "serve": _serve,
    "bench": _bench,
    "bench-quantize": _bench_quantize,
    "check": _check,
    "fuzz": _fuzz,
    "native": _native,
}
"""What each command of `arguments.COMMANDS` runs; ``clean`` needs no environment."""


def main() -> int:
    """Run the command in ``sys.argv`` and return its exit code."""
    try:
        options = arguments.parse(sys.argv[1:])
        process.show_commands(options.verbose)
        return RUN[options.command](options)
    except OctetError as error:
        print(f"build.py: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print("\ninterrupted", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())
