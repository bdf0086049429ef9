# SPDX-License-Identifier: Apache-2.0
"""Records, under Node, the builder calls that the TFLite loader makes for a model."""

from __future__ import annotations

import json
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from octet.errors import OctetError
from octet.node import node_command
from octet.toolchain.paths import ROOT

SCRIPT = Path(__file__).with_name("record.js")

REFUSED = 3
"""The script's exit code for a file that the loader refuses; why is on its stderr."""


@dataclass(frozen=True)
class MapOptions:
    """How the model is mapped; see MapOptions in polyfill/tflite/map_model.js.

    Attributes:
        float_inputs: take float32 for quantized inputs.
        float_outputs: give float32 for quantized outputs.
        signature: key of the signature to use; None takes the first subgraph.
        batch: in place of the inputs' first dimension; None leaves it.
    """

    float_inputs: bool = False
    float_outputs: bool = False
    signature: str | None = None
    batch: int | None = None


@dataclass(frozen=True)
class Requirements:
    """What of octet a model needs.

    Attributes:
        kernels: names in the catalogue.
        passes: places in the compiler's list.
        operators: ``file`` in polyfill/ops and ``name`` of the export.
    """

    kernels: list[str]
    passes: list[int]
    operators: list[dict[str, str]]


@dataclass(frozen=True)
class Recording:
    """What record.js wrote.

    Attributes:
        facts: operators, calls, inputs and outputs, as the script names them.
        weights: the constants that are not written out in the calls.
        requirements: None unless asked for.
    """

    facts: dict[str, Any]
    weights: bytes
    requirements: Requirements | None = None


def record(model: Path, options: MapOptions, *, minimal: bool = False) -> Recording:
    """Map the model in a file and return the calls; see `record_all`."""
    [recording] = record_all([model], options, minimal=minimal)
    return recording


def record_all(
    models: Sequence[Path], options: MapOptions, *, minimal: bool = False
) -> list[Recording]:
    """Map the models in files and return the calls.

    Args:
        models: ``.tflite`` files.
        options: how to map them.
        minimal: find out what they need of octet, too.

    Raises:
        OctetError: if a file cannot be read, or the loader refuses it, with its reason.
    """
    for model in models:
        if not model.is_file():
            raise OctetError(f"{model}: no such file")
    mapping: dict[str, Any] = {
        "floatInputs": options.float_inputs,
        "floatOutputs": options.float_outputs,
    }
    if options.signature is not None:
        mapping["signature"] = options.signature
    if options.batch is not None:
        mapping["batch"] = options.batch
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        requests = [
            {
                "model": str(model.absolute()),
                "fileName": model.name,
                "options": mapping,
                "record": str(folder / f"{number}.json"),
                "weights": str(folder / f"{number}.bin"),
                "minimal": minimal,
            }
            for number, model in enumerate(models)
        ]
        (folder / "requests").write_text(json.dumps(requests), encoding="utf-8")
        _node(folder / "requests")
        return [_recording(folder / str(number)) for number in range(len(models))]


def _recording(path: Path) -> Recording:
    facts = json.loads(path.with_suffix(".json").read_bytes())
    found = facts.pop("requirements")
    needed = found and Requirements(found["kernels"], found["passes"], found["requiredOperators"])
    return Recording(facts, path.with_suffix(".bin").read_bytes(), needed)


def _node(requests: Path) -> None:
    command = node_command(SCRIPT, requests)
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode == REFUSED:
        raise OctetError(done.stderr.strip())
    if done.returncode:
        raise OctetError(f"the loader failed:\n{done.stderr.strip()}")
