# SPDX-License-Identifier: Apache-2.0
"""Records from every kind of source, and one line of error for each way they do not fit."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from octet.cli import main
from octet.errors import OctetError
from octet.quantize.data.check import DataError
from octet.quantize.data.hdf5 import write_hdf5
from octet.quantize.data.source import open_source, records
from octet.tflite.runtime import InputSpec
from octet.tflite.types import Array
from tests.quantize.networks import classifier

IMAGE = InputSpec(0, "image", (1, 2, 3, 1), "float32")
IDS = InputSpec(1, "ids", (2,), "int32")
LONG = InputSpec(2, "long", (2,), "int64")
MASK = InputSpec(3, "mask", (3,), "bool")
ALL = [IMAGE, IDS, LONG, MASK]


def record(number: int) -> list[Array]:
    """One record for ALL; every number tells where it belongs."""
    return [
        (np.arange(6, dtype=np.float32).reshape(1, 2, 3, 1) + 10 * number),
        np.array([number, -number], np.int32),
        np.array([number << 40, -number], np.int64),
        np.array([number % 2, 1, 0], bool),
    ]


def read(source: str | Path, inputs: list[InputSpec]) -> list[list[Array]]:
    return list(records(open_source(str(source), inputs), inputs))


def assert_records(found: list[list[Array]], numbers: list[int], count: int = 4) -> None:
    assert len(found) == len(numbers)
    for arrays, number in zip(found, numbers, strict=True):
        for array, wanted in zip(arrays, record(number)[:count], strict=True):
            np.testing.assert_array_equal(array, wanted, strict=True)
            assert array.dtype.isnative and array.flags.c_contiguous


# HDF5 ---------------------------------------------------------------------------------------------


def hdf5(path: Path, count: int, change: Callable[[int, int, Array], Any] | None = None) -> Path:
    """Records of ALL as other programs write them, through h5py alone."""
    with h5py.File(path, "w") as file:
        for number in range(count):
            for slot, array in enumerate(record(number)):
                data = change(number, slot, array) if change else array
                if data is not None:
                    file[f"value/{number}/{slot}"] = data
    return path


def test_hdf5_in_the_order_of_numbers(tmp_path: Path) -> None:
    """As text, 10 comes before 2."""
    assert_records(read(hdf5(tmp_path / "data.h5", 12), ALL), list(range(12)))


def test_hdf5_of_either_byte_order(tmp_path: Path) -> None:
    path = hdf5(tmp_path / "data.h5", 3, lambda n, slot, a: a.astype(a.dtype.newbyteorder(">")))
    with h5py.File(path) as file:
        assert file["value/0/0"].dtype == ">f4" and file["value/0/2"].dtype == ">i8"
    assert_records(read(path, ALL), [0, 1, 2])


def test_hdf5_of_raw_bytes(tmp_path: Path) -> None:
    path = hdf5(tmp_path / "data.h5", 3, lambda n, slot, a: np.frombuffer(a.tobytes(), np.uint8))
    with h5py.File(path, "a") as file:
        file["value"].attrs["rawData"] = "1"
    assert_records(read(path, ALL), [0, 1, 2])


def test_hdf5_as_octet_writes_it(tmp_path: Path) -> None:
    first, second = tmp_path / "a.h5", tmp_path / "b.h5"
    for path in (first, second):
        titles = [f"picture {n}" for n in range(11)]
        assert write_hdf5(path, map(record, range(11)), "pictures", titles) == 11
    assert first.read_bytes() == second.read_bytes()
    assert_records(read(first, ALL), list(range(11)))
    source = open_source(str(first), ALL)
    assert source.title(10) == "picture 10" and source.place(10) == "a.h5: record 10"


def test_hdf5_without_the_suffix(tmp_path: Path) -> None:
    assert_records(read(hdf5(tmp_path / "records", 2), ALL), [0, 1])


# Other sources ------------------------------------------------------------------------------------


def save(path: Path, arrays: dict[str, Any]) -> None:
    np.savez(path, **arrays)


def test_archives(tmp_path: Path) -> None:
    numbers = range(3)
    columns = [np.stack(column) for column in zip(*map(record, numbers), strict=True)]
    for keys in ([spec.name for spec in ALL], ["0", "1", "2", "3"], [f"arr_{i}" for i in range(4)]):
        save(tmp_path / "data.npz", dict(zip(keys, columns, strict=True)))
        assert_records(read(tmp_path / "data.npz", ALL), [0, 1, 2])
    np.savez(tmp_path / "x.npz", x=columns[0], labels=np.zeros(3))
    assert_records(read(f"{tmp_path}/x.npz:x", [IMAGE]), [0, 1, 2], 1)
    np.save(tmp_path / "x.npy", columns[0][:, 0])  # without the input's batch of 1
    assert_records(read(tmp_path / "x.npy", [IMAGE]), [0, 1, 2], 1)


def test_a_directory(tmp_path: Path) -> None:
    """In the order of the names: raw bytes, one array, several."""
    raw = b"".join(a.astype(a.dtype.newbyteorder("<")).tobytes() for a in record(0))
    (tmp_path / "a.bin").write_bytes(raw)
    save(tmp_path / "b.npz", dict(zip("0123", record(1), strict=True)))
    (tmp_path / ".hidden").write_bytes(b"no record")
    (tmp_path / "folder").mkdir()
    assert_records(read(tmp_path, ALL), [0, 1])
    (tmp_path / "folder/a.npy").write_bytes(b"")
    np.save(tmp_path / "folder/a.npy", record(5)[0])
    np.save(tmp_path / "folder/b.npy", record(3)[0])
    assert_records(read(tmp_path / "folder", [IMAGE]), [5, 3], 1)


def test_a_list_of_files(tmp_path: Path) -> None:
    """A file per record, or one per input; names are relative to the list and may be quoted."""
    (tmp_path / "in two").mkdir()
    for number in (0, 1):
        for slot, array in enumerate(record(number)[:2]):
            array.tofile(tmp_path / f"in two/{number}{slot}.raw")
    whole = b"".join(array.tobytes() for array in record(2)[:2])
    (tmp_path / "whole").write_bytes(whole)
    lines = (
        '"in two/10.raw" "in two/11.raw"\n\n# a comment\nwhole\n"in two/00.raw" "in two/01.raw"\n'
    )
    (tmp_path / "list.txt").write_text(lines)
    assert_records(read(tmp_path / "list.txt", [IMAGE, IDS]), [1, 2, 0], 2)


def test_part_of_a_source(tmp_path: Path) -> None:
    path = hdf5(tmp_path / "data.h5", 12)
    assert_records(read(f"{path}#2:5", ALL), [2, 3, 4])
    assert_records(read(f"{path}#::5", ALL), [0, 5, 10])
    assert_records(read(f"{path}#-1:", ALL), [11])
    assert_records(read(f"{path}#7", ALL), [7])
    assert open_source(f"{path}#7", ALL).place(0) == "data.h5: record 7"
    for words in ("x", "20", "5:5", "1:2:0"):
        with pytest.raises(OctetError, match="record"):
            read(f"{path}#{words}", ALL)


def test_random_records(tmp_path: Path) -> None:
    """A record depends on the seed and its own number; whole numbers and truths come, too."""
    from octet.quantize.data.source import RandomSource

    ten, three = RandomSource(ALL, 10, 1), RandomSource(ALL, 3, 1)
    assert RandomSource(ALL, 10, 2).read(0)[0].tolist() != ten.read(0)[0].tolist()
    for index in range(3):
        for a, b in zip(ten.read(index), three.read(index), strict=True):
            np.testing.assert_array_equal(a, b, strict=True)
    image, ids, _, _ = ten.read(9)
    assert (np.abs(image) <= 1).all() and (ids >= 0).all() and (ids < 100).all()
    assert (RandomSource([IMAGE], 1, 0, (5, 6)).read(0)[0] >= 5).all()
    assert len(list(records(ten, ALL))) == 10


# What does not fit --------------------------------------------------------------------------------


def replaced(slot: int, value: Any) -> Callable[[int, int, Array], Any]:
    """Records as they should be, but for one input of record 1."""
    return lambda number, at, array: value if (number, at) == (1, slot) else array


NAN = record(1)[0]
NAN[0, 1, 2, 0] = np.nan
PLACE = "data.h5: record 1: "

UNFIT: dict[str, tuple[Callable[[int, int, Array], Any], str]] = {
    "rank": (
        replaced(0, np.zeros((2, 3, 1), np.float32)),
        PLACE + 'input "image": rank: got 3 [2, 3, 1], expected 4 [1, 2, 3, 1] '
        "(the batch dimension of 1 is missing).",
    ),
    "shape": (
        replaced(0, np.zeros((1, 1, 2, 3), np.float32)),
        PLACE + 'input "image": shape: got [1, 1, 2, 3], expected [1, 2, 3, 1] '
        "(NCHW for a model in NHWC?).",
    ),
    "other shape": (
        replaced(1, np.zeros(3, np.int32)),
        PLACE + 'input "ids": shape: got [3], expected [2].',
    ),
    "float64": (
        replaced(0, np.zeros((1, 2, 3, 1))),
        PLACE + 'input "image": dtype: got float64, expected float32 (write it as float32).',
    ),
    "bytes": (
        replaced(0, np.zeros((1, 2, 3, 1), np.uint8)),
        PLACE + 'input "image": dtype: got uint8, expected float32 '
        "(whole numbers: write them as float32, normalized as in training).",
    ),
    "dtype": (
        replaced(2, np.zeros(2, np.int32)),
        PLACE + 'input "long": dtype: got int32, expected int64.',
    ),
    "NaN": (
        replaced(0, NAN),
        PLACE + 'input "image": element [0, 1, 2, 0]: got nan, expected a finite number.',
    ),
    "infinity": (
        replaced(0, np.full((1, 2, 3, 1), -np.inf, np.float32)),
        PLACE + 'input "image": element [0, 0, 0, 0]: got -inf, expected a finite number.',
    ),
    "inputs": (
        replaced(3, None),
        PLACE + 'inputs: got 3, expected 4 ("image", "ids", "long", "mask").',
    ),
    "text": (
        replaced(0, h5py.Empty("f")),
        PLACE + 'input "image": dtype: got object, expected float32.',
    ),
}


@pytest.mark.parametrize("name", UNFIT)
def test_a_record_that_does_not_fit(name: str, tmp_path: Path) -> None:
    change, message = UNFIT[name]
    path = hdf5(tmp_path / "data.h5", 3, change)
    with pytest.raises(DataError) as raised:
        read(path, ALL)
    assert str(raised.value) == message


def foreign(path: Path) -> None:
    with h5py.File(path, "w") as file:
        file["images"] = np.zeros(3)


def empty(path: Path) -> None:
    with h5py.File(path, "w") as file:
        file.create_group("value")


def gap(path: Path) -> None:
    hdf5(path, 3)
    with h5py.File(path, "a") as file:
        file.move("value/1", "value/7")


def flat(path: Path) -> None:
    with h5py.File(path, "w") as file:
        file["value/0"] = record(0)[0]


def misnamed(path: Path) -> None:
    with h5py.File(path, "w") as file:
        file["value/0/image"] = record(0)[0]


def truncated(path: Path) -> None:
    hdf5(path, 30)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])


def grouped(path: Path) -> None:
    with h5py.File(path, "w") as file:
        file.create_group("value/0/0")


def dangling(path: Path) -> None:
    with h5py.File(path, "w") as file:
        file["value/0/0"] = h5py.SoftLink("/nowhere")


def overwritten(path: Path) -> None:
    """Some bytes of its tables are others, so the file opens and its parts do not."""
    hdf5(path, 3)
    content = bytearray(path.read_bytes())
    for i in range(600, len(content), 97):
        content[i] ^= 0xFF
    path.write_bytes(content)


def raw_of_other_size(path: Path) -> None:
    hdf5(path, 1, lambda n, slot, a: np.zeros(5, np.uint8))
    with h5py.File(path, "a") as file:
        file["value"].attrs["rawData"] = "1"


BROKEN: dict[str, tuple[Callable[[Path], Any], str]] = {
    "foreign": (foreign, '{path}: groups: got images, expected "value".'),
    "empty": (empty, "{path}: records: got 0, expected at least 1."),
    "gap": (gap, '{path}: records: got 3, none called "1", expected the names 0 to 2.'),
    "flat": (flat, "data.h5: record 0: got a dataset, expected a group with one per input."),
    "misnamed": (misnamed, 'data.h5: record 0: inputs: got "image", expected the names 0, 1, ….'),
    "grouped": (grouped, 'data.h5: record 0: input "0": got a group, expected a dataset.'),
    "dangling": (dangling, "data.h5: record 0: cannot read: Unable to "),
    "overwritten": (overwritten, "{path}: a broken or truncated HDF5 file: "),
    "truncated": (truncated, "{path}: a broken or truncated HDF5 file: "),
    "no HDF5": (lambda path: path.write_bytes(b"something"), "{path}: not an HDF5 file."),
    "no file": (lambda path: None, "{path}: no such file."),
    "raw": (
        raw_of_other_size,
        'data.h5: record 0: input "image": bytes: got 5, '
        'expected 24 (24 of "image" float32[1, 2, 3, 1]).',
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_file(name: str, tmp_path: Path) -> None:
    make, message = BROKEN[name]
    path = tmp_path / "data.h5"
    make(path)
    with pytest.raises(DataError) as raised:
        read(path, ALL)
    wanted = message.format(path=path)
    assert str(raised.value)[: len(wanted)] == wanted
    assert "\n" not in str(raised.value)


OTHERS: dict[str, tuple[Callable[[Path], Any], str]] = {
    "a.npz": (
        lambda path: np.savez(path, x=np.zeros(3), y=np.zeros(3)),
        "{path}: arrays: got x, y, expected image (choose one: {path}:x).",
    ),
    "b.npz": (
        lambda path: path.write_bytes(b"PK no archive"),
        "{path}: not a NumPy file of plain arrays.",
    ),
    "c.npy": (
        lambda path: np.save(path, np.array(["a", {}], object), allow_pickle=True),
        "{path}: not a NumPy file of plain arrays.",
    ),
    "d.npy": (
        lambda path: np.save(path, np.zeros((0, 1, 2, 3, 1), np.float32)),
        "{path}: records: got [0], expected one number above 0 as the first dimension",
    ),
    "folder": (lambda path: path.mkdir(), "folder: records: got 0, expected at least 1."),
    "list": (
        lambda path: path.write_text("nothing.raw\n"),
        "list: record 0 (nothing.raw): {folder}/nothing.raw: No such file or directory.",
    ),
    "binary": (lambda path: path.write_bytes(bytes(range(256))), "{path}: not a known kind of"),
    "two": (lambda path: path.write_text("a b\n"), "two: record 0 (a): files: got 2, expected 1."),
    "none": (lambda path: None, "{path}: no such file or directory."),
}


@pytest.mark.parametrize("name", OTHERS)
def test_other_sources_that_do_not_fit(name: str, tmp_path: Path) -> None:
    make, message = OTHERS[name]
    path = tmp_path / name
    make(path)
    with pytest.raises(DataError) as raised:
        read(path, [IMAGE])
    wanted = message.format(path=path, folder=tmp_path)
    assert str(raised.value)[: len(wanted)] == wanted


def test_raw_files_of_another_size(tmp_path: Path) -> None:
    (tmp_path / "a.raw").write_bytes(bytes(30))
    with pytest.raises(DataError) as raised:
        read(tmp_path, [IMAGE, IDS])
    assert str(raised.value).endswith(
        'record 0 (a.raw): bytes: got 30, expected 32 (24 of "image" float32[1, 2, 3, 1] + '
        '8 of "ids" int32[2]).'
    )


def test_the_command_names_the_record(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """From the file to the line that a user reads."""
    model, data, out = (tmp_path / name for name in ("m.tflite", "data.h5", "out.tflite"))
    classifier().write(model)
    rows: list[list[Array]] = [[np.zeros((1, 8, 8, 3), np.float32)] for _ in range(6)]
    rows[4] = [np.zeros((1, 3, 8, 8), np.float32)]
    write_hdf5(data, rows)
    for command in ("record-minmax", "quantize"):
        assert main([command, str(model), "--data", str(data), "-o", str(out)]) == 1
        assert capsys.readouterr().err == (
            'octet: data.h5: record 4: input "image": shape: got [1, 3, 8, 8], '
            "expected [1, 8, 8, 3] (NCHW for a model in NHWC?).\n"
        )
    assert not out.exists()
