# SPDX-License-Identifier: Apache-2.0
"""Renders the tables of the TFLite file format that the JavaScript loader reads.

The numbers come from the code that FlatBuffers generated for the package ``tflite``: enumerations
from their classes, slots and types from the source of the readers' accessors, defaults from the
source of the writers. No number of the format is typed by hand.
"""

from __future__ import annotations

import importlib
import inspect
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from octet.codegen.render import notice, render

# What the loader reads of the file's own structure; the rest stays out of the browser.
STRUCTURE = {
    "Model": (
        "Version",
        "OperatorCodes",
        "Subgraphs",
        "Description",
        "Buffers",
        "Metadata",
        "SignatureDefs",
    ),
    "OperatorCode": ("DeprecatedBuiltinCode", "CustomCode", "Version", "BuiltinCode"),
    "SubGraph": ("Tensors", "Inputs", "Outputs", "Operators", "Name"),
    "Tensor": (
        "Shape",
        "Type",
        "Buffer",
        "Name",
        "Quantization",
        "IsVariable",
        "Sparsity",
        "ShapeSignature",
    ),
    "QuantizationParameters": ("Min", "Max", "Scale", "ZeroPoint", "QuantizedDimension"),
    "SparsityParameters": ("TraversalOrder", "BlockMap", "DimMetadata"),
    "DimensionMetadata": (
        "Format",
        "DenseSize",
        "ArraySegmentsType",
        "ArraySegments",
        "ArrayIndicesType",
        "ArrayIndices",
    ),
    "Int32Vector": ("Values",),
    "Uint16Vector": ("Values",),
    "Uint8Vector": ("Values",),
    "Buffer": ("Data", "Offset", "Size"),
    "Operator": (
        "OpcodeIndex",
        "Inputs",
        "Outputs",
        "BuiltinOptionsType",
        "BuiltinOptions",
        "CustomOptions",
        "Intermediates",
        "LargeCustomOptionsOffset",
        "LargeCustomOptionsSize",
    ),
    "Metadata": ("Name",),
    "SignatureDef": ("Inputs", "Outputs", "SignatureKey", "SubgraphIndex"),
    "TensorMap": ("Name", "TensorIndex"),
}

# Fields that hold an enumeration; the generated readers do not say which.
ENUMERATIONS = {
    "ArrayIndicesType": "SparseIndexVector",
    "ArraySegmentsType": "SparseIndexVector",
    "BuiltinOptionsType": "BuiltinOptions",
    "Format": "DimensionType",
    "FusedActivationFunction": "ActivationFunctionType",
    "InDataType": "TensorType",
    "KernelType": "LSTMKernelType",
    "MirrorPadOptions.Mode": "MirrorPadMode",
    "OutDataType": "TensorType",
    "OutType": "TensorType",
    "OutputType": "TensorType",
    "Padding": "Padding",
    "QuantizedBiasType": "TensorType",
    "Tensor.Type": "TensorType",
    "WeightsFormat": "FullyConnectedOptionsWeightsFormat",
}

FLAGS = {
    "BoolFlags": "bool",
    "Float32Flags": "float32",
    "Int8Flags": "int8",
    "Int32Flags": "int32",
    "Int64Flags": "int64",
    "Uint8Flags": "uint8",
    "Uint16Flags": "uint16",
    "Uint32Flags": "uint32",
    "Uint64Flags": "uint64",
}


class SchemaError(Exception):
    """The generated readers do not look as expected."""


@dataclass(frozen=True)
class Field:
    """One field of a table: its slot in the vtable, its type and, for scalars, its default."""

    name: str
    slot: int
    type: str
    default: int | float | bool | None
    enumeration: str | None

    def literal(self) -> str:
        """Return the field as the JavaScript tuple ``[slot, type, default, enumeration]``."""
        words: list[Any] = [self.slot, self.type, self.default, self.enumeration]
        while words[-1] is None:
            words.pop()
        return json.dumps(words)


def generated(name: str) -> Any:
    """Return the generated module ``name``."""
    return importlib.import_module(f"tflite.{name}")


def reader(name: str) -> Any:
    """Return the generated reader class (or enumeration) called ``name``."""
    return getattr(generated(name), name)


