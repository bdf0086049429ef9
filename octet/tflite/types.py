# SPDX-License-Identifier: Apache-2.0
"""Element types and operator codes of the TFLite schema by name."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from ai_edge_litert import schema_py_generated as schema

Array = npt.NDArray[Any]

NUMPY_TYPES: dict[int, np.dtype[Any]] = {
    schema.TensorType.FLOAT32: np.dtype("float32"),
    schema.TensorType.FLOAT16: np.dtype("float16"),
    schema.TensorType.FLOAT64: np.dtype("float64"),
    schema.TensorType.INT8: np.dtype("int8"),
    schema.TensorType.INT16: np.dtype("int16"),
    schema.TensorType.INT32: np.dtype("int32"),
    schema.TensorType.INT64: np.dtype("int64"),
    schema.TensorType.UINT8: np.dtype("uint8"),
    schema.TensorType.UINT16: np.dtype("uint16"),
    schema.TensorType.UINT32: np.dtype("uint32"),
    schema.TensorType.UINT64: np.dtype("uint64"),
    schema.TensorType.BOOL: np.dtype("bool"),
}
"""The types whose elements NumPy can hold; packed 2- and 4-bit types, strings and others are
absent."""

TENSOR_TYPES: dict[str, int] = {dtype.name: code for code, dtype in NUMPY_TYPES.items()}


def _names(enumeration: type) -> dict[int, str]:
    return {value: name for name, value in vars(enumeration).items() if isinstance(value, int)}


TYPE_NAMES: dict[int, str] = {
    code: name.lower() for code, name in _names(schema.TensorType).items()
}
"""Every element type by its code: ``float32``, ``int4``, …"""

OPERATOR_NAMES: dict[int, str] = _names(schema.BuiltinOperator)
OPERATOR_CODES: dict[str, int] = {name: code for code, name in OPERATOR_NAMES.items()}

ACTIVATION_NAMES: dict[int, str] = _names(schema.ActivationFunctionType)


def type_name(code: int) -> str:
    """Return ``float32`` for TensorType.FLOAT32, and ``type 99`` for a code that has no name."""
    return TYPE_NAMES.get(code, f"type {code}")
