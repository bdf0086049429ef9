# SPDX-License-Identifier: Apache-2.0
"""``octet run``: a model on given inputs in headless Chromium, its outputs to a file."""

from __future__ import annotations

import argparse
import statistics
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from octet.commands.console import wide_console
from octet.errors import OctetError, UsageError
from octet.tflite.files import replacing
from octet.web.runner import DOTS, VARIANTS, Array, BrowserModel, runner


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the subcommand."""
    parser = subparsers.add_parser("run", help="run a .tflite in headless Chromium")
    parser.add_argument("model", type=Path, metavar="MODEL", help="a .tflite file")
    parser.add_argument("--inputs", type=Path, metavar="IN.npz", help="one array per input")
    parser.add_argument("--outputs", type=Path, metavar="OUT.npz", help="where the outputs go")
    parser.add_argument(
        "--variant", choices=VARIANTS, help="the wasm file to use; default: the best one"
    )
    parser.add_argument(
        "--dot", choices=DOTS, help="the dot product of bytes, of those the CPU has"
    )
    parser.add_argument("--threads", type=_positive, metavar="N", help="default: by the machine")
    parser.add_argument(
        "--float-io", action="store_true", help="float32 in and out for a quantized model"
    )
    parser.add_argument(
        "--dump-tensors", action="store_true", help="write every intermediate tensor as well"
    )
    parser.add_argument("--profile", action="store_true", help="print the time of every kernel")
    parser.add_argument(
        "--records",
        action="store_true",
        help="inputs have a leading axis of records; the model runs once for each",
    )


def run(args: argparse.Namespace) -> int:
    """Run the model. Raises OctetError for wrong inputs or a model that is refused."""
    _check_arguments(args)
    inputs = load_arrays(args.inputs) if args.inputs else None
    options: dict[str, Any] = {"variant": args.variant, "dot": args.dot, "threads": args.threads}
    options |= {"float_io": args.float_io, "dump_tensors": args.dump_tensors}
    console = wide_console()
    with runner() as session, session.load(args.model, **options) as model:
        if inputs is not None:
            outputs = _run_records(model, inputs) if args.records else model.run(inputs)
            if args.outputs:
                save_arrays(args.outputs, outputs)
            _print_outputs(console, outputs)
        if args.profile:
            _print_profile(console, model, None if args.records else inputs)
    return 0


def _check_arguments(args: argparse.Namespace) -> None:
    """Raise OctetError for what can be known to fail before the browser starts."""
    if args.inputs is None and not args.profile:
        raise UsageError("nothing to do: give --inputs IN.npz, or --profile.")
    if args.inputs is None and (args.outputs or args.records):
        raise UsageError("--outputs and --records need --inputs IN.npz.")
    if args.outputs and args.outputs.is_dir():
        raise OctetError(f"{args.outputs}: cannot write: it is a directory.")
    if args.outputs and not args.outputs.parent.is_dir():
        raise OctetError(f"{args.outputs}: cannot write: there is no {args.outputs.parent}.")


def load_arrays(path: Path) -> dict[str, Array]:
    """Return the arrays of an ``.npz`` file (or the one of an ``.npy``) by name.

    Raises:
        OctetError: if the file is not there or not what it should be.
    """
    try:
        loaded = np.load(path, allow_pickle=False)
        return {"input": loaded} if isinstance(loaded, np.ndarray) else dict(loaded)
    except OSError as error:
        raise OctetError(f"{path}: {error.strerror or 'not an .npz file'}") from None
    except (ValueError, zipfile.BadZipFile, zlib.error, EOFError, MemoryError):
        raise OctetError(f"{path}: not an .npz file of plain arrays") from None


def save_arrays(path: Path, arrays: Mapping[str, Array]) -> None:
    """Write arrays to ``path`` as an ``.npz``, whatever their names; all or nothing.

    Raises:
        OctetError: if it cannot be written.
    """
    with replacing(path) as partial, zipfile.ZipFile(partial, "w") as archive:
        for name, array in arrays.items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as entry:
                np.lib.format.write_array(entry, np.asanyarray(array), allow_pickle=False)


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"got {text!r}, expected a whole number above 0")
    return int(text)


def _run_records(model: BrowserModel, inputs: Mapping[str, Array]) -> dict[str, Array]:
    counts = {name: len(array) if array.ndim else 0 for name, array in inputs.items()}
    if len(set(counts.values())) != 1 or 0 in counts.values():
        got = ", ".join(f"{count} of {name!r}" for name, count in counts.items()) or "none"
        raise OctetError(
            f"--records: got {got}, expected the same number, above 0, for each input."
        )
    results = [
        model.run({name: array[record] for name, array in inputs.items()})
        for record in range(next(iter(counts.values())))
    ]
    return {name: np.stack([result[name] for result in results]) for name in results[0]}


def _print_outputs(console: Console, outputs: Mapping[str, Array]) -> None:
    for name, array in outputs.items():
        flat = array.ravel()
        head = " ".join(f"{value:.6g}" for value in flat[:5].tolist())
        more = " …" if flat.size > 5 else ""
        console.print(f"{name}: {array.dtype}{list(array.shape)} {head}{more}", markup=False)


def _print_profile(
    console: Console, model: BrowserModel, inputs: Mapping[str, Array] | None
) -> None:
    steps = model.profile()
    total = sum(step["ms"] for step in steps)
    table = Table("", "operator", "kernel", "output", "ms", "share", "GMAC/s", box=None)
    for index, step in enumerate(steps):
        shape = "x".join(map(str, step["shape"]))
        rate = f"{step['macs'] / step['ms'] / 1e6:.1f}" if step["macs"] and step["ms"] else ""
        row = [step["label"] or step["op"], step["kernel"], f"{step['dataType']}[{shape}]"]
        table.add_row(str(index), *row, f"{step['ms']:.3f}", f"{step['ms'] / total:.1%}", rate)
    console.print(table)
    engine = f"{model.engine['variant']}, {model.engine['threads']} threads"
    console.print(f"sum of steps on one thread: {total:.2f} ms")
    if inputs is not None:
        times = model.time(inputs)
        median = statistics.median(times)
        console.print(f"whole run ({engine}): median {median:.2f} ms, best {min(times):.2f} ms")
