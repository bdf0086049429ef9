# SPDX-License-Identifier: Apache-2.0
"""Conformance vectors: files of recorded builder calls with expected outputs and tolerances.

A file is JSON, gzipped or not: ``{source, set, cases}``; a case has ``name``, ``ops``, ``inputs``,
``calls``, ``expectedOutputs`` and ``tolerance``. A ``superseded.json`` beside the files lists cases
that today's specification refuses; those must be refused with a TypeError, unless they only use
4-bit types, which octet has, or an option's old name, which a dictionary ignores.
"""

from __future__ import annotations

import gzip
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from octet.errors import OctetError
from octet.web.cases import NIBBLES, Array, Call, Case, Repeated, Result

LIMIT = 1000
"""Elements that are compared of an output whose expected values are one pattern repeated."""


@dataclass(frozen=True)
class Tolerance:
    """How far an output may be off.

    Attributes:
        metric: ``ULP`` (distance of the bits; difference, for integers), ``ATOL`` or ``BITS``.
        value: the largest allowed.
    """

    metric: str
    value: float


@dataclass(frozen=True)
class Vector:
    """A case with what it must give.

    Attributes:
        source: the file it stands in.
        name: its own name there.
        ops: the operators it uses, in order.
        data_type: of its first operand: what a report sorts by.
        case: what to run.
        expected: arrays by output name.
        tolerances: by output name.
        refused: whether it must be refused with a TypeError.
        renamed: whether it sets an option by an old name, so that its values mean nothing.
    """

    source: str
    name: str
    ops: tuple[str, ...]
    data_type: str
    case: Case
    expected: Mapping[str, Array]
    tolerances: Mapping[str, Tolerance]
    refused: bool = False
    renamed: bool = False


def vector_files(paths: Sequence[Path]) -> list[Path]:
    """Return the vector files among ``paths`` and in the folders among them.

    Raises:
        OctetError: for a path that is not there, or if there is no file at all.
    """
    files: list[Path] = []
    for path in paths:
        if path.is_dir():
            found = [*path.glob("*.json.gz"), *path.glob("*.json")]
            files.extend(sorted(f for f in found if f.name.split(".")[0] not in _NOT_VECTORS))
        elif path.is_file():
            files.append(path)
        else:
            raise OctetError(f"{path}: no such file or folder")
    if not files:
        raise OctetError(f"no vector files (*.json, *.json.gz) in {', '.join(map(str, paths))}")
    return files


_NOT_VECTORS = {"manifest", "superseded"}


def read_vectors(path: Path) -> Iterator[Vector]:
    """Yield the cases of a file.

    Raises:
        OctetError: naming the file, and the case that cannot be read.
    """
    try:
        packed = path.read_bytes()
        record = json.loads(gzip.decompress(packed) if path.suffix == ".gz" else packed)
        cases, key = record["cases"], (record.get("set"), record.get("source"))
    except (OSError, ValueError, KeyError, TypeError):
        raise OctetError(f"{path}: not a file of conformance vectors") from None
    superseded = _superseded(path.with_name("superseded.json"))
    for case in cases:
        try:
            yield _read_case(path, case, superseded.get((*key, case["name"]), ()))
        except (KeyError, ValueError, TypeError) as error:
            raise OctetError(f"{path}: case {case.get('name')!r}: {error!r}") from None


def _superseded(path: Path) -> dict[tuple[str, str, str], Sequence[str]]:
    if not path.is_file():
        return {}
    entries = json.loads(path.read_text(encoding="utf-8"))
    return {(entry["set"], entry["source"], entry["name"]): entry["why"] for entry in entries}


def _read_case(path: Path, case: Mapping[str, Any], why: Sequence[str]) -> Vector:
    inputs = {name: _read_tensor(tensor) for name, tensor in case["inputs"].items()}
    calls = [Call(call["op"], call["args"], call["outputs"]) for call in case["calls"]]
    expected = {name: _read_tensor(t) for name, t in _within_type(case["expectedOutputs"]).items()}
    repeats = any(isinstance(tensor, Repeated) for tensor in expected.values())
    constants = {name for name, tensor in case["inputs"].items() if tensor.get("constant")}
    outputs = list(expected)
    renamed = any("(now " in rule for rule in why)
    four_bits = any("int4 " in rule for rule in why)
    return Vector(
        source=path.name,
        name=case["name"],
        ops=tuple(case["ops"]),
        data_type=_first_type(case),
        case=Case(inputs, calls, outputs, frozenset(constants), LIMIT if repeats else None),
        expected={name: _first_elements(tensor) for name, tensor in expected.items()},
        tolerances={name: _read_tolerance(case, name) for name in outputs},
        refused=bool(why) and not renamed and not four_bits,
        renamed=renamed,
    )


def _first_type(case: Mapping[str, Any]) -> str:
    for argument in case["calls"][0]["args"]:
        operand = argument[0] if isinstance(argument, list) and argument else argument
        if isinstance(operand, dict) and operand.get("$operand") in case["inputs"]:
            data_type: str = case["inputs"][operand["$operand"]]["dataType"]
            return data_type
    return "-"


