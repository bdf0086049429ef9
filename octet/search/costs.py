# SPDX-License-Identifier: Apache-2.0
"""What a candidate takes: bytes, and an estimate of its time."""

from __future__ import annotations

from dataclasses import dataclass

from octet.search.times import Times, in_8_bits, multiplications
from octet.tflite.model import Model


@dataclass(frozen=True)
class Cost:
    """What a model takes.

    Attributes:
        size: bytes of the file.
        eight_bits: share of its multiplications that are done in 8 bits.
        ms: estimate of the milliseconds of a run, on one thread.
        speed: estimate of how many times as fast as the float model it is.
    """

    size: int
    eight_bits: float
    ms: float
    speed: float


def cost(model: Model, floats: Model, times: Times) -> Cost:
    """Return what ``model`` takes, whose float form is ``floats``."""
    products = {False: 0.0, True: 0.0}
    for operator in model.operators:
        products[in_8_bits(model, operator)] += multiplications(model, operator)
    whole = sum(products.values())
    ms = times.model(model)
    return Cost(
        size=len(model.to_bytes()),
        eight_bits=products[True] / whole if whole else 0.0,
        ms=ms,
        speed=times.model(floats) / ms if ms else 1.0,
    )
