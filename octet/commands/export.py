# SPDX-License-Identifier: Apache-2.0
"""``octet export``: a model as a JavaScript module of its own, with its weights and a page."""

from __future__ import annotations

import argparse
from pathlib import Path

from rich.console import Console

from octet.errors import OctetError
from octet.export.loader import FITS, Loader, Preprocessing, file_name, takes_picture
from octet.export.record import MapOptions, record
from octet.tflite.files import attachments, read_bytes, write_whole
from octet.toolchain.paths import DIST

KERNELS = ("full", "minimal", "none")

ENGINE_SCRIPTS = ("octet.js", "octet_worker.js")


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the subcommand."""
    parser = subparsers.add_parser("export", help="a .tflite as a JavaScript module")
    parser.add_argument("model", type=Path, metavar="MODEL", help="a .tflite file")
    parser.add_argument(
        "-o", "--output", type=Path, required=True, metavar="DIR", help="where the files go"
    )
    parser.add_argument("--name", help="of the files; the model's by default")
    parser.add_argument(
        "--kernels",
        choices=KERNELS,
        default="full",
        help="octet beside the loader with all kernels, only the model's, or not at all",
    )
    parser.add_argument(
        "--engine", metavar="URL", help="where the page finds octet if not in its folder"
    )
    parser.add_argument("--labels", type=Path, metavar="FILE", help="class names, one a line")
    parser.add_argument("--skip", type=int, default=0, metavar="N", help="lines before the labels")
    parser.add_argument("--fit", choices=FITS, help="how a picture becomes the input")
    parser.add_argument("--mean", type=float, default=127.5, help="of the bytes (127.5)")
    parser.add_argument("--deviation", type=float, default=127.5, help="of the bytes (127.5)")
    parser.add_argument("--float-inputs", action="store_true", help="take float32")
    parser.add_argument("--float-outputs", action="store_true", help="give float32")
    parser.add_argument("--batch", type=int, metavar="N", help="the inputs' first dimension")
    parser.add_argument("--signature", metavar="KEY", help="whose names and subgraph to use")


def run(args: argparse.Namespace) -> int:
    """Write the files. Raises OctetError for a model that is refused."""
    options = MapOptions(args.float_inputs, args.float_outputs, args.signature, args.batch)
    recording = record(args.model, options, minimal=args.kernels == "minimal")
    preprocessing = None
    if args.fit or takes_picture(recording.facts["inputs"], channels=[3]):
        preprocessing = Preprocessing(args.fit or "crop", args.mean, args.deviation)
    engine = args.engine
    if engine is None and args.kernels != "none":
        engine = "./octet/"
    loader = Loader(
        name=file_name(args.name or args.model.stem),
        source=args.model.name,
        recording=recording,
        preprocessing=preprocessing,
        labels=_labels(args),
        engine=engine and engine.rstrip("/") + "/",
    )
    files = loader.files()
    if args.kernels == "full":
        files |= {f"octet/{name}": _built(name) for name in ENGINE_SCRIPTS}
        files |= {f"octet/{path.name}": path.read_bytes() for path in DIST.glob("*.wasm")}
    for name, content in files.items():
        path = args.output / name
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, content)
    if recording.requirements:
        # Compilers are for developers: the other commands do without them.
        from octet.toolchain.minimal import build_engine

        build_engine(recording.requirements, args.output / "octet")
    console = Console(highlight=False)
    for path in sorted(args.output.rglob("*")):
        if path.is_file():
            console.print(f"{path.stat().st_size:>12,}  {path}", markup=False, soft_wrap=True)
    return 0


def _built(name: str) -> bytes:
    path = DIST / name
    if not path.is_file():
        raise OctetError(f"there is no {path}; run: python3 build.py")
    return path.read_bytes()


def _labels(args: argparse.Namespace) -> list[str]:
    """Return the names in ``--labels``, else those that are packed behind the model."""
    if args.labels is None:
        data = read_bytes(args.model)
        texts = [text for info, text in attachments(data) if info.filename.endswith(".txt")]
        content = texts[0] if len(texts) == 1 else b""
    else:
        content = read_bytes(args.labels)
    lines = content.decode("utf-8", "replace").splitlines()[args.skip :]
    return lines[: lines.index("")] if "" in lines else lines
