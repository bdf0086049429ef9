# SPDX-License-Identifier: Apache-2.0
"""Writes small .tflite files through the schema's object API, one operator each or a few."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import flatbuffers  # type: ignore[import-untyped]
import numpy as np
from ai_edge_litert import schema_py_generated as schema
from numpy.typing import NDArray

Array = NDArray[Any]

TYPES = {
    "float32": "FLOAT32",
    "float16": "FLOAT16",
    "int32": "INT32",
    "int64": "INT64",
    "int16": "INT16",
    "int8": "INT8",
    "uint8": "UINT8",
    "bool": "BOOL",
    "complex64": "COMPLEX64",
}


@dataclass(frozen=True)
class Tensor:
    """A tensor of a tiny model: constant if it has data, variable if it says so.

    ``shape`` may be left out for outputs: the rank is then open. ``scale`` is one number, or one
    per index of ``axis``.
    """

    shape: tuple[int, ...] = ()
    dtype: str = "float32"
    scale: float | tuple[float, ...] | None = None
    zero_point: int | tuple[int, ...] = 0
    axis: int = 0
    data: Array | None = None
    variable: bool = False
    sparsity: Any = None
    """The schema's SparsityParametersT; ``data`` are then the packed ones."""


def constant(data: Any, dtype: str = "int32", **quantization: Any) -> Tensor:
    """A constant tensor with the shape of ``data``."""
    array = np.asarray(data, dtype)
    return Tensor(array.shape, dtype, data=array, **quantization)


@dataclass(frozen=True)
class Operator:
    """One operator: tensors by name, "" for an input left out; custom operators by options."""

    name: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    options: str | None = None
    fields: dict[str, Any] | None = None
    custom_options: bytes | None = None
    intermediates: tuple[str, ...] = ()


def write_model(
    tensors: dict[str, Tensor],
    operators: list[Operator],
    inputs: tuple[str, ...],
    outputs: tuple[str, ...],
) -> bytes:
    """Return the file; names in ``inputs`` and ``outputs`` are keys of ``tensors``."""
    index = {name: i for i, name in enumerate(tensors)} | {"": -1}
    buffers = [schema.BufferT()]
    graph = schema.SubGraphT(
        tensors=[_tensor(name, tensor, buffers) for name, tensor in tensors.items()],
        inputs=[index[name] for name in inputs],
        outputs=[index[name] for name in outputs],
        operators=[_operator(op, i, index) for i, op in enumerate(operators)],
    )
    model = schema.ModelT(
        version=3,
        operatorCodes=[_operator_code(op) for op in operators],
        subgraphs=[graph],
        buffers=buffers,
    )
    builder = flatbuffers.Builder()
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def _tensor(name: str, tensor: Tensor, buffers: list[Any]) -> Any:
    if tensor.data is not None:
        raw = np.frombuffer(tensor.data.tobytes(), np.uint8)
        buffers.append(schema.BufferT(data=raw))
    return schema.TensorT(
        shape=list(tensor.shape),
        type=getattr(schema.TensorType, TYPES[tensor.dtype]),
        buffer=len(buffers) - 1 if tensor.data is not None else 0,
        name=name,
        quantization=_quantization(tensor),
        isVariable=tensor.variable,
        sparsity=tensor.sparsity,
    )


def _quantization(tensor: Tensor) -> Any:
    if tensor.scale is None:
        return None
    scales = tensor.scale if isinstance(tensor.scale, tuple) else (tensor.scale,)
    points = tensor.zero_point if isinstance(tensor.zero_point, tuple) else (tensor.zero_point,)
    return schema.QuantizationParametersT(
        scale=list(scales),
        zeroPoint=list(points if len(points) == len(scales) else points * len(scales)),
        quantizedDimension=tensor.axis,
    )


def _operator_code(op: Operator) -> Any:
    if op.custom_options is not None:
        custom = schema.BuiltinOperator.CUSTOM
        return schema.OperatorCodeT(
            deprecatedBuiltinCode=custom, builtinCode=custom, customCode=op.name
        )
    code = getattr(schema.BuiltinOperator, op.name)
    version = 2 if op.name == "BROADCAST_TO" else 1
    return schema.OperatorCodeT(
        deprecatedBuiltinCode=min(code, 127), builtinCode=code, version=version
    )


def _operator(op: Operator, code: int, index: dict[str, int]) -> Any:
    result = schema.OperatorT(
        opcodeIndex=code,
        inputs=[index[name] for name in op.inputs],
        outputs=[index[name] for name in op.outputs],
        intermediates=[index[name] for name in op.intermediates] or None,
    )
    if op.options is not None:
        result.builtinOptionsType = getattr(schema.BuiltinOptions, op.options)
        result.builtinOptions = getattr(schema, f"{op.options}T")(**(op.fields or {}))
    if op.custom_options is not None:
        result.customOptions = list(op.custom_options)
    return result
