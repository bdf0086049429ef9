# SPDX-License-Identifier: Apache-2.0
"""``octet make-dataset``: images as records in HDF5."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

from octet.commands.progress import Report, progress
from octet.errors import UsageError
from octet.quantize.data.hdf5 import write_hdf5
from octet.quantize.data.images import (
    CHANNELS,
    FITS,
    LAYOUTS,
    ImageOptions,
    find_images,
    image_record,
    shuffled,
)
from octet.tflite.types import Array


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the subcommand."""
    parser = subparsers.add_parser("make-dataset", help="make HDF5 records of images")
    parser.add_argument("images", type=Path, nargs="+", metavar="IMAGES", help="files, directories")
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="OUT.h5")
    parser.add_argument(
        "--size", required=True, metavar="HxW", help="of a record, for instance 224x224"
    )
    parser.add_argument(
        "--resize", type=int, default=0, metavar="N", help="shorter side before a crop"
    )
    parser.add_argument("--fit", choices=FITS, default="crop", help="default: crop")
    parser.add_argument(
        "--mean", default="127.5", metavar="M[,M,M]", help="of pixels 0 to 255; default: 127.5"
    )
    parser.add_argument("--std", default="127.5", metavar="S[,S,S]", help="default: 127.5")
    parser.add_argument("--layout", choices=LAYOUTS, default="nhwc", help="default: nhwc")
    parser.add_argument("--channels", choices=CHANNELS, default="rgb", help="default: rgb")
    parser.add_argument(
        "--dtype", choices=("float32", "uint8"), default="float32", help="default: float32"
    )
    parser.add_argument("--shuffle", type=int, metavar="SEED", help="in an order of this seed")
    parser.add_argument("--limit", type=int, metavar="N", help="the first N only")


def run(args: argparse.Namespace) -> int:
    """Write the dataset. Raises OctetError."""
    height, width = _size(args.size)
    options = ImageOptions(
        height=height,
        width=width,
        resize=args.resize,
        fit=args.fit,
        mean=_numbers(args.mean, "--mean"),
        std=_numbers(args.std, "--std"),
        layout=args.layout,
        channels=args.channels,
        dtype=args.dtype,
    )
    paths = find_images(args.images)
    if args.shuffle is not None:
        paths = shuffled(paths, args.shuffle)
    paths = paths[: args.limit]
    with progress() as report:
        rows = _rows(paths, options, report)
        count = write_hdf5(args.output, rows, titles=[path.name for path in paths])
    print(f"{args.output}: {count} records")
    return 0


def _rows(paths: list[Path], options: ImageOptions, report: Report) -> Iterator[list[Array]]:
    for done, path in enumerate(paths, 1):
        yield [image_record(path, options)]
        report("images", done, len(paths))


def _size(text: str) -> tuple[int, int]:
    words = text.lower().split("x")
    if len(words) != 2 or not all(word.isdigit() and int(word) for word in words):
        raise UsageError(f"--size: got {text!r}, expected height x width, for instance 224x224.")
    return int(words[0]), int(words[1])


def _numbers(text: str, option: str) -> tuple[float, ...]:
    try:
        return tuple(float(word) for word in text.split(","))
    except ValueError:
        raise UsageError(f"{option}: got {text!r}, expected numbers separated by commas.") from None
