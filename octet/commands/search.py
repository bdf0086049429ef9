# SPDX-License-Identifier: Apache-2.0
"""``octet search``: which operators to leave out of 8 bits, as a configuration for ``quantize``."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from octet.commands.console import wide_console
from octet.commands.data_arguments import (
    add_data_arguments,
    add_record_arguments,
    add_shape_argument,
    cache_path,
    open_data,
    record_options,
)
from octet.commands.progress import progress
from octet.commands.quantize import equalizes
from octet.compare.comparison import short_name
from octet.compare.labels import read_labels
from octet.errors import UsageError
from octet.quantize.config import Config, load_config
from octet.quantize.correct_bias import METHODS
from octet.quantize.data.source import open_source
from octet.quantize.load import load_model
from octet.quantize.prepare import prepare
from octet.quantize.quantize import QuantizeOptions
from octet.quantize.record import model_inputs
from octet.quantize.schemes import SCHEMES
from octet.search.scores import METRICS
from octet.search.search import (
    FALLBACKS,
    SearchOptions,
    SearchResult,
    search_model,
)
from octet.search.strategies import ORDERS, Point
from octet.tflite.files import write_whole


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the subcommand."""
    parser = subparsers.add_parser(
        "search", help="leave out of 8 bits what costs the most accuracy", epilog=_metric_help()
    )
    parser.add_argument("model", type=Path, metavar="MODEL", help="a float .tflite or .onnx file")
    parser.add_argument(
        "-o", "--output", type=Path, required=True, metavar="QUANT.json", help="for quantize"
    )
    parser.add_argument("--quantized", type=Path, metavar="OUT", help="write the .tflite as well")
    group = parser.add_argument_group("what to look for")
    group.add_argument(
        "--metric", choices=tuple(METRICS), help="default: accuracy, top1 or nrmse, what is first"
    )
    group.add_argument("--max-drop", type=float, default=0.01, help="accepted loss; default: 0.01")
    group.add_argument(
        "--ratio", type=float, help="instead: of the loss of 8 bits, by bisection; 0 to 1"
    )
    group.add_argument(
        "--order",
        choices=ORDERS,
        default=ORDERS[0],
        help="in which operators are left out: what helps the most per millisecond (default), what "
        "helps the most, from the front, from the back",
    )
    group.add_argument(
        "--no-refine", action="store_true", help="do not put back what is not needed at the end"
    )
    group.add_argument(
        "--to", choices=FALLBACKS, default=FALLBACKS[0], help="what is left out becomes"
    )
    group.add_argument(
        "--rank-records", type=int, default=32, metavar="N", help="for the ranking; default: 32"
    )
    group = parser.add_argument_group("measuring")
    group.add_argument("--evaluate", metavar="SRC", help="records to measure on; default: --data")
    group.add_argument("--labels", metavar="FILE", help="right classes: text, .npy or .npz:key")
    group.add_argument("--label-offset", type=int, default=0, metavar="N", help="added to each")
    group.add_argument(
        "--measure",
        action="store_true",
        help="measure the network's times in headless Chromium, rather than estimate them",
    )
    group.add_argument("--json", action="store_true", help="everything, for machines")
    group = parser.add_argument_group("quantization")
    group.add_argument("--dtype", choices=tuple(SCHEMES), help="default: int8")
    group.add_argument("--config", type=Path, metavar="JSON", help="to start from")
    group.add_argument("--bias-correction", choices=METHODS, default="fast", help="default: fast")
    group.add_argument(
        "--equalize", action=argparse.BooleanOptionalAction, help="as quantize does by default"
    )
    add_shape_argument(parser)
    add_data_arguments(parser)
    add_record_arguments(parser)


