# SPDX-License-Identifier: Apache-2.0
"""The scales and zero points of a quantized model as a table for other programs.

The ``tsv`` form has a line per quantized tensor, behind one with the names of the columns: name, as
a JSON string, for names contain blanks, semicolons and anything else; index in the model; element
type; shape; dimension that the scales go along; scales; zero points. Numbers in a field are
separated by commas, scales have all their digits.

The ``dnnlibrary`` form is what DNNLibrary's onnx2daq reads: name, number of scales and the scales,
number of zero points and the zero points, type. A bias has the number −2 and the two tensors whose
scales multiply. It separates by blanks, so a name must not contain any.
"""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from octet.errors import OctetError
from octet.quantize.rules import RULES
from octet.tflite.model import Model

FORMATS = ("tsv", "dnnlibrary")

COLUMNS = ("name", "index", "dtype", "shape", "axis", "scales", "zero_points")


def make_table(model: Model, form: str = "tsv", dequantize_after: tuple[str, ...] = ()) -> str:
    """Return the table of a quantized model.

    Args:
        model: a quantized model.
        form: one of FORMATS.
        dequantize_after: for ``dnnlibrary``, the tensors behind which the model is in float.

    Raises:
        OctetError: for an unknown form, and for what the dnnlibrary form cannot say.
    """
    if form == "tsv":
        return _tsv(model)
    if form == "dnnlibrary":
        return _dnnlibrary(model, dequantize_after)
    raise OctetError(f"table format: got {form!r}, expected one of {', '.join(FORMATS)}.")


def _tsv(model: Model) -> str:
    lines = ["\t".join(COLUMNS)]
    for index in range(len(model.tensors)):
        scales, points, axis = _quantization(model, index)
        if not scales:
            continue
        fields = (
            json.dumps(model.tensors[index].name, ensure_ascii=False),
            str(index),
            model.dtype(index),
            ",".join(map(str, model.shape(index))),
            str(axis) if len(scales) > 1 else "",
            ",".join(_digits(scale) for scale in scales),
            ",".join(map(str, points)),
        )
        lines.append("\t".join(fields))
    return "\n".join(lines) + "\n"


def _dnnlibrary(model: Model, dequantize_after: tuple[str, ...]) -> str:
    lines = []
    weights: set[int] = set()
    biases: dict[int, tuple[int, int]] = {}
    for operator in model.operators:
        rule = RULES.get(model.operator_name(operator))
        if rule is None or rule.weights is None or rule.values is None:
            continue
        weights.add(operator.inputs[rule.weights])
        if rule.bias is not None and len(operator.inputs) > rule.bias:
            biases[operator.inputs[rule.bias]] = (
                operator.inputs[rule.values[0]],
                operator.inputs[rule.weights],
            )
    for index in range(len(model.tensors)):
        scales, points, _ = _quantization(model, index)
        if not scales or index in biases:
            continue
        if model.dtype(index) != "uint8" or len(scales) != 1:
            raise OctetError(
                f'table: tensor "{model.tensor_name(index)}": got {model.dtype(index)} with '
                f"{len(scales)} scales, expected uint8 with one (quantize with --dtype uint8)."
            )
        name = _word(model, index) + ("_conv_w" if index in weights else "")
        lines.append(f"{name} 1 {_digits(scales[0])} 1 {points[0]} quant8_asymm")
    for bias, (source, kernel) in biases.items():
        if bias >= 0 and _quantization(model, bias)[0]:
            pair = f"{_word(model, source)} {_word(model, kernel)}_conv_w"
            lines.append(f"{_word(model, bias)}_conv_b -2 {pair} 0 int32")
    lines += [f"dequantize after: {name}" for name in dequantize_after]
    return "\n".join(lines) + "\n"


def _quantization(model: Model, index: int) -> tuple[list[float], list[int], int]:
    quantization: Any = model.tensors[index].quantization
    if quantization is None or quantization.scale is None:
        return [], [], 0
    scales = [float(scale) for scale in quantization.scale]
    points = (
        [int(point) for point in quantization.zeroPoint]
        if quantization.zeroPoint is not None
        else []
    )
    return scales, points, int(quantization.quantizedDimension)


def _digits(scale: float) -> str:
    """Return the shortest text that is this float32 again."""
    return str(np.float32(scale))


def _word(model: Model, index: int) -> str:
    name = model.tensor_name(index)
    if any(character.isspace() for character in name):
        raise OctetError(f'table: tensor "{name}": the dnnlibrary form has no names with blanks.')
    return name
