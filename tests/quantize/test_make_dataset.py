# SPDX-License-Identifier: Apache-2.0
"""octet make-dataset: pictures cropped, normalized, laid out and shuffled."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest
from PIL import Image

from octet.cli import main
from octet.tflite.types import Array


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    folder = tmp_path / "pictures"
    folder.mkdir()
    for number in range(6):
        pixels = np.zeros((20, 30, 3), np.uint8)
        pixels[:, :, 0] = 40 * number
        pixels[:, 10:20, 1] = 255
        Image.fromarray(pixels).save(folder / f"{number}.png")
    return folder


def dataset(pictures: Path, name: str, *options: str) -> list[Array]:
    out = pictures.parent / name
    assert main(["make-dataset", str(pictures), "-o", str(out), *options]) == 0
    with h5py.File(out) as file:
        return [file[f"value/{i}/0"][()] for i in range(len(file["value"]))]


def test_make_dataset_crops_and_normalizes(pictures: Path) -> None:
    found = dataset(pictures, "a.h5", "--size", "10x10", "--resize", "20")
    assert len(found) == 6 and found[3].shape == (1, 10, 10, 3)
    red = (120 - 127.5) / 127.5
    np.testing.assert_array_equal(found[3][0, :, :, 0], np.full((10, 10), red, np.float32))
    assert (found[3][0, :, :, 1] == 1).all()  # the centre is green
    words = ("--mean", "0,127.5,0", "--std", "1,2,1", "--layout", "nchw", "--channels", "bgr")
    planes = dataset(pictures, "b.h5", "--size", "20x20", *words)[5][0]
    assert planes.shape == (3, 20, 20)
    assert planes[2].min() == planes[2].max() == 200
    assert planes[1].max() == 63.75
    stretched = dataset(pictures, "c.h5", "--size", "4x6", "--fit", "stretch", "--dtype", "uint8",
                        "--mean", "0", "--std", "1")  # fmt: skip
    assert stretched[1].shape == (1, 4, 6, 3) and stretched[1].dtype == np.uint8
    padded = dataset(pictures, "d.h5", "--size", "30x30", "--fit", "pad", "--mean", "0")
    assert (padded[5][0, :5] == 0).all() and (padded[5][0, 10, :, 0] != 0).all()


def test_make_dataset_shuffles_by_seed(pictures: Path) -> None:
    def reds(name: str, *options: str) -> list[float]:
        return [float(a[0, 0, 0, 0]) for a in dataset(pictures, name, "--size", "4x4", *options)]

    straight, shuffled = reds("a.h5"), reds("b.h5", "--shuffle", "3")
    assert straight == sorted(straight) != shuffled and sorted(shuffled) == straight
    assert reds("c.h5", "--shuffle", "3", "--limit", "2") == shuffled[:2]
    first, second = (pictures.parent / name for name in ("b.h5", "e.h5"))
    reds("e.h5", "--shuffle", "3")
    assert first.read_bytes() == second.read_bytes()


def test_make_dataset_refuses(pictures: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = pictures.parent / "out.h5"
    (pictures / "2.png").write_bytes(b"no picture")
    assert main(["make-dataset", str(pictures), "-o", str(out), "--size", "4x4"]) == 1
    assert capsys.readouterr().err == f"octet: {pictures}/2.png: not an image.\n"
    assert main(["make-dataset", str(pictures), "-o", str(out), "--size", "4"]) == 2
    assert "--size: got '4', expected height x width" in capsys.readouterr().err
    assert [path.name for path in pictures.parent.iterdir()] == ["pictures"]
