# SPDX-License-Identifier: Apache-2.0
"""What a candidate takes: bytes, and an estimate of its time."""

from __future__ import annotations

import math
from dataclasses import dataclass

from octet.tflite.model import Model

FLOAT_TIME = 3.0
"""Time of a multiplication in float over one in 8 bits: `octet run --profile` says 12.7 ms and 4.3
ms for the convolutions of MobileNetV2, on an x86 CPU with VNNI."""

EIGHT_BITS = ("int8", "uint8")
"""octet computes int16 in float."""

ELEMENT_TIME = 2.0
"""Time of converting an element, or of any other operator's element, in multiplications in
8 bits."""


@dataclass(frozen=True)
class Cost:
    """What a model takes.

    Attributes:
        size: bytes of the file.
        eight_bits: share of its multiplications that are done in 8 bits.
        speed: estimate of how many times as fast as the float model it is.
    """

    size: int
    eight_bits: float
    speed: float


def cost(model: Model, floats: Model) -> Cost:
    """Return what ``model`` takes, whose float form is ``floats``."""
    products = {False: 0.0, True: 0.0}
    for operator in model.operators:
        products[_in_8_bits(model, operator)] += multiplications(model, operator)
    whole = sum(products.values())
    return Cost(
        size=len(model.to_bytes()),
        eight_bits=products[True] / whole if whole else 0.0,
        speed=_time(floats) / max(1e-9, _time(model)),
    )


def multiplications(model: Model, operator: object) -> float:
    """Return how many multiplications an operator with weights does, 0 for others."""
    kind = model.operator_name(operator)
    inputs, outputs = operator.inputs, operator.outputs  # type: ignore[attr-defined]
    if kind in ("CONV_2D", "FULLY_CONNECTED"):
        weights = model.shape(inputs[1])
        return math.prod(model.shape(outputs[0])) * math.prod(weights[1:])
    if kind == "DEPTHWISE_CONV_2D":
        return math.prod(model.shape(outputs[0])) * math.prod(model.shape(inputs[1])[1:3])
    if kind == "TRANSPOSE_CONV":
        weights = model.shape(inputs[1])
        return math.prod(model.shape(inputs[2])) * math.prod(weights[:3])
    if kind == "BATCH_MATMUL":
        return math.prod(model.shape(outputs[0])) * model.shape(inputs[0])[-1]
    return 0.0


def _time(model: Model) -> float:
    """Return an estimate of a run's time, in multiplications in 8 bits."""
    total = 0.0
    for operator in model.operators:
        products = multiplications(model, operator)
        if products:
            total += products * (1.0 if _in_8_bits(model, operator) else FLOAT_TIME)
        elif model.operator_name(operator) != "RESHAPE" and operator.outputs:
            elements = math.prod(model.shape(operator.outputs[0]))
            total += ELEMENT_TIME * elements * (1.0 if _in_8_bits(model, operator) else 2.0)
    return total


def _in_8_bits(model: Model, operator: object) -> bool:
    outputs = operator.outputs  # type: ignore[attr-defined]
    return bool(outputs) and model.dtype(outputs[0]) in EIGHT_BITS
