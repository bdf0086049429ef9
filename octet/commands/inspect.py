# SPDX-License-Identifier: Apache-2.0
"""``octet inspect``: what is in a ``.tflite`` file and how octet runs it, operator by operator."""

from __future__ import annotations

import argparse
import json
import sys
from collections import defaultdict
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from octet.commands.console import wide_console
from octet.web.runner import BrowserModel, ModelFailedError, runner

BYTE_TYPES = {"uint8", "int8"}


@dataclass(frozen=True)
class OperatorReport:
    """How one operator of the file runs.

    Attributes:
        index: its position in the file.
        name: its TFLite name.
        output: name of its first output tensor.
        type: the stored type and shape of that tensor.
        runs: ``integer``, ``float``, ``view`` (no work, or part of a neighbour's), ``script``
            (outside the graph) or ``unsupported``.
        kernels: the kernels of a dispatch, in order.
        why: for float operators between quantized tensors, what kept them there.
    """

    index: int
    name: str
    output: str
    type: str
    runs: str
    kernels: tuple[str, ...]
    why: str


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the subcommand."""
    parser = subparsers.add_parser("inspect", help="what a .tflite holds and how it runs")
    parser.add_argument("model", type=Path, metavar="MODEL", help="a .tflite file")
    parser.add_argument("--tensors", action="store_true", help="list every tensor")
    parser.add_argument("--graph", action="store_true", help="print the compiled graph")
    parser.add_argument("--json", action="store_true", help="everything, for machines")


def run(args: argparse.Namespace) -> int:
    """Print the report; 1 if the model cannot run. Raises OctetError for a broken file."""
    problem = ""
    graph = ""
    with runner() as session:
        facts = session.parse(args.model)
        try:
            with session.load(args.model, show_graph=args.graph) as model:
                reports = operator_reports(facts, model)
                graph = model.graph_text
        except ModelFailedError as error:
            problem = str(error)
            reports = operator_reports(facts, None)
    if args.json:
        operators = [
            {**operator, **asdict(report)}
            for operator, report in zip(facts["operators"], reports, strict=True)
        ]
        whole = {"file": args.model.name, **facts, "operators": operators, "problem": problem}
        print(json.dumps(whole, indent=1))
    else:
        _print_report(wide_console(), args, facts, reports)
        if graph:
            print(graph)
        if problem:
            print(f"octet: {problem}", file=sys.stderr)
    return 1 if problem else 0


def operator_reports(facts: dict[str, Any], model: BrowserModel | None) -> list[OperatorReport]:
    """Return how each operator runs; ``model`` is None where it could not be loaded."""
    steps: dict[int, list[dict[str, Any]]] = defaultdict(list)
    for step in model.steps if model else []:
        steps[operator_index(step["label"])].append(step)
    notes = {operator_index(label): why for label, why in (model.notes if model else {}).items()}
    reports = []
    for operator in facts["operators"]:
        index = operator["index"]
        tensor = facts["tensors"][operator["outputs"][0]] if operator["outputs"] else None
        own = steps[index]
        reports.append(
            OperatorReport(
                index=index,
                name=operator["name"],
                output=tensor["name"] if tensor else "",
                type=_tensor_type(tensor) if tensor else "",
                runs=_how(operator, own, model is not None),
                kernels=tuple(step["kernel"] for step in own),
                why=notes.get(index, ""),
            )
        )
    return reports


def operator_index(label: str) -> int:
    """Return the operator's index that starts a builder label, or -1."""
    first = label.partition(" ")[0]
    return int(first) if first.isdigit() else -1


def is_integer_step(step: dict[str, Any]) -> bool:
    """Return whether a kernel step computes on, or moves, 8-bit numbers only."""
    kernel: str = step["kernel"]
    if kernel.startswith(("qu8_f32_", "f32_")):
        return False
    if kernel.startswith(("qu8_", "u8_", "x8_")):
        return True
    return step["dataType"] in BYTE_TYPES or kernel == "arg_reduce"


def _how(operator: dict[str, Any], steps: list[dict[str, Any]], loaded: bool) -> str:
    if not operator["supported"]:
        return "unsupported"
    if operator["name"] == "TFLite_Detection_PostProcess":
        return "script"
    if not loaded:
        return ""
    if not steps:
        return "view"
    return "integer" if all(map(is_integer_step, steps)) else "float"


def _tensor_type(tensor: dict[str, Any]) -> str:
    return f"{tensor['type'].lower()}[{'x'.join(map(str, tensor['shape']))}]"


def _quantization(tensor: dict[str, Any]) -> str:
    if not tensor["scales"]:
        return ""
    if tensor["scales"] > 1:
        return f"{tensor['scales']} scales"
    return f"{tensor['scale']:.6g} ({tensor['zeroPoint']})"


def _counted(kernels: tuple[str, ...]) -> str:
    counts: dict[str, int] = defaultdict(int)
    for kernel in kernels:
        counts[kernel] += 1
    return ", ".join(f"{n} x {kernel}" if n > 1 else kernel for kernel, n in counts.items())


def _print_report(
    console: Console,
    args: argparse.Namespace,
    facts: dict[str, Any],
    reports: list[OperatorReport],
) -> None:
    tensors = facts["tensors"]
    weights = sum(tensor["bytes"] for tensor in tensors)
    console.print(
        f"{args.model.name}: {len(reports)} operators, {len(tensors)} tensors, "
        f"{weights:,} bytes of constants",
        markup=False,
    )
    for kind in ("inputs", "outputs"):
        for index in facts[kind]:
            tensor = tensors[index]
            line = f"{kind[:-1]} {tensor['name']}: {_tensor_type(tensor)} {_quantization(tensor)}"
            console.print(line.rstrip(), markup=False)
    if args.tensors:
        table = Table("", "tensor", "type", "scale (zero point)", "bytes", box=None)
        for index, tensor in enumerate(tensors):
            size = f"{tensor['bytes']:,}" if tensor["bytes"] else ""
            row = [tensor["name"], _tensor_type(tensor), _quantization(tensor), size]
            table.add_row(str(index), *row)
        console.print(table)
    table = Table("", "operator", "output", "type", "runs in", "kernels", box=None)
    for report in reports:
        kernels = _counted(report.kernels) + (f"  ({report.why})" if report.why else "")
        table.add_row(
            str(report.index), report.name, report.output, report.type, report.runs, kernels
        )
    console.print(table)
    counts: dict[str, int] = defaultdict(int)
    for report in reports:
        counts[report.runs] += 1
    console.print(", ".join(f"{count} {runs}" for runs, count in counts.items() if runs))