def enumeration(name: str) -> list[str]:
    """Return the names of an enumeration, indexed by value."""
    values = {v: k for k, v in vars(reader(name)).items() if isinstance(v, int)}
    if sorted(values) != list(range(len(values))):
        raise SchemaError(f"tflite.{name}: the values are not 0…{len(values) - 1}.")
    return [values[i] for i in range(len(values))]


def field_type(table: str, source: str) -> str:
    """Return the type an accessor reads: ``int32``, ``[int32]``, ``string``, ``Buffer``, …"""
    flags = re.search(r"_tab\.Get\(flatbuffers\.number_types\.(\w+), (a|o)\b", source)
    target = re.search(r"from tflite\.(\w+) import", source)
    vector = "self._tab.Vector(o)" in source
    if flags:
        scalar = FLAGS[flags[1]]
    elif "self._tab.Union(" in source:
        return "union"
    elif target:
        scalar = target[1]
    elif "self._tab.String(" in source:
        scalar = "string"
    else:
        raise SchemaError(f"tflite.{table}: cannot read this accessor:\n{source}")
    return f"[{scalar}]" if vector else scalar


def scalar_default(table: str, name: str, kind: str) -> int | float | bool:
    """Return the value that the writer of a scalar leaves out."""
    source = inspect.getsource(getattr(generated(table), f"{table}Add{name}"))
    found = re.search(r"builder\.Prepend\w+Slot\(\d+, \w+, ([^)]+)\)", source)
    if not found:
        raise SchemaError(f"tflite.{table}: cannot read this writer:\n{source}")
    if kind == "bool":
        return found[1] in ("1", "True")
    return float(found[1]) if kind == "float32" else int(found[1])


def read_field(table: str, name: str) -> Field:
    """Return the field ``name`` of ``table`` as its accessor describes it."""
    source = inspect.getsource(getattr(reader(table), name))
    offset = re.search(r"_tab\.Offset\((\d+)\)", source)
    if not offset:
        raise SchemaError(f"tflite.{table}.{name}: no vtable offset in its accessor.")
    kind = field_type(table, source)
    default = scalar_default(table, name, kind) if kind in FLAGS.values() else None
    known = ENUMERATIONS.get(f"{table}.{name}") or ENUMERATIONS.get(name)
    if kind == "union":
        known = camel(f"{name}Type")
    return Field(camel(name), (int(offset[1]) - 4) // 2, kind, default, known)


def field_names(table: str) -> list[str]:
    """Return the names of all fields of ``table`` in the order of its vtable."""
    names = [
        name
        for name, method in inspect.getmembers(reader(table), inspect.isfunction)
        if "_tab.Offset(" in inspect.getsource(method)
        and not re.search(r"(AsNumpy|Length|IsNone)$", name)
    ]
    return sorted(names, key=lambda name: read_field(table, name).slot)


def camel(name: str) -> str:
    """Return ``strideW`` for ``StrideW``."""
    return name[0].lower() + name[1:]


def read_table(table: str, names: tuple[str, ...] | list[str]) -> list[Field]:
    """Return the named fields of ``table``."""
    return [read_field(table, name) for name in names]


def file_identifier() -> str:
    """Return the four characters at offset 4 of each file."""
    source = inspect.getsource(reader("Model").ModelBufferHasIdentifier)
    found = re.search(r'b"((?:\\x[0-9A-F]{2}){4})"', source)
    if not found:
        raise SchemaError("tflite.Model: no file identifier in ModelBufferHasIdentifier.")
    return bytes.fromhex(found[1].replace("\\x", "")).decode("ascii")


def render_tflite_schema(template: Path) -> str:
    """Render ``template`` with the format's tables and enumerations."""
    options = {name: field_names(name) for name in enumeration("BuiltinOptions")[1:]}
    tables = {name: read_table(name, names) for name, names in STRUCTURE.items()}
    # A table without fields needs no entry: the reader takes unknown tables as empty ones.
    tables |= {name: read_table(name, names) for name, names in sorted(options.items()) if names}
    used = {field.enumeration for fields in tables.values() for field in fields}
    named = {name for name in used if name and name[0].isupper()}
    return render(
        template,
        notice=notice("the Python package tflite"),
        identifier=file_identifier(),
        tables=tables,
        enumerations={name: enumeration(name) for name in sorted(named | {"BuiltinOperator"})},
    )
