# SPDX-License-Identifier: Apache-2.0
"""Published models that stock LiteRT refuses, rewritten in its own operators."""

from __future__ import annotations

import struct
from typing import Any

import flatbuffers  # type: ignore[import-untyped]
import numpy as np
from ai_edge_litert import schema_py_generated as schema

TRANSPOSE_CONV_BIAS = b"Convolution2DTransposeBias"


def without_transpose_conv_bias(data: bytes) -> bytes:
    """Return the model with MediaPipe's operator written as TRANSPOSE_CONV with a bias."""
    model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(data, 0))
    (graph,) = model.subgraphs
    custom = [i for i, code in enumerate(model.operatorCodes) if _is_custom(code)]
    code = schema.BuiltinOperator.TRANSPOSE_CONV
    model.operatorCodes.append(
        schema.OperatorCodeT(deprecatedBuiltinCode=code, builtinCode=code, version=3)
    )
    for operator in graph.operators:
        if operator.opcodeIndex in custom:
            _rewrite(model, graph, operator)
    builder = flatbuffers.Builder()
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def _is_custom(code: Any) -> bool:
    return code.customCode is not None and bytes(code.customCode) == TRANSPOSE_CONV_BIAS


def _rewrite(model: Any, graph: Any, operator: Any) -> None:
    padding, stride_width, stride_height = struct.unpack("<3i", bytes(operator.customOptions)[:12])
    x, weights, bias = operator.inputs
    shape = np.asarray(graph.tensors[operator.outputs[0]].shape, np.int32)
    model.buffers.append(schema.BufferT(data=np.frombuffer(shape.tobytes(), np.uint8)))
    graph.tensors.append(
        schema.TensorT(
            shape=[4],
            type=schema.TensorType.INT32,
            buffer=len(model.buffers) - 1,
            name=f"shape of {operator.outputs[0]}",
        )
    )
    operator.opcodeIndex = len(model.operatorCodes) - 1
    operator.inputs = [len(graph.tensors) - 1, weights, x, bias]
    operator.customOptions = None
    operator.builtinOptionsType = schema.BuiltinOptions.TransposeConvOptions
    operator.builtinOptions = schema.TransposeConvOptionsT(
        padding=schema.Padding.SAME if padding == 1 else schema.Padding.VALID,
        strideW=stride_width,
        strideH=stride_height,
    )
