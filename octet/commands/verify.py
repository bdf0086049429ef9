# SPDX-License-Identifier: Apache-2.0
"""``octet verify``: a quantized model against the rules, those included that runtimes ignore."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from pathlib import Path

from octet.quantize.verify import TARGETS, is_quantized, is_sound, verify_model
from octet.tflite.model import Model


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the subcommand."""
    parser = subparsers.add_parser("verify", help="check a quantized .tflite against the rules")
    parser.add_argument("model", type=Path, metavar="MODEL", help="a .tflite file")
    parser.add_argument("--target", choices=TARGETS, default="tflite", help="default: tflite")
    parser.add_argument("--json", action="store_true", help="for machines")


def run(args: argparse.Namespace) -> int:
    """Print the findings; 1 unless there is nothing but advice. Raises OctetError."""
    model = Model.read(args.model)
    findings = verify_model(model, args.target)
    if args.json:
        print(json.dumps([asdict(finding) for finding in findings], indent=1))
    else:
        for finding in findings:
            print(finding)
        quantized = sum(is_quantized(model, operator) for operator in model.operators)
        print(f"{args.model.name}: {len(findings)} findings, {quantized} operators in integers")
    return 0 if is_sound(findings) else 1
