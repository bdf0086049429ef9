# SPDX-License-Identifier: Apache-2.0
"""Between a ``.tflite`` file and the schema's object tree, and files that are written whole or not.

A file may keep large buffers behind the FlatBuffer, addressed by 64-bit offsets from its start;
they are read into the tree. What is written has every buffer inside the FlatBuffer, aligned to 16
bytes as the schema demands (its Python writer does not), so it has to stay below 2 GB.
"""

from __future__ import annotations

import copy
import io
import os
import struct
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import flatbuffers  # type: ignore[import-untyped]
import numpy as np
from ai_edge_litert import schema_py_generated as schema

from octet.errors import OctetError
from octet.tflite.check import check_extent, first_problem

IDENTIFIER = b"TFL3"
BUFFER_ALIGNMENT = 16
LARGEST_FILE = 2**31 - 1


class ModelFileError(OctetError):
    """A file that is not a sound TFLite model, or a model that cannot be a file."""


class _AlignedBuffer(schema.BufferT):  # type: ignore[misc]
    """A buffer whose bytes start at a multiple of BUFFER_ALIGNMENT."""

    def Pack(self, builder: Any) -> int:  # noqa: N802 - the schema's name
        offset = None
        if self.data is not None and len(self.data):
            data = np.ascontiguousarray(self.data, np.uint8).data
            builder.StartVector(1, len(data), BUFFER_ALIGNMENT)
            builder.head -= len(data)
            with memoryview(builder.Bytes) as written:  # a bytearray's slice would copy it twice
                written[builder.head : builder.head + len(data)] = data
            offset = builder.EndVector()
        schema.BufferStart(builder)
        if offset is not None:
            schema.BufferAddData(builder, offset)
        packed: int = schema.BufferEnd(builder)
        return packed


def read_bytes(path: Path) -> bytes:
    """Return a file's content. Raises OctetError naming the file."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise OctetError(f"{path}: {error.strerror}") from None


def parse(data: bytes, name: str) -> Any:
    """Return the ``ModelT`` in ``data``; the bytes must outlive it, for constants are views of
    them.

    Raises:
        ModelFileError: naming ``name``, if this is no TFLite file or a broken one.
    """
    if len(data) < 8 or data[4:8] != IDENTIFIER:
        raise ModelFileError(
            f"{name}: not a TFLite file: bytes 4 to 7: got {data[4:8]!r}, expected {IDENTIFIER!r}."
        )
    try:
        check_extent(data)
        model = schema.ModelT.InitFromPackedBuf(data, 0)
        _normalize(model, data)
    except (
        struct.error,
        IndexError,
        ValueError,
        TypeError,
        AttributeError,
        OverflowError,
        MemoryError,
        UnicodeDecodeError,
    ) as error:
        raise ModelFileError(f"{name}: a broken TFLite file: {error}.") from None
    problem = first_problem(model)
    if problem:
        raise ModelFileError(f"{name}: a broken TFLite file: {problem}.")
    return model


Attachment = tuple[zipfile.ZipInfo, bytes]
"""A file that is packed behind a model, for instance its labels."""


def attachments(data: bytes) -> list[Attachment]:
    """Return the files in the ZIP archive that TFLite metadata tools append to a model."""
    stream = io.BytesIO(data)
    if not zipfile.is_zipfile(stream):
        return []
    try:
        with zipfile.ZipFile(stream) as archive:
            return [(info, archive.read(info)) for info in archive.infolist()]
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, zlib.error):
        return []


def serialize(model: Any, name: str, attached: Sequence[Attachment] = ()) -> bytes:
    """Return ``model`` as a file's bytes; the same tree gives the same bytes.

    Raises:
        ModelFileError: if the file would have 2 GB or more.
    """
    size = sum(len(buffer.data) for buffer in model.buffers if buffer.data is not None)
    if size >= LARGEST_FILE:
        raise ModelFileError(
            f"{name}: constants: got {size:,} bytes, expected less than {LARGEST_FILE:,}."
        )
    model.buffers = [
        _AlignedBuffer(data=None if buffer.data is None else buffer.data)
        for buffer in model.buffers
    ]
    builder = flatbuffers.Builder(min(size + size // 16 + 65536, LARGEST_FILE))
    builder.Finish(model.Pack(builder), IDENTIFIER)
    with memoryview(builder.Bytes) as written:
        data = bytes(written[builder.head :])
    if not attached:
        return data
    stream = io.BytesIO()
    stream.write(data)
    with zipfile.ZipFile(stream, "a") as archive:
        for info, content in attached:
            archive.writestr(copy.copy(info), content)
    return stream.getvalue()


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield the name of a file to write, which takes the place of ``path`` at the end.

    On an error, an interrupt included, ``path`` is as it was before and the other file is gone.

    Raises:
        OctetError: naming the file, if it cannot be written, for instance on a full disk.
    """
    if path.exists() and not path.is_file():  # a folder, or a device, which this would replace
        raise OctetError(f"{path}: cannot write: not a regular file.")
    partial = path.parent / f".{path.name}.{os.getpid()}.partial"
    try:
        yield partial
        partial.replace(path)
    except OSError as error:
        raise OctetError(f"{path}: cannot write: {error.strerror or error}.") from None
    finally:
        partial.unlink(missing_ok=True)


def write_whole(path: Path, data: bytes) -> None:
    """Write a file, all or nothing. Raises OctetError naming it."""
    with replacing(path) as partial, partial.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _normalize(model: Any, data: bytes) -> None:
    """Make plain lists and strings of what the schema's reader returns as arrays and bytes."""
    model.buffers = list(model.buffers or [])
    for buffer in model.buffers:
        if buffer.offset > 1 and buffer.size:
            buffer.data = _external(data, buffer.offset, buffer.size)
        buffer.offset = buffer.size = 0
    model.operatorCodes = list(model.operatorCodes or [])
    for code in model.operatorCodes:
        code.builtinCode = max(code.builtinCode, code.deprecatedBuiltinCode)
        code.customCode = _text(code.customCode) or None
    model.subgraphs = list(model.subgraphs or [])
    for graph in model.subgraphs:
        graph.name = _text(graph.name)
        graph.inputs, graph.outputs = _numbers(graph.inputs), _numbers(graph.outputs)
        graph.tensors, graph.operators = list(graph.tensors or []), list(graph.operators or [])
        for tensor in graph.tensors:
            tensor.name = _text(tensor.name)
            tensor.shape = _numbers(tensor.shape)
            if tensor.shapeSignature is not None:
                tensor.shapeSignature = _numbers(tensor.shapeSignature)
        for operator in graph.operators:
            operator.inputs = _numbers(operator.inputs)
            operator.outputs = _numbers(operator.outputs)
            if operator.largeCustomOptionsOffset > 1:
                operator.customOptions = _external(
                    data, operator.largeCustomOptionsOffset, operator.largeCustomOptionsSize
                )
                operator.largeCustomOptionsOffset = operator.largeCustomOptionsSize = 0


def _external(data: bytes, offset: int, size: int) -> Any:
    if offset + size > len(data):
        raise ValueError(
            f"a buffer at bytes {offset:,} to {offset + size:,}, the file has {len(data):,}"
        )
    return np.frombuffer(data, np.uint8, size, offset)


def _numbers(values: Any) -> list[int]:
    return [] if values is None else [int(value) for value in values]


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else (value or "")
