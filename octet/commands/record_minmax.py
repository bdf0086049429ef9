# SPDX-License-Identifier: Apache-2.0
"""``octet record-minmax``: the ranges of a float model's activations over representative data."""

from __future__ import annotations

import argparse
from pathlib import Path

from octet.commands.data_arguments import (
    add_data_arguments,
    add_record_arguments,
    add_shape_argument,
    cache_path,
    open_data,
    record_options,
)
from octet.commands.progress import progress
from octet.errors import UsageError
from octet.quantize.load import load_model
from octet.quantize.prepare import check_float, make_float
from octet.quantize.record import embed, model_inputs, record
from octet.tflite.simplify import drop_unused


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the subcommand."""
    parser = subparsers.add_parser(
        "record-minmax", help="run a float model over data and embed the ranges of its tensors"
    )
    parser.add_argument("model", type=Path, metavar="MODEL", help="a float .tflite or .onnx file")
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="OUT", help="a .tflite")
    parser.add_argument(
        "--dequantize-weights", action="store_true", help="accept 8-bit weights, made float"
    )
    add_shape_argument(parser)
    add_data_arguments(parser)
    add_record_arguments(parser)


def run(args: argparse.Namespace) -> int:
    """Write the model with ranges. Raises OctetError."""
    model = load_model(args.model, dict(args.input_shape))
    check_float(model, hybrid=args.dequantize_weights)
    runs = model.copy()
    make_float(runs)  # the hook reads float16 models wrongly; the numbers are the same
    source = open_data(args, model_inputs(runs.to_bytes(), runs))
    if source is None:
        raise UsageError("record-minmax needs --data SRC or --random N.")
    with progress() as report:
        found = record(
            runs, source, record_options(args), cache=cache_path(args, args.output), report=report
        )
    if args.dequantize_weights:
        model = runs
    embed(model, found)
    if args.dequantize_weights:
        drop_unused(model)
    model.write(args.output)
    tensors = len(found.ranges)
    print(f"{args.output}: {tensors} tensors over {found.records} records, {found.mode}")
    return 0
