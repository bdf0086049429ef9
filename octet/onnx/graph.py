# SPDX-License-Identifier: Apache-2.0
"""An ONNX file as plain data: nodes in order, constants as arrays, inputs with static shapes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from google.protobuf.message import DecodeError
from onnx import external_data_helper, helper, numpy_helper

from octet.errors import OctetError
from octet.tflite.types import Array


class OnnxError(OctetError):
    """An ONNX file that is broken or cannot be converted."""


@dataclass(frozen=True)
class Node:
    """An operator.

    Attributes:
        op: its type, for instance ``Conv``.
        name: its name, or that of its first output.
        inputs: names of values; "" for one left out.
        outputs: names of values.
        attributes: plain numbers, strings, lists and arrays.
        domain: "" for ONNX's own operators.
    """

    op: str
    name: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: Mapping[str, Any] = field(default_factory=dict)
    domain: str = ""

    def get(self, key: str, default: Any) -> Any:
        """Return an attribute, or what ONNX takes in its absence."""
        return self.attributes.get(key, default)

    def where(self) -> str:
        """Return type and name for messages."""
        return f'{self.op} "{self.name}"'


@dataclass
class Graph:
    """A network.

    Attributes:
        name: what messages call it.
        opset: version of ONNX's operators.
        nodes: in an order in which they can run.
        constants: by value name.
        inputs: shape and NumPy type by value name, constants left out.
        outputs: names of values.
    """

    name: str
    opset: int
    nodes: list[Node]
    constants: dict[str, Array]
    inputs: dict[str, tuple[tuple[int, ...], str]]
    outputs: list[str]

    def consumers(self) -> dict[str, list[int]]:
        """Return, by value name, the positions of the nodes that read it."""
        readers: dict[str, list[int]] = {}
        for position, node in enumerate(self.nodes):
            for name in dict.fromkeys(node.inputs):
                readers.setdefault(name, []).append(position)
        return readers


def read_graph(
    data: bytes,
    name: str,
    shapes: Mapping[str, Sequence[int]] | None = None,
    folder: Path | None = None,
) -> Graph:
    """Return the network in an ONNX file.

    Args:
        data: the file.
        name: what messages call it.
        shapes: shapes of inputs that the file leaves open; an open batch dimension becomes 1.
        folder: where external data is.

    Raises:
        OnnxError: for a broken file, an open dimension, sequences and control flow.
    """
    try:
        model = onnx.load_model_from_string(data)
        if folder is not None:
            external_data_helper.load_external_data_for_model(model, str(folder))
        if not model.graph.node:
            raise OnnxError(f"{name}: not an ONNX file, or one without operators.")
        constants = {t.name: _array(t) for t in model.graph.initializer}
        nodes = [_node(node) for node in model.graph.node]
    except (DecodeError, ValueError, TypeError, OSError, onnx.checker.ValidationError) as error:
        raise OnnxError(f"{name}: a broken ONNX file: {error}.") from None
    if model.graph.sparse_initializer:
        raise OnnxError(f"{name}: sparse constants are not supported.")
    opset = max((o.version for o in model.opset_import if o.domain in ("", "ai.onnx")), default=1)
    inputs = {
        value.name: _input(value, name, dict(shapes or {}))
        for value in model.graph.input
        if value.name not in constants
    }
    unknown = set(shapes or {}) - set(inputs)
    if unknown:
        raise OnnxError(f'{name}: input shapes: got "{unknown.pop()}", expected {list(inputs)}.')
    outputs = [value.name for value in model.graph.output]
    return Graph(name, opset, _unnested(nodes, constants), constants, inputs, outputs)


def _node(node: Any) -> Node:
    attributes = {a.name: _attribute(a) for a in node.attribute}
    name = node.name or (node.output[0] if node.output else "")
    domain = "" if node.domain == "ai.onnx" else node.domain
    return Node(node.op_type, name, tuple(node.input), tuple(node.output), attributes, domain)


def _attribute(attribute: Any) -> Any:
    value = helper.get_attribute_value(attribute)
    if isinstance(value, bytes):
        return value.decode()
    if isinstance(value, onnx.TensorProto):
        return _array(value)
    if isinstance(value, list) and value and isinstance(value[0], bytes):
        return [item.decode() for item in value]
    return value


def _array(tensor: Any) -> Array:
    """Return a constant; half and double precision become float32."""
    array = np.asarray(numpy_helper.to_array(tensor))
    return array.astype(np.float32) if array.dtype.kind == "f" else array


def _input(
    value: Any, model: str, shapes: Mapping[str, Sequence[int]]
) -> tuple[tuple[int, ...], str]:
    if not value.type.HasField("tensor_type"):
        raise OnnxError(f'{model}: input "{value.name}": got a sequence or map, expected a tensor.')
    kind = value.type.tensor_type
    dtype = np.dtype(helper.tensor_dtype_to_np_dtype(kind.elem_type))
    given = shapes.get(value.name)
    sizes = [d.dim_value if d.HasField("dim_value") else 0 for d in kind.shape.dim]
    if given is not None:
        if sizes and len(given) != len(sizes):
            raise OnnxError(
                f'{model}: input "{value.name}": shape {list(given)}: got rank {len(given)}, '
                f"expected {len(sizes)}."
            )
        sizes = list(given)
    elif sizes and sizes[0] < 1:
        sizes[0] = 1
    if any(size < 1 for size in sizes):
        words = [str(size) if size > 0 else "?" for size in sizes]
        raise OnnxError(
            f'{model}: input "{value.name}": shape: got {" x ".join(words)}, expected no open '
            f"dimension (give --input-shape {value.name}=1x3x224x224)."
        )
    name = "float32" if dtype.kind == "f" else dtype.name
    return tuple(sizes), name


def _unnested(nodes: list[Node], constants: dict[str, Array]) -> list[Node]:
    """Take ``Constant`` nodes out; refuse control flow, which has graphs as attributes."""
    kept = []
    for node in nodes:
        if any(isinstance(value, onnx.GraphProto) for value in node.attributes.values()):
            raise OnnxError(f"{node.where()}: control flow is not supported.")
        if node.op != "Constant":
            kept.append(node)
            continue
        values = dict(node.attributes)
        key, value = next(iter(values.items()))
        if key.startswith("value_float"):
            value = np.asarray(value, np.float32)
        elif key.startswith("value_int"):
            value = np.asarray(value, np.int64)
        elif key != "value":
            raise OnnxError(f"{node.where()}: a constant given as {key} is not supported.")
        constants[node.outputs[0]] = np.asarray(value)
    return kept


def evaluate(node: Node, inputs: Sequence[Array | None], opset: int) -> list[Array]:
    """Return the outputs of a node whose inputs are known.

    Raises:
        OnnxError: if ONNX's reference implementation cannot run it.
    """
    from onnx.reference import ReferenceEvaluator

    given = {n: a for n, a in zip(node.inputs, inputs, strict=True) if n and a is not None}
    proto = helper.make_node(node.op, node.inputs, node.outputs, **_plain(node.attributes))
    graph = helper.make_graph(
        [proto],
        "folded",
        [helper.make_tensor_value_info(n, _onnx_type(a), a.shape) for n, a in given.items()],
        [helper.make_empty_tensor_value_info(n) for n in node.outputs],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)])
    try:
        results = ReferenceEvaluator(model).run(None, given)
    except Exception as error:  # whatever the reference implementation raises
        raise OnnxError(f"{node.where()}: cannot be folded: {error}.") from None
    return [np.asarray(result) for result in results]


def fold_constants(graph: Graph) -> None:
    """Compute the nodes that depend on constants only, in place."""
    kept = []
    for node in graph.nodes:
        if node.domain or not all(not name or name in graph.constants for name in node.inputs):
            kept.append(node)
            continue
        inputs = [graph.constants.get(name) for name in node.inputs]
        for name, array in zip(node.outputs, evaluate(node, inputs, graph.opset), strict=False):
            graph.constants[name] = array
    graph.nodes = kept


def _onnx_type(array: Array) -> int:
    return int(helper.np_dtype_to_tensor_dtype(array.dtype))


def _plain(attributes: Mapping[str, Any]) -> dict[str, Any]:
    return {
        key: numpy_helper.from_array(value) if isinstance(value, np.ndarray) else value
        for key, value in attributes.items()
    }


def renamed(node: Node, **changes: Any) -> Node:
    """Return ``node`` with some fields changed."""
    return replace(node, **changes)
