# SPDX-License-Identifier: Apache-2.0
"""The command line of build.py. Standard library only."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path
from typing import NoReturn

from octet.errors import UsageError, unknown


def _port(text: str) -> int:
    if not text.isdecimal() or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"got {text!r}, expected 0 to 65535")
    return int(text)


def _no_options(parser: argparse.ArgumentParser) -> None:
    pass


def _check_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--fix", action="store_true", help="write the formatting and easy fixes")


def _clean_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--all", action="store_true", help="also .venv and node_modules")


def _serve_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--port", type=_port, default=8000, help="0 takes a free one (8000)")


def _counts(text: str) -> list[int]:
    """Numbers above 0, by commas."""
    words = text.split(",")
    if not all(word.isdecimal() and int(word) > 0 for word in words):
        raise argparse.ArgumentTypeError(f"got {text!r}, expected numbers above 0: 1,2")
    return [int(word) for word in words]


def _number(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"got {text!r}, expected a number")
    return int(text)


def _variants(text: str) -> list[str]:
    dots = ("none", "pairs", "unsigned", "signed")
    known = ["scalar", "simd", "relaxed", *(f"relaxed:{dot}" for dot in dots)]
    words = text.split(",")
    if not set(words) <= set(known):
        raise argparse.ArgumentTypeError(f"got {text!r}, expected some of {','.join(known)}")
    return words


def _bench_options(parser: argparse.ArgumentParser) -> None:
    models = "short names or .tflite files; the demo networks if there are none"
    parser.add_argument("models", nargs="*", metavar="MODEL", help=models)
    parser.add_argument("--peers", action="store_true", help="measure the peers beside octet")
    parser.add_argument(
        "--threads", type=_counts, default=[1, 2], metavar="N,N", help="thread counts (1,2)"
    )
    parser.add_argument(
        "--variants", type=_variants, default=[], metavar="NAME,NAME", help="octet's wasm files"
    )
    parser.add_argument(
        "--rounds", type=_number, default=15, metavar="N", help="every engine's turns (15)"
    )
    starts = "time to the first result, bytes and memory, too"
    parser.add_argument("--startup", action="store_true", help=starts)
    parser.add_argument("--micro", action="store_true", help="octet's kernels by layer, too")
    page = "PERFORMANCE.md from docs/performance.json; measures only with --json"
    parser.add_argument("--render", action="store_true", help=page)
    parser.add_argument("--json", type=Path, metavar="FILE", help="where the results go, too")


def _fuzz_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--seconds", type=_number, default=60, metavar="N", help="for all campaigns together (60)"
    )
    parser.add_argument("--seed", type=_number, metavar="N", help="a new one by default")


def _bench_quantize_options(parser: argparse.ArgumentParser) -> None:
    parts = "accuracy, speed; both if there are none and nothing is to be rendered"
    parser.add_argument("parts", nargs="*", metavar="PART", help=parts)
    parser.add_argument(
        "--networks", default="", metavar="WORD,WORD", help="whose accuracy; all if not given"
    )
    parser.add_argument(
        "--records", type=_number, default=1000, metavar="N", help="to record in a turn (1000)"
    )
    parser.add_argument(
        "--rounds", type=_number, default=3, metavar="N", help="every recorder's turns (3)"
    )
    page = "docs/QUANTIZATION.md and QUANTIZING.md from docs/quantization.json"
    parser.add_argument("--render", action="store_true", help=page)
    parser.add_argument("--json", type=Path, metavar="FILE", help="where the results go, too")


@dataclass(frozen=True)
class Command:
    """A command of build.py: its help line, its options, whether the rest goes to pytest."""

    help: str
    add_options: Callable[[argparse.ArgumentParser], None] = _no_options
    takes_rest: bool = False


COMMANDS = {
    "build": Command("build kernels, bundle and release into build/ (the default)"),
    "test": Command("build, then run all tests; what follows goes to pytest", takes_rest=True),
    "serve": Command("serve what was built on localhost", _serve_options),
    "bench": Command("build, then measure octet and its peers", _bench_options),
    "bench-quantize": Command("measure what quantizing costs, and peers", _bench_quantize_options),
    "check": Command("formatting, lint and types of C, Python and JavaScript", _check_options),
    "fuzz": Command("build, then mutate model files and see what they do", _fuzz_options),
    "native": Command("build the kernels for this machine, under sanitizers"),
    "clean": Command("remove everything that was built", _clean_options),
}
"""Every command, in the order of the help. `octet.toolchain.__main__` says what each one runs."""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise UsageError(message)


def parse(argv: Sequence[str]) -> argparse.Namespace:
    """Parse build.py's arguments: ``command``, ``verbose``, its options, ``rest`` (for pytest).

    Raises:
        UsageError: for what it does not know, with the nearest match.
        SystemExit: after printing the help.
    """
    leading = list(takewhile(lambda word: word.startswith("-"), argv))
    name, *rest = list(argv[len(leading) :]) or ["build"]
    if name not in COMMANDS:
        raise unknown("command", name, COMMANDS)
    command = COMMANDS[name]
    parser = _parser(name, command)
    words = leading if command.takes_rest else leading + rest
    options, left = parser.parse_known_args(words)
    if left:
        known = [flag for action in parser._actions for flag in action.option_strings]
        raise unknown(f"argument of {name!r}", left[0], known)
    options.command = name
    options.rest = rest if command.takes_rest else []
    return options


def _parser(name: str, command: Command) -> argparse.ArgumentParser:
    commands = "\n".join(f"  {key:14} {value.help}" for key, value in COMMANDS.items())
    parser = _Parser(
        prog=f"build.py {name}",
        usage="python3 build.py [-v] [command] [options]",
        description=f"commands:\n{commands}\n\n{name}: {command.help}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("-v", "--verbose", action="store_true", help="show every command it runs")
    command.add_options(parser)
    return parser