def run(args: argparse.Namespace) -> int:
    """Write the configuration; 1 if even the best one loses too much. Raises OctetError."""
    model = load_model(args.model, dict(args.input_shape))
    prepared = prepare(model).model
    inputs = model_inputs(prepared.to_bytes(), prepared)
    source = open_data(args, inputs)
    if source is None:
        raise UsageError("search needs --data SRC or --random N.")
    config = load_config(args.config) if args.config else Config(dtype=args.dtype or "int8")
    if args.config and args.dtype:
        raise UsageError("--config and --dtype: only one of them.")
    options = SearchOptions(
        metric=args.metric or "",
        max_drop=args.max_drop,
        ratio=args.ratio,
        order=args.order,
        refine=not args.no_refine,
        fallback=args.to,
        rank_records=args.rank_records,
        measure=args.measure,
        quantize=QuantizeOptions(
            config=config,
            record=record_options(args),
            bias_correction=args.bias_correction,
            equalize=equalizes(args.equalize, config, has_data=True),
        ),
    )
    with progress() as report:
        found = search_model(
            model,
            source,
            options,
            evaluation=open_source(args.evaluate, inputs) if args.evaluate else None,
            labels=read_labels(args.labels, args.label_offset) if args.labels else None,
            cache=cache_path(args, args.output),
            report=report,
        )
    write_whole(args.output, found.config.to_json().encode())
    if args.quantized:
        found.quantized.model.write(args.quantized)
    if args.json:
        print(json.dumps(search_json(found), indent=1, ensure_ascii=False))
    else:
        print_search(wide_console(), args, found)
    return 0 if found.met() else 1


def search_json(found: SearchResult) -> dict[str, Any]:
    """Return what was found as JSON has it."""
    return {
        "metric": found.metric,
        "target": found.target,
        "times": found.times,
        "met": found.met(),
        "chosen": _point_json(found, found.chosen),
        "tried": [_point_json(found, point) for point in found.points],
        "frontier": [found.points.index(point) for point in found.frontier()],
        "ranking": [
            {
                "name": found.names[one.position],
                "drop": one.score.drop,
                "noise": one.score.noise,
                "gain": one.gain,
                "ms": one.ms,
            }
            for one in found.ranking
        ],
    }


def _point_json(found: SearchResult, point: Point) -> dict[str, Any]:
    return {
        "left_out": [found.names[position] for position in point.left_out],
        "drop": point.score.drop,
        "noise": point.score.noise,
        "bytes": point.cost.size,
        "eight_bits": point.cost.eight_bits,
        "ms": point.cost.ms,
        "speed": point.cost.speed,
    }


def print_search(console: Console, args: argparse.Namespace, found: SearchResult) -> None:
    """Print the frontier, what is left out, and whether the loss is accepted."""
    console.print(f"loss: {found.metric}, {METRICS[found.metric].help}", markup=False)
    columns = ["left out", "bytes", "in 8 bits", "ms", "speed", "loss", "error / signal", ""]
    table = Table(*columns, box=None)
    frontier = [point for point in found.frontier() if point.left_out != found.chosen.left_out]
    for point in sorted([*frontier, found.chosen], key=lambda point: point.cost.size):
        table.add_row(*_point_row(point), "written" if point is found.chosen else "")
    console.print(table)
    beaten = len(found.points) - len(found.frontier())
    console.print(f"tried and beaten in size, time and loss: {beaten} more")
    for position in found.chosen.left_out:
        console.print(f"  {args.to}: {short_name(found.names[position])}", markup=False)
    words = "at most" if found.met() else "which is above the accepted"
    console.print(
        f"{args.output}: loss {found.chosen.score.drop:.4g}, {words} {found.target:.4g}",
        markup=False,
    )
    console.print(f"ms: one run in octet on one thread, {found.times}", markup=False)


def _point_row(point: Point) -> list[str]:
    return [
        str(len(point.left_out)),
        f"{point.cost.size:,}",
        f"{point.cost.eight_bits:.1%}",
        f"{point.cost.ms:.3g}",
        f"{point.cost.speed:.2f}x",
        f"{point.score.drop:.4g}",
        f"{point.score.noise:.4f}",
    ]


def _metric_help() -> str:
    return "metrics: " + "; ".join(f"{name}: {metric.help}" for name, metric in METRICS.items())
