# SPDX-License-Identifier: Apache-2.0
"""LiteRT's answers to small models."""

from __future__ import annotations

from collections.abc import Sequence

from ai_edge_litert.interpreter import Interpreter, OpResolverType

from tests.tflite.tiny_models import Array


def run_litert(model: bytes, inputs: Sequence[Array], *, xnnpack: bool = False) -> list[Array]:
    """The outputs in the model's order, of TFLite's own kernels or of XNNPACK where it can.

    Raises:
        RuntimeError, ValueError: where LiteRT refuses the model.
    """
    kernels = OpResolverType.AUTO if xnnpack else OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
    interpreter = Interpreter(
        model_content=model, num_threads=1, experimental_op_resolver_type=kernels
    )
    interpreter.allocate_tensors()
    for detail, array in zip(interpreter.get_input_details(), inputs, strict=True):
        interpreter.set_tensor(detail["index"], array)
    interpreter.invoke()
    return [interpreter.get_tensor(d["index"]) for d in interpreter.get_output_details()]
