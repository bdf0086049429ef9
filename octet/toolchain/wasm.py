# SPDX-License-Identifier: Apache-2.0
"""Reads as much of a wasm module as is needed to check it: imports, exports, data segments.

Format: https://webassembly.github.io/spec/core/binary/modules.html
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from pyodide_build.common import check_wasm_magic_number

from octet.errors import OctetError

CUSTOM, IMPORT, EXPORT, START, DATA = 0, 2, 7, 8, 11
MEMORY = 2
DATA_SEGMENT_NAMES = 9
HAS_MAXIMUM = 1


class _Reader:
    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0

    def __bool__(self) -> bool:
        return self.at < len(self.data)

    def byte(self) -> int:
        self.at += 1
        return self.data[self.at - 1]

    def u32(self) -> int:
        value = shift = 0
        while True:
            byte = self.byte()
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value

    def take(self, size: int) -> bytes:
        self.at += size
        return self.data[self.at - size : self.at]

    def name(self) -> str:
        return self.take(self.u32()).decode()


@dataclass
class Module:
    """What `read` found.

    Attributes:
        imports: "module.name" of every import.
        memory_pages: minimum and maximum (None: unbounded) of the imported memory.
        exports: names.
        has_start: whether instantiation runs a function.
        segments: number of data segments.
        segment_names: names of data segments, where the module kept them.
    """

    imports: list[str] = field(default_factory=list)
    memory_pages: tuple[int, int | None] | None = None
    exports: list[str] = field(default_factory=list)
    has_start: bool = False
    segments: int = 0
    segment_names: list[str] = field(default_factory=list)


def read(path: Path) -> Module:
    """Read the module at ``path``. Raises OctetError if it is no wasm module."""
    if not check_wasm_magic_number(path):
        raise OctetError(f"{path} is not a wasm module")
    module = Module()
    reader = _Reader(path.read_bytes()[8:])
    while reader:
        kind = reader.byte()
        section = _Reader(reader.take(reader.u32()))
        if kind == IMPORT:
            _read_imports(section, module)
        elif kind == EXPORT:
            for _ in range(section.u32()):
                module.exports.append(section.name())
                section.byte()
                section.u32()
        elif kind == START:
            module.has_start = True
        elif kind == DATA:
            module.segments = section.u32()
        elif kind == CUSTOM and section.name() == "name":
            _read_names(section, module)
    return module


def _read_imports(section: _Reader, module: Module) -> None:
    """Read up to the first import that is no memory: an octet module has no other."""
    for _ in range(section.u32()):
        module.imports.append(f"{section.name()}.{section.name()}")
        if section.byte() != MEMORY:
            return
        limited = section.byte() & HAS_MAXIMUM
        module.memory_pages = (section.u32(), section.u32() if limited else None)


def _read_names(section: _Reader, module: Module) -> None:
    while section:
        kind = section.byte()
        names = _Reader(section.take(section.u32()))
        if kind == DATA_SEGMENT_NAMES:
            for _ in range(names.u32()):
                names.u32()
                module.segment_names.append(names.name())
