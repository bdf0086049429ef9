# SPDX-License-Identifier: Apache-2.0
"""The command ``octet``: parses, runs the subcommand, turns expected errors into one line."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from typing import NoReturn, Protocol

from octet import __version__
from octet.commands import (
    compare,
    conformance,
    dequantize,
    export,
    inspect,
    make_dataset,
    quantize,
    record_minmax,
    run,
    search,
    sizes,
    verify,
)
from octet.errors import OctetError, UsageError, unknown


class Command(Protocol):
    """What a module of `octet.commands` offers."""

    def add_parser(self, subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
        """Add the subcommand's parser, under its key in COMMANDS."""

    def run(self, args: argparse.Namespace) -> int:
        """Do it and return the exit code; an OctetError is printed without a traceback."""


COMMANDS: dict[str, Command] = {
    "run": run,
    "inspect": inspect,
    "make-dataset": make_dataset,
    "record-minmax": record_minmax,
    "quantize": quantize,
    "compare": compare,
    "search": search,
    "verify": verify,
    "dequantize": dequantize,
    "export": export,
    "conformance": conformance,
    "sizes": sizes,
}
"""Every subcommand and its module, in the order of the help."""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{message}. See: {self.prog} --help")


def parse(argv: Sequence[str]) -> argparse.Namespace:
    """Parse the command line. Raises UsageError for what it does not know."""
    parser: argparse.ArgumentParser = _Parser(
        prog="octet", description="8-bit neural networks in the browser."
    )
    parser.add_argument("--version", action="version", version=f"octet {__version__}")
    subparsers = parser.add_subparsers(dest="command", required=True, metavar="command")
    for module in COMMANDS.values():
        module.add_parser(subparsers)
    first = next((word for word in argv if not word.startswith("-")), None)
    if first is not None and first not in COMMANDS:
        raise unknown("command", first, COMMANDS)
    args, rest = parser.parse_known_args(argv)
    if rest:
        what = ", ".join(map(repr, rest))
        raise UsageError(f"unknown argument {what}. See: octet {args.command} --help")
    return args


def main(argv: Sequence[str] | None = None) -> int:
    """Run ``octet`` and return its exit code: 0, 1 after a failure, 2 for a wrong command line."""
    try:
        args = parse(sys.argv[1:] if argv is None else argv)
        return COMMANDS[args.command].run(args)
    except OctetError as error:
        print(f"octet: {error}", file=sys.stderr)
        return error.exit_code
    except BrokenPipeError:  # whoever read the output has seen enough, for instance head
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        print("\ninterrupted", file=sys.stderr)
        return 130
