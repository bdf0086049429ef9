# SPDX-License-Identifier: Apache-2.0
"""Makes a float model fit to be quantized, or says why it is not one."""

from __future__ import annotations

from dataclasses import dataclass

from octet.errors import OctetError
from octet.quantize.config import Layer
from octet.quantize.rules import RULES
from octet.tflite.model import Model
from octet.tflite.simplify import dequantized, fold_dequantize, fuse_activations

INTEGERS = {"int2", "int4", "uint4", "int8", "uint8", "int16"}


class NotFloatError(OctetError):
    """A model that is quantized already, wholly or in part."""


@dataclass(frozen=True)
class Prepared:
    """A float model and its operators as rules of a configuration see them.

    Attributes:
        model: float constants only, activations fused.
        layers: one per operator, with the indices and names of the model it was made from.
    """

    model: Model
    layers: list[Layer]


def prepare(model: Model, *, dequantize_weights: bool = False, fuse: bool = True) -> Prepared:
    """Return an equal model with plain float32 constants and fused activations.

    Args:
        model: stays as it is.
        dequantize_weights: accept 8-bit weights between float activations.
        fuse: do activations in the operator before them where that is the same.

    Raises:
        NotFloatError: for a quantized model, and for a hybrid one unless its weights may be
            dequantized.
    """
    model = model.copy()
    check_float(model, hybrid=dequantize_weights)
    indices = {id(operator): [i] for i, operator in enumerate(model.operators)}
    names = {
        id(operator): [model.tensor_name(output) for output in operator.outputs]
        for operator in model.operators
    }
    make_float(model)
    if fuse:
        before = list(model.operators)
        fuse_activations(model)
        _adopt(model, before, indices, names)
    layers = [
        Layer(
            model.operator_name(operator),
            tuple(dict.fromkeys(names[id(operator)])),
            tuple(indices[id(operator)]),
        )
        for operator in model.operators
    ]
    return Prepared(model, layers)


def make_float(model: Model) -> None:
    """Replace constants in 16 or 8 bits by float32 ones, in place; tensors keep their indices."""
    fold_dequantize(model)
    for operator in model.operators:
        rule = RULES.get(model.operator_name(operator))
        positions = [p for p in (rule.weights, rule.bias) if p is not None] if rule else []
        for position in positions:
            if position >= len(operator.inputs) or operator.inputs[position] < 0:
                continue
            index = operator.inputs[position]
            value = dequantized(model, index) if model.dtype(index) != "float32" else None
            if value is not None and model.dtype(operator.outputs[0]) == "float32":
                operator.inputs[position] = model.add_constant(model.tensor_name(index), value)


def check_float(model: Model, *, hybrid: bool = False) -> None:
    """Raise NotFloatError for a model with quantized activations or, unless allowed, weights."""
    for position, operator in enumerate(model.operators):
        kind = model.operator_name(operator)
        place = f'{model.name}: operator {position} {kind} "{_output(model, operator)}"'
        if kind in ("QUANTIZE", "FAKE_QUANT"):
            raise NotFloatError(f"{place}: the model is quantized already, expected a float one.")
        for index in (*operator.inputs, *operator.outputs):
            if index < 0 or model.dtype(index) not in INTEGERS or not _has_scale(model, index):
                continue
            name = model.tensor_name(index)
            if not model.is_constant(index):
                raise NotFloatError(
                    f'{place}: tensor "{name}": got {model.dtype(index)}, expected float32: '
                    "the model is quantized already."
                )
            if not hybrid and kind != "DEQUANTIZE":
                raise NotFloatError(
                    f'{place}: weights "{name}": got {model.dtype(index)} under float activations '
                    "(a hybrid, dynamic-range model), expected float32. "
                    "--dequantize-weights accepts them."
                )


def _has_scale(model: Model, index: int) -> bool:
    quantization = model.tensors[index].quantization
    return bool(
        quantization is not None and quantization.scale is not None and len(quantization.scale)
    )


def _output(model: Model, operator: object) -> str:
    outputs = getattr(operator, "outputs", None)
    return model.tensor_name(outputs[0]) if outputs else ""


def _adopt(
    model: Model,
    before: list[object],
    indices: dict[int, list[int]],
    names: dict[int, list[str]],
) -> None:
    """Give an operator the indices and names of the activations that it does now."""
    kept = {id(operator) for operator in model.operators}
    owner = {output: operator for operator in model.operators for output in operator.outputs}
    for operator in before:
        if id(operator) not in kept:
            new = owner[operator.outputs[0]]  # type: ignore[attr-defined]
            indices[id(new)] += indices[id(operator)]
            names[id(new)] += names[id(operator)]
