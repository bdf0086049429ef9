# SPDX-License-Identifier: Apache-2.0
"""Reads ``wasm_kernels/kernels.h``, the kernel catalogue, into plain dataclasses.

The grammar is deliberately small: ``typedef enum {...} name;``, ``typedef struct {...} name;`` with
``int32_t`` fields (arrays allowed) and ``void name(type name, ...);``. Anything else is an error
that names file and line, so the catalogue cannot drift into C that the derived code does not know.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

SCALARS = {"int32_t": "i32", "float": "f32"}
ELEMENTS = {"void", "float", "uint8_t", "int32_t", "uint32_t"}


class HeaderError(ValueError):
    """The catalogue holds something its grammar does not allow."""


@dataclass(frozen=True)
class Enum:
    """``typedef enum``: constant names in order, counting from 0."""

    name: str
    constants: tuple[str, ...]


@dataclass(frozen=True)
class Field:
    """A field of a parameter struct; ``length`` is 1 for a plain ``int32_t``."""

    name: str
    length: int


@dataclass(frozen=True)
class Struct:
    """A parameter struct: ``int32_t`` fields laid out without gaps."""

    name: str
    fields: tuple[Field, ...]

    @property
    def words(self) -> int:
        """Its size in 32-bit words."""
        return sum(field.length for field in self.fields)


@dataclass(frozen=True)
class Parameter:
    """A kernel parameter that takes an argument word.

    ``kind`` is ``out`` or ``in`` (a pointer to elements), ``struct``, ``i32`` or ``f32``;
    ``type`` is the C element or struct name.
    """

    name: str
    kind: str
    type: str


@dataclass(frozen=True)
class Kernel:
    """A kernel: number in the catalogue, contract, parameters (scratch and range left out)."""

    id: int
    name: str
    doc: str
    parameters: tuple[Parameter, ...]
    has_scratch: bool


@dataclass(frozen=True)
class Catalogue:
    """All of ``kernels.h``."""

    enums: tuple[Enum, ...]
    structs: tuple[Struct, ...]
    kernels: tuple[Kernel, ...]

    def kernel(self, name: str) -> Kernel:
        """Return the kernel called ``name``; KeyError if there is none."""
        for kernel in self.kernels:
            if kernel.name == name:
                return kernel
        raise KeyError(name)

    def struct(self, name: str) -> Struct:
        """Return the struct called ``name``; KeyError if there is none."""
        for struct in self.structs:
            if struct.name == name:
                return struct
        raise KeyError(name)


@dataclass(frozen=True)
class _Statement:
    line: int
    doc: str
    text: str


def read_catalogue(path: Path) -> Catalogue:
    """Parse the catalogue at ``path``.

    Raises:
        HeaderError: with ``file:line`` for anything outside the grammar.
    """
    return parse_catalogue(path.read_text(encoding="utf-8"), str(path))


def parse_catalogue(source: str, name: str = "kernels.h") -> Catalogue:
    """Parse catalogue source; see `read_catalogue`."""
    enums: list[Enum] = []
    structs: list[Struct] = []
    kernels: list[Kernel] = []
    for statement in _statements(source):
        try:
            if statement.text.startswith("typedef enum"):
                enums.append(_parse_enum(statement.text))
            elif statement.text.startswith("typedef struct"):
                structs.append(_parse_struct(statement.text))
            elif statement.text.startswith("void "):
                known = {struct.name for struct in structs}
                kernels.append(_parse_kernel(len(kernels), statement, known))
            else:
                raise HeaderError(
                    f"expected an enum, a struct or a kernel: {statement.text[:60]!r}"
                )
        except HeaderError as error:
            raise HeaderError(f"{name}:{statement.line}: {error}") from None
    return Catalogue(tuple(enums), tuple(structs), tuple(kernels))


def _statements(source: str) -> list[_Statement]:
    """Split into statements that end with ``;`` at brace depth 0, each with its comment block."""
    statements: list[_Statement] = []
    doc: list[str] = []
    text: list[str] = []
    start = depth = 0
    for number, raw in enumerate(source.splitlines(), 1):
        line = raw.strip()
        if line.startswith("#"):
            continue
        if not text and line.startswith("//"):
            doc.append(line[2:].strip())
            continue
        code = line.split("//")[0].strip()
        if not code:
            if not text:
                doc = []
            continue
        if not text:
            start = number
        text.append(code)
        depth += code.count("{") - code.count("}")
        if depth == 0 and code.endswith(";"):
            statements.append(_Statement(start, "\n".join(doc), " ".join(text)))
            doc, text = [], []
    if text:
        statements.append(_Statement(start, "", " ".join(text)))
    return statements


def _parse_enum(text: str) -> Enum:
    match = re.fullmatch(r"typedef enum \{ ?([A-Z0-9_, ]+?),? ?\} (\w+);", text)
    if not match:
        raise HeaderError("an enum lists upper-case constants without values")
    return Enum(match[2], tuple(part.strip() for part in match[1].split(",")))


def _parse_struct(text: str) -> Struct:
    match = re.fullmatch(r"typedef struct \{ (.+) \} (\w+);", text)
    if not match:
        raise HeaderError("cannot read this struct")
    fields = []
    for part in match[1].rstrip(";").split(";"):
        field = re.fullmatch(r"\s*int32_t (\w+)(?:\[(\d+)\])?\s*", part)
        if not field:
            raise HeaderError(
                f"a struct field is int32_t name or int32_t name[n]: {part.strip()!r}"
            )
        fields.append(Field(field[1], int(field[2] or 1)))
    return Struct(match[2], tuple(fields))


def _parse_kernel(number: int, statement: _Statement, structs: set[str]) -> Kernel:
    match = re.fullmatch(r"void (\w+)\((.+)\);", statement.text)
    if not match:
        raise HeaderError("cannot read this prototype")
    parts = [part.strip() for part in match[2].split(",")]
    if parts[-2:] != ["int32_t begin", "int32_t end"]:
        raise HeaderError(f"{match[1]}: a kernel ends with 'int32_t begin, int32_t end'")
    parts = parts[:-2]
    has_scratch = bool(parts) and parts[-1] == "void* scratch"
    if has_scratch:
        parts.pop()
    if has_scratch != ("SCRATCH:" in statement.doc or "SCRATCH: as" in statement.doc):
        raise HeaderError(f"{match[1]}: a scratch argument and a SCRATCH line go together")
    parameters = tuple(_parse_parameter(match[1], part, structs) for part in parts)
    return Kernel(number, match[1], statement.doc, parameters, has_scratch)


def _parse_parameter(kernel: str, text: str, structs: set[str]) -> Parameter:
    match = re.fullmatch(r"(const )?(\w+)(\*)? (\w+)", text)
    if match:
        const, type_, pointer, name = match.groups()
        if not pointer and not const and type_ in SCALARS:
            return Parameter(name, SCALARS[type_], type_)
        if pointer and const and type_ in structs:
            return Parameter(name, "struct", type_)
        if pointer and type_ in ELEMENTS:
            return Parameter(name, "in" if const else "out", type_)
    raise HeaderError(f"{kernel}: cannot take the parameter {text!r}")
