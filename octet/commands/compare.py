# SPDX-License-Identifier: Apache-2.0
"""``octet compare``: how far one model's numbers are from another's, output by output and layer by
layer; or octet's own from LiteRT's.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from rich.console import Console
from rich.table import Table

from octet.commands.console import wide_console
from octet.commands.data_arguments import (
    add_data_arguments,
    add_shape_argument,
    open_data,
)
from octet.commands.progress import progress
from octet.compare.compare import (
    DIVERGES_BELOW,
    CompareOptions,
    compare_models,
    compare_with_litert,
)
from octet.compare.comparison import (
    Comparison,
    LayerReport,
    OutputReport,
    decibel_text,
    short_name,
)
from octet.compare.engines import input_specs
from octet.compare.labels import read_labels
from octet.compare.report import render_report
from octet.errors import UsageError
from octet.quantize.load import load_model
from octet.tflite.files import write_whole
from octet.tflite.runtime import KERNELS
from octet.web.runner import VARIANTS


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the subcommand."""
    parser = subparsers.add_parser(
        "compare", help="how far two models are apart, or octet from LiteRT"
    )
    parser.add_argument("a", type=Path, metavar="A", help="the reference, .tflite or .onnx")
    parser.add_argument("b", type=Path, metavar="B", nargs="?", help="what is compared with it")
    parser.add_argument(
        "--against", choices=("litert",), help="run A in octet in a browser, and in LiteRT"
    )
    parser.add_argument("--labels", metavar="FILE", help="right classes: text, .npy or .npz:key")
    parser.add_argument("--label-offset", type=int, default=0, metavar="N", help="added to each")
    parser.add_argument("--no-layers", action="store_true", help="outputs only")
    parser.add_argument(
        "--diverges-below",
        type=float,
        default=DIVERGES_BELOW,
        metavar="DB",
        help=f"SQNR at which a layer of B has gone astray; default: {DIVERGES_BELOW:g}",
    )
    parser.add_argument("--kernels", choices=tuple(KERNELS), default="fast", help="of LiteRT")
    parser.add_argument("--threads", type=int, default=0, metavar="N", help="of LiteRT")
    parser.add_argument("--variant", choices=VARIANTS, help="octet's wasm file; default: the best")
    parser.add_argument("--top", type=int, default=10, metavar="N", help="worst layers to print")
    parser.add_argument("--html", type=Path, metavar="REPORT.html", help="write a page")
    parser.add_argument("--json", action="store_true", help="everything, for machines")
    add_shape_argument(parser)
    add_data_arguments(parser)


def run(args: argparse.Namespace) -> int:
    """Print the comparison. Raises OctetError."""
    if (args.b is None) == (args.against is None):
        raise UsageError("compare needs a second model B, or --against litert, and not both.")
    shapes = dict(args.input_shape)
    a = load_model(args.a, shapes)
    b = a if args.b is None else load_model(args.b, shapes)
    source = open_data(args, input_specs(a, b))
    if source is None:
        raise UsageError("compare needs --data SRC or --random N.")
    options = CompareOptions(
        layers=not args.no_layers,
        labels=read_labels(args.labels, args.label_offset) if args.labels else None,
        threads=args.threads,
        kernels=args.kernels,
        diverges_below=args.diverges_below,
    )
    with progress() as report:
        if args.b is None:
            found = compare_with_litert(a, source, options, variant=args.variant, report=report)
        else:
            found = compare_models(a, b, source, options, report=report)
    if args.html:
        write_whole(args.html, render_report(found).encode())
    if args.json:
        print(json.dumps(found.to_json(), indent=1, ensure_ascii=False))
    else:
        print_comparison(wide_console(), found, args.top)
    return 0


def print_comparison(console: Console, found: Comparison, top: int) -> None:
    """Print outputs, the worst layers, and where the models part."""
    console.print(f"{found.other}\nagainst {found.reference}", markup=False)
    console.print(f"{found.records} records of {found.source}\n", markup=False)
    columns = ["output", "MAE", "MAPE", "MSE", "MPEIR", "SQNR", "cosine", "top-1", "top-5"]
    accuracy = any(o.classes and o.classes.accuracy_a is not None for o in found.outputs)
    table = Table(*columns, *(["accuracy A", "B"] if accuracy else []), box=None)
    for output in found.outputs:
        table.add_row(*_output_row(output, accuracy))
    console.print(table)
    if found.layers and found.first_difference is None:
        console.print(f"\nall {len(found.layers)} layers are equal")
    elif found.layers:
        console.print("\nworst layers")
        columns = ["", "operator", "tensor", "types", "SQNR", "lost", "SRMSE", "TAE", "MPEIR"]
        steps = any(layer.steps is not None for layer in found.layers)
        table = Table(*columns, *(["steps", "differing"] if steps else []), box=None)
        for layer in found.worst(top):
            table.add_row(*_layer_row(layer, steps))
        console.print(table)
        console.print()
        for what, index in (
            ("that is not equal", found.first_difference),
            (f"with {found.rule}", found.first_divergence),
        ):
            layer_name = "none" if index is None else _place(found.layers[index])
            console.print(f"first layer {what}: {layer_name}", markup=False)
    for note in found.notes:
        console.print(note, markup=False)


def _place(layer: LayerReport) -> str:
    number = "" if layer.pair.operator < 0 else f"{layer.pair.operator} "
    return f'{number}{layer.pair.kind} "{short_name(layer.name)}"'


def _output_row(output: OutputReport, accuracy: bool) -> list[str]:
    errors, classes = output.errors, output.classes
    row = [
        short_name(output.name),
        f"{errors.mae:.4g}",
        f"{errors.mape:.2%}",
        f"{errors.mse:.4g}",
        f"{errors.mpeir:.4f}",
        decibel_text(errors.sqnr),
        f"{errors.cosine:.5f}",
        f"{classes.top1:.2%}" if classes else "",
        f"{classes.top5:.2%}" if classes and classes.top5 is not None else "",
    ]
    if accuracy:
        known = (classes.accuracy_a, classes.accuracy_b) if classes else (None, None)
        row += ["" if share is None else f"{share:.2%}" for share in known]
    return row


def _layer_row(layer: LayerReport, steps: bool) -> list[str]:
    a, b = layer.dtype
    row = [
        "" if layer.pair.operator < 0 else str(layer.pair.operator),
        layer.pair.kind,
        short_name(layer.name),
        a if a == b else f"{a} → {b}",
        decibel_text(layer.errors.sqnr),
        "" if layer.lost is None else f"{layer.lost:.1f}",
        "" if layer.srmse is None else f"{layer.srmse:.3f}",
        f"{layer.errors.tae:.4g}",
        f"{layer.errors.mpeir:.4f}",
    ]
    if steps:
        row += ["" if layer.steps is None else str(layer.steps), f"{layer.errors.differing:.3%}"]
    return row
