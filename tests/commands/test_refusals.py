# SPDX-License-Identifier: Apache-2.0
"""What ``octet run`` and ``octet inspect`` refuse: a line that names the place, nothing written."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from octet.cli import main
from octet.commands import inspect, run
from octet.web import chromium as search
from octet.web.runner import Runner, runner
from tests.tflite.tiny_models import Operator, Tensor, constant, write_model

INPUT = Tensor((1, 3), "uint8", 0.5, 128)
WEIGHTS = constant(np.full((4, 3), 100), "uint8", scale=0.25, zero_point=128)
PRODUCT = Operator("FULLY_CONNECTED", ("x", "w"), ("y",), "FullyConnectedOptions")


def network(operator: Operator = PRODUCT, weights: Tensor = WEIGHTS) -> bytes:
    """x[1, 3], a product with w[4, 3], softmax."""
    tensors = {
        "x": INPUT,
        "w": weights,
        "y": Tensor((1, 4), "uint8", 1.0, 3),
        "z": Tensor((1, 4), "uint8", 1 / 256, 0),
    }
    softmax = Operator("SOFTMAX", ("y",), ("z",), "SoftmaxOptions", {"beta": 1.0})
    return write_model(tensors, [operator, softmax], ("x",), ("z",))


def flipped(data: bytes, at: int, bit: int) -> bytes:
    """The file with one bit turned."""
    changed = bytearray(data)
    changed[at] ^= 1 << bit
    return bytes(changed)


GOOD = network()
NARROW = constant(np.full((4, 2), 100), "uint8", scale=0.25, zero_point=128)

FILES = {
    "empty": (b"", 'net.tflite: model: got 0 bytes, expected "TFL3" in bytes 4 to 7'),
    "truncated": (GOOD[: len(GOOD) // 2], "net.tflite: model"),
    "cut to 8 bytes": (GOOD[:8], "net.tflite: model: got "),
    "a picture": (b"\x89PNG\r\n\x1a\n" + bytes(100), "net.tflite: model: got "),
    "a bit of the identifier": (flipped(GOOD, 4, 1), 'net.tflite: model: got "VFL3"'),
    "a bit of the root's offset": (flipped(GOOD, 2, 7), "net.tflite: model: got "),
    "an unsupported operator": (
        network(Operator("BUCKETIZE", ("x", "w"), ("y",))),
        'net.tflite: subgraph 0, op 0 BUCKETIZE, tensor "y": got 1 unsupported ',
    ),
    "an unknown custom operator": (
        network(Operator("Frobnicate", ("x", "w"), ("y",), custom_options=b"")),
        'net.tflite: subgraph 0, op 0 Frobnicate, tensor "y": got 1 unsupported ',
    ),
    "weights that do not fit": (
        network(weights=NARROW),
        'net.tflite: subgraph 0, op 0 FULLY_CONNECTED, tensor "x": got shape ',
    ),
}
"""A file, and how what is said about it starts."""

X = np.zeros((1, 3), np.uint8)

ARRAYS: dict[str, tuple[dict[str, np.ndarray], str]] = {
    "none": ({}, "net.tflite: inputs: got none, expected 'x'."),
    "two names": ({"a": X, "b": X}, "net.tflite: inputs: got 'a', 'b', expected 'x'."),
    "a shape": (
        {"x": X.reshape(3, 1)},
        'net.tflite: input "x": shape: got [3, 1], expected [1, 3].',
    ),
    "a type": (
        {"x": X.astype(np.int32)},
        'net.tflite: input "x": dtype: got int32, expected uint8.',
    ),
    "floats": (
        {"x": X.astype(np.float32)},
        'net.tflite: input "x": dtype: got float32, expected uint8, or float input (--float-io).',
    ),
    "objects": ({"x": np.array([{}], object)}, "in.npz: not an .npz file of plain arrays"),
}
"""Inputs, and the end of what is said about them."""


@pytest.fixture(scope="module")
def session() -> Iterator[Runner]:
    with runner() as running:
        yield running


@pytest.fixture
def shared(session: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the commands use one browser."""

    @contextmanager
    def running() -> Iterator[Runner]:
        yield session

    monkeypatch.setattr(run, "runner", running)
    monkeypatch.setattr(inspect, "runner", running)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with net.tflite and in.npz, both good."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "net.tflite").write_bytes(GOOD)
    np.savez(tmp_path / "in.npz", x=X)
    return tmp_path


def refusal(capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 1) -> str:
    """Run ``octet``, which must fail and print one line; return what follows ``octet: ``."""
    before = set(Path().iterdir())
    assert main(arguments) == code
    captured = capsys.readouterr()
    assert captured.out == ""
    first, *rest = captured.err.splitlines()
    assert not [line for line in rest if not line.startswith("  op ")], captured.err
    assert set(Path().iterdir()) == before, "something was written"
    assert first.startswith("octet: ")
    return first.removeprefix("octet: ")


RUN = ("run", "net.tflite", "--inputs", "in.npz", "--outputs", "out.npz")


