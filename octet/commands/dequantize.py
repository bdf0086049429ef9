# SPDX-License-Identifier: Apache-2.0
"""``octet dequantize``: the float twin of a quantized model."""

from __future__ import annotations

import argparse
from pathlib import Path

from octet.commands.console import wide_console
from octet.quantize.dequantize import dequantize
from octet.tflite.model import Model


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the subcommand."""
    parser = subparsers.add_parser("dequantize", help="the float twin of a quantized .tflite")
    parser.add_argument("model", type=Path, metavar="MODEL", help="a quantized .tflite file")
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="OUT", help="a .tflite")


def run(args: argparse.Namespace) -> int:
    """Write the twin and say what was done. Raises OctetError for a model without one."""
    twin = dequantize(Model.read(args.model))
    twin.model.write(args.output)
    console = wide_console()
    console.print(
        f"{args.output}: {twin.constants} constants made float, {twin.conversions} conversions "
        f"removed, {len(twin.clamps)} activations put back",
        markup=False,
    )
    for name, activation in twin.clamps.items():
        console.print(f"  {activation}: {name}", markup=False)
    return 0
