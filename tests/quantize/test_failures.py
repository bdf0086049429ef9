# SPDX-License-Identifier: Apache-2.0
"""A full disk, an interrupt, a model that is no float model: one line, nothing half-done."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest

from octet.cli import main
from octet.quantize.config import Config
from octet.quantize.data.hdf5 import write_hdf5
from octet.tflite.model import Model
from tests.patience import SECONDS
from tests.quantize.networks import Net, classifier, quantized, tensor

COMMAND = "import sys; from octet.cli import main; sys.exit(main())"

LIMITED = """
import resource, sys
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]),) * 2)
from octet.cli import main
sys.exit(main(sys.argv[2:]))
"""
"""The command in a process whose files may have so many bytes, as on a disk that is full."""


def limited(size: int, *words: object) -> tuple[int, str]:
    """Exit code and standard error of a command that may write files of ``size`` bytes."""
    command = [sys.executable, "-c", LIMITED, str(size), *map(str, words)]
    done = subprocess.run(command, capture_output=True, text=True)
    return done.returncode, done.stderr


def large() -> Model:
    net = Net("large")
    x = net.input("x", 1, 100)
    return net.finish(net.dense("y", x, 100))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "out").mkdir()
    large().write(tmp_path / "large.tflite")
    rows = ([np.full((1, 100), i, np.float32)] for i in range(200))
    write_hdf5(tmp_path / "data.h5", rows)
    return tmp_path


def left(folder: Path) -> list[str]:
    return sorted(path.name for path in (folder / "out").iterdir())


def test_a_full_disk_under_the_model(folder: Path) -> None:
    out = folder / "out/m.tflite"
    words = [folder / "large.tflite", "--data", folder / "data.h5", "-o", out, "--no-cache"]
    for command, size in (("record-minmax", 20_000), ("quantize", 9_000)):
        code, message = limited(size, command, *words)
        assert (code, message) == (1, f"octet: {out}: cannot write: File too large.\n")
        assert left(folder) == []


def test_a_full_disk_keeps_what_was_there(folder: Path) -> None:
    out = folder / "out/m.tflite"
    out.write_bytes(b"an older model")
    words = [folder / "large.tflite", "--random", "3", "-o", out, "--no-cache"]
    assert limited(20_000, "record-minmax", *words)[0] == 1
    assert out.read_bytes() == b"an older model" and left(folder) == ["m.tflite"]


def test_a_full_disk_under_the_cache(folder: Path) -> None:
    out = folder / "out/m.tflite"
    words = [folder / "large.tflite", "--data", folder / "data.h5", "-o", out]
    code, message = limited(5_000, "record-minmax", *words)
    assert (code, message) == (1, f"octet: {out}.ranges: cannot write: File too large.\n")
    assert left(folder) == ["m.tflite.ranges"]
    assert main(["record-minmax", *map(str, words)]) == 0  # goes on from what there is


def test_a_full_disk_under_a_dataset(folder: Path) -> None:
    from PIL import Image

    pictures = folder / "pictures"
    pictures.mkdir()
    for number in range(4):
        Image.new("RGB", (64, 64), (number, 0, 0)).save(pictures / f"{number}.png")
    out = folder / "out/data.h5"
    code, message = limited(60_000, "make-dataset", pictures, "-o", out, "--size", "64x64")
    assert code == 1 and message.startswith(f"octet: {out}: cannot write: ")
    assert message.count("\n") == 1 and left(folder) == []


def test_a_folder_that_is_not_there(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = folder / "none/m.tflite"
    model = str(folder / "large.tflite")
    assert main(["record-minmax", model, "--random", "2", "-o", str(out)]) == 1
    message = capsys.readouterr().err
    assert message == f"octet: {out}.ranges: cannot write: No such file or directory.\n"


@pytest.mark.parametrize("make", [os.mkdir, os.mkfifo])
def test_what_is_no_file_is_not_replaced(
    folder: Path, capsys: pytest.CaptureFixture[str], make: Callable[[Path], None]
) -> None:
    out = folder / "odd"
    make(out)
    model = str(folder / "large.tflite")
    assert main(["record-minmax", model, "--random", "2", "-o", str(out), "--no-cache"]) == 1
    assert capsys.readouterr().err == f"octet: {out}: cannot write: not a regular file.\n"
    assert not out.is_file()


def test_an_interrupt(folder: Path) -> None:
    """Ctrl-C ends with one word and exit code 130; the next call goes on and gives the same."""
    out = folder / "out/m.tflite"
    model = str(folder / "large.tflite")
    words = ["record-minmax", model, "--random", "20000", "--jobs", "2", "-o"]
    running = subprocess.Popen(
        [sys.executable, "-c", COMMAND, *words, str(out)],
        stderr=subprocess.PIPE,
        text=True,
    )
    cache = out.with_name("m.tflite.ranges")
    wait_for(cache, 5_000, running)
    running.send_signal(signal.SIGINT)
    _, message = running.communicate(timeout=SECONDS)
    assert (running.returncode, message) == (130, "\ninterrupted\n")
    assert left(folder) == ["m.tflite.ranges"]
    kept = cache.stat().st_size
    assert main([*words, str(out)]) == 0
    assert cache.stat().st_size > kept
    other = folder / "other.tflite"
    assert main([*words, str(other), "--no-cache"]) == 0
    assert out.read_bytes() == other.read_bytes()


def wait_for(path: Path, size: int, running: subprocess.Popen[str]) -> None:
    """Return as soon as a file has ``size`` bytes."""
    while not path.exists() or path.stat().st_size < size:
        assert running.poll() is None, running.communicate()
        time.sleep(0.01)


# Models -------------------------------------------------------------------------------------------


def hybrid() -> Model:
    """Weights in 8 bits between float activations, as published under the name of float."""
    model = large()
    weights = tensor(model, "y_w")
    made = quantized(model, config=Config(granularity="layer")).model
    index = tensor(made, "y_w")
    for key in ("type", "quantization"):
        setattr(model.tensors[weights], key, getattr(made.tensors[index], key))
    value = made.constant(index)
    assert value is not None
    model.tensors[weights].buffer = model.add_buffer(value)
    return model


def refused(path: Path, capsys: pytest.CaptureFixture[str], words: Sequence[str] = ()) -> str:
    out = path.with_name("out.tflite")
    for command in ("record-minmax", "quantize"):
        assert main([command, str(path), "--random", "2", "-o", str(out), *words]) == 1
    assert not [other for other in path.parent.iterdir() if other != path]
    first, second = capsys.readouterr().err.splitlines()
    assert first == second
    return first


def test_a_hybrid_model(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "m.tflite"
    hybrid().write(path)
    assert refused(path, capsys) == (
        'octet: m.tflite: operator 0 FULLY_CONNECTED "y": weights "y_w": got int8 under float '
        "activations (a hybrid, dynamic-range model), expected float32. "
        "--dequantize-weights accepts them."
    )
    out = tmp_path / "out.tflite"
    words = [str(path), "--random", "2", "-o", str(out), "--dequantize-weights"]
    assert main(["record-minmax", *words]) == 0
    recorded = Model.read(out)
    assert {recorded.dtype(i) for i in range(len(recorded.tensors))} == {"float32"}
    assert main(["quantize", *words]) == 0
    assert Model.read(out).dtype(tensor(Model.read(out), "y_w")) == "int8"


def test_a_published_hybrid(
    octet_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = octet_data / "models/tflite-f32/kws_ref_model_dynrange.tflite"
    out = tmp_path / "out.tflite"
    assert main(["quantize", str(path), "--random", "2", "-o", str(out)]) == 1
    message = capsys.readouterr().err
    assert "a hybrid, dynamic-range model" in message and message.count("\n") == 1


def test_a_quantized_model(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "m.tflite"
    quantized(classifier()).model.write(path)
    assert refused(path, capsys) == (
        'octet: m.tflite: operator 0 QUANTIZE "image_int8": '
        "the model is quantized already, expected a float one."
    )


def test_no_model(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "m.tflite"
    path.write_bytes(b"something else")
    assert refused(path, capsys) == (
        "octet: m.tflite: not a TFLite file: bytes 4 to 7: got b'thin', expected b'TFL3'."
    )
    classifier().write(path)
    path.write_bytes(path.read_bytes()[:700])
    assert refused(path, capsys).startswith("octet: m.tflite: a broken TFLite file: ")


def test_a_tensor_that_becomes_infinite(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    net = Net("overflow")
    x = net.input("x", 1, 4)
    squared = net.op("MUL", "squared", [x, x], (1, 4), "MulOptions", "NONE")
    path = tmp_path / "m.tflite"
    net.finish(net.softmax("y", squared)).write(path)
    values = np.ones((5, 1, 4), np.float32)
    values[3, 0, 2] = 3e30
    np.save(tmp_path / "data.npy", values)
    out = tmp_path / "out.tflite"
    words = ["--data", str(tmp_path / "data.npy"), "-o", str(out), "--no-cache"]
    assert main(["record-minmax", str(path), *words]) == 1
    assert capsys.readouterr().err == (
        'octet: data.npy: record 3: tensor "squared" of m.tflite: range: got 1.0 to inf, '
        "expected finite numbers.\n"
    )
    assert not out.exists()


def test_a_tensor_without_a_range(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path, out = tmp_path / "m.tflite", tmp_path / "out.tflite"
    classifier().write(path)
    assert main(["quantize", str(path), "-o", str(out)]) == 1
    assert capsys.readouterr().err == (
        'octet: m.tflite: tensor "image": no recorded range. '
        "Run octet record-minmax first, or give --data.\n"
    )
    assert [found.name for found in tmp_path.iterdir()] == ["m.tflite"]