def _read_tolerance(case: Mapping[str, Any], output: str) -> Tolerance:
    if case.get("exact"):
        return Tolerance("BITS", 0)
    tolerance = case["tolerance"]
    tolerance = (tolerance.get("perOutput") or {}).get(output, tolerance)
    return Tolerance(tolerance["metric"], float(tolerance["value"]))


def _read_tensor(tensor: Mapping[str, Any]) -> Array | Repeated:
    data_type, shape = tensor["dataType"], tuple(tensor["shape"])
    for bits, width in (("f16bits", np.uint16), ("f32bits", np.uint32)):
        if bits in tensor:
            exact: Array = np.array(tensor[bits], width).view(data_type).reshape(shape)
            return exact
    if "data" in tensor:
        return _array(tensor["data"], data_type).reshape(shape)
    pattern = _array(tensor["repeat"] if "repeat" in tensor else [tensor["fill"]], data_type)
    if math.prod(shape) > LIMIT:
        return Repeated(pattern, shape)
    return np.resize(pattern, shape)


def _array(numbers: Sequence[Any], data_type: str) -> Array:
    dtype = NIBBLES.get(data_type) or np.dtype(data_type)
    if dtype.kind == "f":
        with np.errstate(over="ignore"):
            return np.array([float(number) for number in numbers], np.float64).astype(dtype)
    if data_type in NIBBLES:
        # Some numbers lie outside the type: its four bits are what a page would write.
        bits = np.array([int(number) & 15 for number in numbers], np.uint8)
        signed = (bits ^ 8).astype(np.int8) - 8
        return (signed if data_type == "int4" else bits).astype(dtype)
    limits = np.iinfo(dtype)
    return np.array([min(max(int(n), limits.min), limits.max) for n in numbers], dtype)


def _within_type(outputs: Mapping[str, Any]) -> dict[str, Any]:
    """Return the outputs with 4-bit numbers cut to the type: some are off by the tolerance."""
    ranges = {"int4": (-8, 7), "uint4": (0, 15)}
    inside = dict(outputs)
    for name, tensor in outputs.items():
        if tensor["dataType"] in ranges:
            low, high = ranges[tensor["dataType"]]
            inside[name] = {**tensor, "data": [min(max(n, low), high) for n in tensor["data"]]}
    return inside


def _first_elements(tensor: Array | Repeated) -> Array:
    return np.resize(tensor.pattern, LIMIT) if isinstance(tensor, Repeated) else tensor


# ---------------------------------------------------------------------------
# Judging results


def judge(vector: Vector, result: Result) -> str | None:
    """Return why ``result`` is not what ``vector`` wants, or None where it is."""
    if vector.refused:
        refused = result.error is not None and result.error.startswith("TypeError")
        return None if refused else f"was not refused with a TypeError: {result.error or 'it ran'}"
    if result.error is not None:
        return result.error
    for name, expected in vector.expected.items():
        got = result.outputs[name]
        if got.dtype != expected.dtype:
            return f"{name}: got {got.dtype}, expected {expected.dtype}"
        if vector.renamed:
            continue
        if got.shape != expected.shape:
            return f"{name}: got shape {list(got.shape)}, expected {list(expected.shape)}"
        problem = _compare(got.ravel(), expected.ravel(), vector.tolerances[name])
        if problem:
            return f"{name}{problem}"
    return None


def _compare(got: Array, expected: Array, tolerance: Tolerance) -> str | None:
    with np.errstate(all="ignore"):
        distance = distances(got, expected, tolerance.metric)
    if not (distance > tolerance.value).any():
        return None
    worst = int(distance.argmax())
    count = int((distance > tolerance.value).sum())
    what = f"{distance[worst]:g} {tolerance.metric}, allowed {tolerance.value:g}"
    if tolerance.metric == "ATOL":
        what += f" ({distances(got, expected, 'ULP')[worst]:g} ULP)"
    values = f"got {got[worst]!s}, expected {expected[worst]!s}"
    return f"[{worst}]: {values}: {what}; {count} of {got.size} are off"


def distances(got: Array, expected: Array, metric: str) -> Array:
    """Return how far each element is off: in units of the last place, absolutely, or 0 and inf.

    Two NaN are equal, and so are the two zeros, except for their bits.
    """
    if got.dtype.kind != "f":
        differences = [abs(int(a) - int(b)) for a, b in zip(got, expected, strict=True)]
        return np.array(differences, np.float64)
    same = np.isnan(got) & np.isnan(expected)
    if metric == "ATOL":
        same |= got == expected
        off = np.abs(got.astype(np.float64) - expected.astype(np.float64))
        return np.where(same, 0.0, np.where(np.isnan(off), np.inf, off))
    width = np.int16 if got.dtype.itemsize == 2 else np.int32
    bits = np.abs(got.view(width).astype(np.int64) - expected.view(width).astype(np.int64))
    if metric == "BITS":
        return np.where(same | (bits == 0), 0.0, np.inf)
    same |= got == expected
    wrong = np.isnan(got) != np.isnan(expected)
    return np.where(same, 0.0, np.where(wrong, np.inf, bits.astype(np.float64)))
