# SPDX-License-Identifier: Apache-2.0
"""``octet quantize``: a float model, and data where it has no ranges yet, to an 8-bit model."""

from __future__ import annotations

import argparse
from collections import Counter
from dataclasses import replace
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
from octet.quantize.config import FLOAT, GRANULARITIES, Config, default_granularity, load_config
from octet.quantize.convert import IO_TYPES, Interface
from octet.quantize.correct_bias import METHODS
from octet.quantize.load import load_model
from octet.quantize.prepare import prepare
from octet.quantize.quantize import Quantized, QuantizeOptions, quantize_model
from octet.quantize.record import model_inputs
from octet.quantize.schemes import SCHEMES
from octet.quantize.table import FORMATS, make_table
from octet.tflite.files import write_whole


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the subcommand."""
    parser = subparsers.add_parser("quantize", help="make an 8-bit model of a float one")
    parser.add_argument("model", type=Path, metavar="MODEL", help="a float .tflite or .onnx file")
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="OUT", help="a .tflite")
    group = parser.add_argument_group("number types")
    group.add_argument("--dtype", choices=tuple(SCHEMES), help="default: int8")
    group.add_argument(
        "--granularity", choices=GRANULARITIES, help="of weights; default: channel, uint8: layer"
    )
    for side in ("input", "output"):
        group.add_argument(
            f"--{side}-type", choices=IO_TYPES, default=FLOAT, help="default: float32"
        )
    group.add_argument("--config", type=Path, metavar="JSON", help="wishes per operator and tensor")
    group.add_argument(
        "--quantize-after", action="append", default=[], metavar="NAME", help="float up to there"
    )
    group.add_argument(
        "--dequantize-after", action="append", default=[], metavar="NAME", help="float from there"
    )
    group.add_argument(
        "--dequantize-weights", action="store_true", help="accept 8-bit weights, made float"
    )
    group = parser.add_argument_group("accuracy; these need data")
    group.add_argument(
        "--bias-correction", choices=METHODS, help="default: fast where there is data"
    )
    group.add_argument(
        "--equalize",
        action=argparse.BooleanOptionalAction,
        help="channels across layers; default: where there is data and weights have one scale",
    )
    group.add_argument(
        "--activation-clip", choices=("mse",), help="cut ranges where that lowers the squared error"
    )
    group = parser.add_argument_group("what is written")
    group.add_argument("--fake-quantize", action="store_true", help="float32, rounded as integers")
    group.add_argument("--table", type=Path, metavar="OUT.tsv", help="scales and zero points")
    group.add_argument("--table-format", choices=FORMATS, default="tsv", help="default: tsv")
    add_shape_argument(parser)
    add_data_arguments(parser)
    add_record_arguments(parser)


def run(args: argparse.Namespace) -> int:
    """Write the quantized model. Raises OctetError."""
    model = load_model(args.model, dict(args.input_shape))
    prepared = prepare(model, dequantize_weights=args.dequantize_weights).model
    source = open_data(args, model_inputs(prepared.to_bytes(), prepared))
    if args.activation_clip and (source is None or args.mode != "minmax"):
        raise UsageError("--activation-clip needs --data, and goes with no other --mode.")
    record = record_options(args)
    if args.activation_clip:
        record = replace(record, mode=args.activation_clip)
    config = wanted_config(args)
    options = QuantizeOptions(
        config=config,
        interface=Interface(args.input_type, args.output_type),
        record=record,
        equalize=equalizes(args.equalize, config, source is not None),
        bias_correction=args.bias_correction or ("fast" if source else "none"),
        dequantize_weights=args.dequantize_weights,
        fake=args.fake_quantize,
    )
    with progress() as report:
        cache = cache_path(args, args.output)
        result = quantize_model(model, options, source, cache=cache, report=report)
    table = None
    if args.table:
        table = make_table(result.model, args.table_format, config.dequantize_after)
    result.model.write(args.output)
    if table is not None:
        write_whole(args.table, table.encode())
    _print_summary(args, result)
    return 0


def wanted_config(args: argparse.Namespace) -> Config:
    """Return the configuration file, if there is one, with what the command line says on top."""
    config = load_config(args.config) if args.config else Config()
    if args.dtype:
        config = replace(config, dtype=args.dtype)
    if args.granularity:
        config = replace(config, granularity=args.granularity)
    return replace(
        config,
        quantize_after=(*config.quantize_after, *args.quantize_after),
        dequantize_after=(*config.dequantize_after, *args.dequantize_after),
    )


def equalizes(asked: bool | None, config: Config, has_data: bool) -> bool:
    """Return whether to equalize: what was asked for, else where one scale serves all channels."""
    if asked is not None:
        return asked
    return has_data and "layer" in (config.granularity, default_granularity(config.dtype))


def _print_summary(args: argparse.Namespace, result: Quantized) -> None:
    before, after = args.model.stat().st_size, args.output.stat().st_size
    counts = Counter(own.dtype for own in result.plan.operators)
    kinds = ", ".join(f"{count} {dtype}" for dtype, count in sorted(counts.items()))
    print(f"{args.output}: {before:,} → {after:,} bytes; operators: {kinds}")
    for layer, why in result.in_float():
        name = layer.names[0] if layer.names else ""
        print(f'  float32: {layer.type} "{name}" ({why})')
