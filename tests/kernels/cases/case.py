# SPDX-License-Identifier: Apache-2.0
"""What a test case is, and the values that cases are made of."""

from __future__ import annotations

import ast
import math
import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from octet.codegen.cheader import Catalogue, read_catalogue

from ..contract import Array, Struct, Weights, model

HEADER = Path(__file__).resolve().parents[3] / "wasm_kernels" / "kernels.h"

Rng = np.random.Generator

# element_type of kernels.h
TYPES = {
    "float32": 0,
    "float16": 1,
    "int32": 2,
    "uint32": 3,
    "int64": 4,
    "uint64": 5,
    "int8": 6,
    "uint8": 7,
}


@cache
def catalogue() -> Catalogue:
    """Return the kernel catalogue, read once."""
    return read_catalogue(HEADER)


@dataclass(frozen=True)
class Case:
    """One call of a kernel.

    Attributes:
        kernel: its name.
        note: what is special about the case.
        arguments: by parameter name: arrays, `Weights`, `Struct`, numbers, None. Arrays are flat;
            the output holds what lies there before the call. An array that is a view of a longer
            one is a pointer into it.
        extent: the kernel's parallel extent.
        scratch: bytes.
        in_place: the input whose buffer the output shares, or "".
    """

    kernel: str
    note: str
    arguments: Mapping[str, object]
    extent: int
    scratch: int = 0
    in_place: str = ""
    expected: Array = field(init=False, repr=False)

    def __post_init__(self) -> None:
        known = [parameter.name for parameter in catalogue().kernel(self.kernel).parameters]
        assert list(self.arguments) == known, f"{self.kernel}: {list(self.arguments)} != {known}"
        for value in self.arguments.values():
            if isinstance(value, np.ndarray) and self.kernel != "copy_nd":
                assert memory_of(value).nbytes == value.nbytes, "points into something longer"
        output = self.arguments[self.output]
        assert isinstance(output, np.ndarray)
        after = memory_of(output).copy()
        result = after[offset_of(output) :][: output.size]
        model(self.kernel)(**{**self.arguments, self.output: result})
        object.__setattr__(self, "expected", after)

    @property
    def prepare(self) -> Case | None:
        """The call that packs the weights, where the kernel takes packed ones of a private form."""
        w = self.arguments.get("w")
        if not isinstance(w, Weights) or w.packing is None:
            return None
        kernel, arguments = w.packing
        shape = arguments["shape"]
        k = int(shape.taps * shape.in_channels)
        names = {"taps": shape.taps, "K": k, "K2": -(-k // 2)}
        names |= {"groups": shape.groups, "out_channels": shape.out_channels}
        names["kernel_width"] = arguments.get("kernel_width", 0)
        room = np.zeros(stated_bytes(kernel, "Bytes", **names), np.uint8)
        scratch = stated_bytes(kernel, "SCRATCH", **names)
        return Case(kernel, self.note, {"packed": room, **arguments}, 1, scratch)

    @property
    def dot_class(self) -> int:
        """The dot product that its weights are packed for."""
        w = self.arguments.get("w")
        return w.packing[1]["dot_class"] if isinstance(w, Weights) and w.packing else 0

    @property
    def output(self) -> str:
        """The name of the output argument: the first."""
        return next(iter(self.arguments))


def memory_of(array: Array) -> Array:
    """Return the whole allocation that ``array`` points into."""
    return array if array.base is None else array.base


def offset_of(array: Array) -> int:
    """Return where in its allocation ``array`` starts, in elements."""
    start = memory_of(array).__array_interface__["data"][0]
    return int(array.__array_interface__["data"][0] - start) // array.itemsize


# ---------------------------------------------------------------------------
# Sizes that the contract states, read from its comments

_OPERATORS: dict[type[ast.AST], Callable[..., Any]] = {
    ast.Add: operator.add,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}


def _evaluate(node: ast.expr, names: Mapping[str, int]) -> float:
    match node:
        case ast.Constant(value=int(value)):
            return value
        case ast.Name(id=name):
            return names[name]
        case ast.Call(func=ast.Name(id="ceil"), args=[argument]):
            return math.ceil(_evaluate(argument, names))
        case ast.BinOp(left=left, op=op, right=right):
            return float(_OPERATORS[type(op)](_evaluate(left, names), _evaluate(right, names)))
    raise ValueError(f"cannot evaluate {ast.dump(node)}")


def stated_bytes(kernel: str, keyword: str, **names: int) -> int:
    """Evaluate the formula behind ``keyword:`` (SCRATCH, Bytes) in the kernel's contract."""
    kernels = catalogue().kernels
    for candidate in reversed(kernels[: catalogue().kernel(kernel).id + 1]):
        found = re.search(rf"\b{keyword}: ([^.]+)\.", candidate.doc.replace("\n", " "))
        if found and not found[1].startswith("as "):
            return int(_evaluate(ast.parse(found[1].strip(), mode="eval").body, names))
    raise LookupError(f"{kernel} states no {keyword}")


# ---------------------------------------------------------------------------
# Values

SPECIAL_FLOATS = np.array(
    [np.nan, np.inf, -np.inf, 0.0, -0.0, 1e-45, -1e-45, 1.1754942e-38, 3.4028235e38, -3.4028235e38],
    np.float32,
)


def garbage(rng: Rng, dtype: Any, count: int) -> Array:
    """Random bits: what an output holds before the call."""
    size = np.dtype(dtype).itemsize
    return np.frombuffer(bytearray(rng.bytes(count * size)), dtype).copy()


def bytes_of(rng: Rng, count: int) -> Array:
    """Random uint8 with more 0 and 255 than chance would give."""
    values = rng.integers(0, 256, count, np.uint8)
    edge = rng.random(count)
    values[edge < 0.05] = 0
    values[edge > 0.95] = 255
    return values


def floats(rng: Rng, count: int, spread: float = 2.0, special: float = 0.0) -> Array:
    """Normal floats over some powers of two; a share ``special`` of NaN, infinities and so on."""
    values = rng.standard_normal(count) * 2.0 ** rng.uniform(-spread, spread, count)
    values = values.astype(np.float32)
    chosen = rng.random(count) < special
    values[chosen] = rng.choice(SPECIAL_FLOATS, int(chosen.sum()))
    return values


def window_of(**fields: int) -> Struct:
    """Return a window_shape from its fields."""
    return struct_of("window_shape", **fields)


def struct_of(name: str, **fields: int | tuple[int, ...]) -> Struct:
    """Return a parameter struct, its arrays padded with garbage that no kernel may read."""
    layout = catalogue().struct(name)
    assert {f.name for f in layout.fields} == set(fields), name
    padded = {
        f.name: tuple(value) + (0x5A5A5A5A,) * (f.length - len(value))
        if isinstance(value := fields[f.name], tuple)
        else value
        for f in layout.fields
    }
    return Struct(**padded)


def struct_words(name: str, struct: Struct) -> Array:
    """Return the int32 words of a parameter struct, as it lies in memory."""
    words: list[int] = []
    for f in catalogue().struct(name).fields:
        value = getattr(struct, f.name)
        words.extend(value if isinstance(value, tuple) else (value,))
    return np.array(words, np.int32)
