# SPDX-License-Identifier: Apache-2.0
"""Arguments that the quantizer's commands share: where records come from, how ranges are found."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from octet.errors import UsageError
from octet.quantize.data.source import RandomSource, Source, open_source
from octet.quantize.modes import MODES, ModeOptions
from octet.quantize.record import RecordOptions
from octet.tflite.runtime import InputSpec

DATA_HELP = (
    "records: HDF5, .npz, .npy, a directory with a file per record, or a list of files; "
    "FILE#100:200 takes some of them"
)


def add_shape_argument(parser: argparse.ArgumentParser) -> None:
    """Add the argument that closes open dimensions of ONNX files."""
    parser.add_argument(
        "--input-shape",
        type=_named_shape,
        action="append",
        default=[],
        metavar="NAME=1x3x224x224",
        help="of an input that an ONNX file leaves open",
    )


def _named_shape(text: str) -> tuple[str, tuple[int, ...]]:
    name, equals, sizes = text.rpartition("=")
    try:
        shape = tuple(int(size) for size in sizes.split("x"))
    except ValueError:
        shape = ()
    if not equals or not shape or min(shape) < 1:
        raise argparse.ArgumentTypeError(f"got {text!r}, expected NAME=1x3x224x224")
    return name, shape


def add_data_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments that say where records come from."""
    group = parser.add_argument_group("data")
    group.add_argument("--data", metavar="SRC", help=DATA_HELP)
    group.add_argument("--random", type=int, metavar="N", help="N random records instead")
    group.add_argument("--seed", type=int, default=0, help="of random records; default: 0")
    group.add_argument(
        "--random-range",
        type=float,
        nargs=2,
        metavar=("LOW", "HIGH"),
        help="of random records; default: -1 1, whole numbers 0 100",
    )


def open_data(args: argparse.Namespace, inputs: Sequence[InputSpec]) -> Source | None:
    """Return the records that the arguments name, or None if they name none.

    Raises:
        DataError: if they cannot be opened.
        UsageError: if there are two sources.
    """
    if args.data is not None and args.random is not None:
        raise UsageError("--data and --random: only one of them.")
    if args.random is not None:
        limits = tuple(args.random_range) if args.random_range else None
        return RandomSource(inputs, args.random, args.seed, limits)
    return open_source(args.data, inputs) if args.data is not None else None


def add_record_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments that say how ranges are found."""
    group = parser.add_argument_group("recording")
    group.add_argument(
        "--mode", choices=MODES, default="minmax", help="how a range is chosen; default: minmax"
    )
    group.add_argument(
        "--percentile",
        type=float,
        nargs=2,
        metavar=("LOW", "HIGH"),
        help="default: 1 99 of records for percentile, 0.001 99.999 for element-percentile",
    )
    group.add_argument(
        "--batch", type=int, default=16, help="records per step of moving-average; default: 16"
    )
    group.add_argument(
        "--constant", type=float, default=0.1, help="of moving-average; default: 0.1"
    )
    group.add_argument(
        "--jobs", type=int, default=0, metavar="N", help="models run at a time; default: processors"
    )
    group.add_argument("--threads", type=int, default=0, metavar="N", help="of each of them")
    group.add_argument(
        "--scheduler", default="", metavar="ADDRESS", help="run on a Dask cluster, tcp://host:8786"
    )
    group.add_argument(
        "--cache", type=Path, metavar="FILE", help="ranges of each record; default: OUT.ranges"
    )
    group.add_argument("--no-cache", action="store_true", help="keep no ranges of each record")


def record_options(args: argparse.Namespace) -> RecordOptions:
    """Return the options that `add_record_arguments` reads. Raises UsageError."""
    for name in ("jobs", "threads"):
        if getattr(args, name) < 0:
            raise UsageError(f"--{name}: got {getattr(args, name)}, expected 0 or more.")
    if args.batch < 1 or not 0 < args.constant <= 1:
        raise UsageError("--batch: expected 1 or more; --constant: expected above 0, at most 1.")
    low, high = args.percentile or (None, None)
    return RecordOptions(
        mode=args.mode,
        constants=ModeOptions(low, high, args.batch, args.constant),
        jobs=args.jobs,
        threads=args.threads,
        scheduler=args.scheduler,
    )


def cache_path(args: argparse.Namespace, output: Path) -> Path | None:
    """Return where the ranges of each record go, None for nowhere."""
    if args.no_cache:
        return None
    return args.cache or output.with_name(f"{output.name}.ranges")