@pytest.mark.usefixtures("shared")
@pytest.mark.parametrize("name", FILES)
def test_run_refuses_files(name: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data, message = FILES[name]
    (folder / "net.tflite").write_bytes(data)
    assert refusal(capsys, *RUN).startswith(message)


@pytest.mark.usefixtures("shared")
@pytest.mark.parametrize(
    "name", ["truncated", "an unsupported operator", "weights that do not fit"]
)
def test_inspect_refuses_files(name: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A sound file that cannot run is described all the same, before the reason."""
    data, message = FILES[name]
    (folder / "net.tflite").write_bytes(data)
    assert main(["inspect", "net.tflite"]) == 1
    captured = capsys.readouterr()
    assert captured.err.startswith(f"octet: {message}")
    assert all(line.startswith("  op ") for line in captured.err.splitlines()[1:])
    assert ("SOFTMAX" in captured.out) == (" op " in message)
    assert ("unsupported" in captured.out) == ("operator" in name)


@pytest.mark.usefixtures("shared")
@pytest.mark.parametrize("name", ARRAYS)
def test_run_refuses_inputs(name: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arrays, message = ARRAYS[name]
    np.savez(folder / "in.npz", **arrays)  # type: ignore[arg-type]
    assert refusal(capsys, *RUN) == message


PATHS = {
    "no model": (("run", "none.tflite", *RUN[2:]), "none.tflite: No such file or directory"),
    "a folder as model": (("run", ".", *RUN[2:]), ".: Is a directory"),
    "no inputs file": ((*RUN[:3], "none.npz"), "none.npz: No such file or directory"),
    "a folder of inputs": ((*RUN[:3], "."), ".: Is a directory"),
    "a model as inputs": ((*RUN[:3], "net.tflite"), "net.tflite: not an .npz file of plain arrays"),
    "a folder as outputs": ((*RUN[:5], "."), ".: cannot write: it is a directory."),
    "no folder of outputs": ((*RUN[:5], "no/y.npz"), "no/y.npz: cannot write: there is no no."),
    "records that do not fit": (
        (*RUN, "--records"),
        'net.tflite: input "x": shape: got [3], expected [1, 3].',
    ),
    "too many threads": ((*RUN, "--threads", "100"), "configure: threads cannot be 100."),
}


@pytest.mark.usefixtures("folder", "shared")
@pytest.mark.parametrize("name", PATHS)
def test_run_refuses_paths(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    arguments, message = PATHS[name]
    assert refusal(capsys, *arguments) == message


WORDS = {
    "no model": (("run",), "the following arguments are required: MODEL. See: octet run --help"),
    "nothing to do": (RUN[:2], "nothing to do: give --inputs IN.npz, or --profile."),
    "outputs of nothing": (
        ("run", "net.tflite", "--profile", "--outputs", "out.npz"),
        "--outputs and --records need --inputs IN.npz.",
    ),
    "an option": ((*RUN, "--frob"), "unknown argument '--frob'. See: octet run --help"),
    "one argument more": (("inspect", "a", "b"), "unknown argument 'b'. See: octet inspect --help"),
    "no number": (
        (*RUN, "--threads", "x"),
        "argument --threads: got 'x', expected a whole number above 0. See: octet run --help",
    ),
    "a variant": (
        (*RUN, "--variant", "turbo"),
        "argument --variant: invalid choice: 'turbo' (choose from 'scalar', 'simd', 'relaxed'). "
        "See: octet run --help",
    ),
    "a command": (("inspec", "net.tflite"), "unknown command 'inspec'. Did you mean 'inspect'?"),
}


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("name", WORDS)
def test_wrong_command_lines(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    arguments, message = WORDS[name]
    assert refusal(capsys, *arguments, code=2).startswith(message)


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("command", [RUN, ("inspect", "net.tflite")])
def test_no_chromium(
    command: tuple[str, ...],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("OCTET_CHROMIUM", raising=False)
    monkeypatch.setattr(search, "NAMES", ("no-such-browser",))
    assert refusal(capsys, *command).startswith("no Chromium found. Install it")
    monkeypatch.setenv("OCTET_CHROMIUM", "/no/browser")
    assert refusal(capsys, *command) == "OCTET_CHROMIUM: no executable at /no/browser"


def test_a_chromium_that_does_not_start(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = folder / "broken"
    broken.write_text("#!/bin/sh\necho 'libnss3.so: no such file' >&2\nexit 127\n")
    broken.chmod(0o755)
    monkeypatch.setenv("OCTET_CHROMIUM", str(broken))
    message = f"{broken} does not start: libnss3.so: no such file"
    assert refusal(capsys, *RUN) == message


@pytest.mark.usefixtures("shared")
def test_run_and_inspect(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The files that the refusals are made from are good; outputs are replaced as a whole."""
    (folder / "out.npz").write_text("what was there before")
    assert main(RUN) == 0
    assert np.load(folder / "out.npz")["z"].shape == (1, 4)
    assert main(["inspect", "net.tflite"]) == 0
    assert sorted(path.name for path in folder.iterdir()) == ["in.npz", "net.tflite", "out.npz"]
    assert capsys.readouterr().err == ""
