# SPDX-License-Identifier: Apache-2.0
"""A TFLite model in memory: names instead of codes, arrays instead of buffers."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from octet.errors import OctetError
from octet.tflite.files import (
    Attachment,
    attachments,
    parse,
    read_bytes,
    serialize,
    write_whole,
)
from octet.tflite.types import (
    NUMPY_TYPES,
    OPERATOR_CODES,
    OPERATOR_NAMES,
    TENSOR_TYPES,
    Array,
    type_name,
)


class Model:
    """A model's tree and its first subgraph, the one that is run.

    The objects in ``tensors`` and ``operators`` are the schema's own (``TensorT``, ``OperatorT``)
    and may be changed in place; tensors are only ever appended, so their indices stay valid.

    Attributes:
        tree: the ``ModelT``: all subgraphs, signatures and metadata.
        name: what messages call the model.
        attached: files packed behind the model, which go where it goes.
    """

    def __init__(self, tree: Any, name: str, attached: Sequence[Attachment] = ()) -> None:
        self.tree = tree
        self.name = name
        self.attached = tuple(attached)

    @classmethod
    def read(cls, path: Path) -> Model:
        """Return the model in a ``.tflite`` file. Raises OctetError naming file and problem."""
        return cls.parse(read_bytes(path), path.name)

    @classmethod
    def parse(cls, data: bytes, name: str) -> Model:
        """Return the model in a file's bytes. Raises ModelFileError."""
        return cls(parse(data, name), name, attachments(data))

    @classmethod
    def empty(cls, name: str) -> Model:
        """Return a model with one subgraph that has nothing in it."""
        graph = schema.SubGraphT(tensors=[], inputs=[], outputs=[], operators=[], name="main")
        tree = schema.ModelT(
            version=3,
            operatorCodes=[],
            subgraphs=[graph],
            buffers=[schema.BufferT()],
            description="octet",
        )
        return cls(tree, name)

    def copy(self) -> Model:
        """Return an independent model; constants are shared, so replace them, never write in
        them."""
        memo = {
            id(buffer.data): buffer.data for buffer in self.tree.buffers if buffer.data is not None
        }
        return Model(copy.deepcopy(self.tree, memo), self.name, self.attached)

    def to_bytes(self) -> bytes:
        """Return the file's bytes. Raises ModelFileError at 2 GB."""
        return serialize(self.tree, self.name, self.attached)

    def write(self, path: Path) -> None:
        """Write the file, all or nothing. Raises OctetError."""
        write_whole(path, self.to_bytes())

    # Parts ---------------------------------------------------------------------------------------

    @property
    def graph(self) -> Any:
        """The first subgraph, a ``SubGraphT``."""
        return self.tree.subgraphs[0]

    @property
    def tensors(self) -> list[Any]:
        """The first subgraph's tensors."""
        return self.graph.tensors  # type: ignore[no-any-return]

    @property
    def operators(self) -> list[Any]:
        """The first subgraph's operators, in the order in which they run."""
        return self.graph.operators  # type: ignore[no-any-return]

    @property
    def inputs(self) -> list[int]:
        """Indices of the input tensors."""
        return self.graph.inputs  # type: ignore[no-any-return]

    @property
    def outputs(self) -> list[int]:
        """Indices of the output tensors."""
        return self.graph.outputs  # type: ignore[no-any-return]

    def operator_name(self, operator: Any) -> str:
        """Return ``CONV_2D``, or the custom operator's own name."""
        code = self.tree.operatorCodes[operator.opcodeIndex]
        if code.customCode:
            return str(code.customCode)
        return OPERATOR_NAMES.get(code.builtinCode, f"operator {code.builtinCode}")

    def operator_version(self, operator: Any) -> int:
        """Return the version that the file demands of the operator's kernel."""
        return int(self.tree.operatorCodes[operator.opcodeIndex].version)

    def tensor_name(self, index: int) -> str:
        """Return a tensor's name, or ``tensor 7`` where it has none."""
        return self.tensors[index].name or f"tensor {index}"

    def dtype(self, index: int) -> str:
        """Return the name of a tensor's element type, as NumPy and TFLite call it."""
        return type_name(self.tensors[index].type)

    def shape(self, index: int) -> tuple[int, ...]:
        """Return a tensor's shape with the dimensions stored in the file."""
        return tuple(self.tensors[index].shape)

    def is_constant(self, index: int) -> bool:
        """Return whether a tensor has its value in the file."""
        data = self.tree.buffers[self.tensors[index].buffer].data
        return data is not None and len(data) > 0

    def constant(self, index: int) -> Array | None:
        """Return a constant's value, read-only; None for other tensors and packed types.

        Raises:
            OctetError: if the bytes are too few or too many for type and shape.
        """
        tensor = self.tensors[index]
        if not self.is_constant(index) or tensor.type not in NUMPY_TYPES:
            return None
        raw = np.ascontiguousarray(self.tree.buffers[tensor.buffer].data, np.uint8)
        dtype = NUMPY_TYPES[tensor.type]
        expected = int(np.prod(tensor.shape, dtype=np.int64)) * dtype.itemsize
        if raw.size != expected:
            raise OctetError(
                f'{self.name}: tensor "{self.tensor_name(index)}": bytes: got {raw.size}, '
                f"expected {expected} ({dtype}{tensor.shape})."
            )
        array = raw.view(dtype).reshape(tensor.shape)
        array.flags.writeable = False
        return array

    def producers(self) -> dict[int, int]:
        """Return, by tensor index, the position of the operator that writes it."""
        return {
            tensor: position
            for position, operator in enumerate(self.operators)
            for tensor in operator.outputs
            if tensor >= 0
        }

    def consumers(self) -> dict[int, list[int]]:
        """Return, by tensor index, the positions of the operators that read it, in order."""
        readers: dict[int, list[int]] = {}
        for position, operator in enumerate(self.operators):
            for tensor in dict.fromkeys(operator.inputs):
                if tensor >= 0:
                    readers.setdefault(tensor, []).append(position)
        return readers

    # Changes -------------------------------------------------------------------------------------

    def add_buffer(self, data: Array) -> int:
        """Append a constant's bytes and return the buffer's index."""
        raw = np.frombuffer(np.ascontiguousarray(data).tobytes(), np.uint8)
        self.tree.buffers.append(schema.BufferT(data=raw))
        return len(self.tree.buffers) - 1

    def add_tensor(
        self, name: str, shape: Sequence[int], dtype: str, quantization: Any = None
    ) -> int:
        """Append a tensor without a value and return its index."""
        self.tensors.append(
            schema.TensorT(
                shape=[int(size) for size in shape],
                type=TENSOR_TYPES[dtype],
                buffer=0,
                name=name,
                quantization=quantization,
                hasRank=True,
            )
        )
        return len(self.tensors) - 1

    def add_constant(self, name: str, value: Array, quantization: Any = None) -> int:
        """Append a constant and return its index."""
        array = np.asarray(value)
        index = self.add_tensor(name, array.shape, array.dtype.name, quantization)
        self.tensors[index].buffer = self.add_buffer(array)
        return index

    def operator_code(self, name: str, version: int = 1) -> int:
        """Return the index of a builtin operator's code, appended where the model lacks it."""
        wanted = OPERATOR_CODES[name]
        for index, code in enumerate(self.tree.operatorCodes):
            if (code.builtinCode, code.version) == (wanted, version) and not code.customCode:
                return index
        self.tree.operatorCodes.append(
            schema.OperatorCodeT(
                deprecatedBuiltinCode=min(wanted, 127), builtinCode=wanted, version=version
            )
        )
        return len(self.tree.operatorCodes) - 1

    def make_operator(
        self,
        name: str,
        inputs: Iterable[int],
        outputs: Iterable[int],
        options: str | None = None,
        fields: Mapping[str, Any] | None = None,
        version: int = 1,
    ) -> Any:
        """Return a builtin operator of this model that is not in its list yet.

        Args:
            name: for instance ``CONV_2D``.
            inputs: tensor indices; -1 for an optional input that is absent.
            outputs: tensor indices.
            options: the schema's table of options, for instance ``Conv2DOptions``.
            fields: values of that table; the schema's defaults for the others.
            version: the kernel's version.
        """
        operator = schema.OperatorT(
            opcodeIndex=self.operator_code(name, version),
            inputs=list(inputs),
            outputs=list(outputs),
        )
        if options is not None:
            operator.builtinOptionsType = getattr(schema.BuiltinOptions, options)
            operator.builtinOptions = getattr(schema, f"{options}T")(**(fields or {}))
        return operator

    def set_version(self, operator: Any, version: int) -> None:
        """Let an operator demand at least ``version`` of its kernel."""
        code = self.tree.operatorCodes[operator.opcodeIndex]
        if version > code.version and not code.customCode:
            operator.opcodeIndex = self.operator_code(OPERATOR_NAMES[code.builtinCode], version)

    def metadata(self, name: str) -> bytes | None:
        """Return the metadata entry ``name``."""
        for entry in self.tree.metadata or []:
            if _text(entry.name) == name:
                data = self.tree.buffers[entry.buffer].data
                return b"" if data is None else bytes(np.asarray(data, np.uint8))
        return None

    def set_metadata(self, name: str, value: bytes) -> None:
        """Add or replace the metadata entry ``name``."""
        buffer = self.add_buffer(np.frombuffer(value, np.uint8))
        for entry in self.tree.metadata or []:
            if _text(entry.name) == name:
                entry.buffer = buffer
                return
        self.tree.metadata = [
            *(self.tree.metadata or []),
            schema.MetadataT(name=name, buffer=buffer),
        ]


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else (value or "")
