# SPDX-License-Identifier: Apache-2.0
"""Models of one operator (or a few), by name, and how close their results must be to LiteRT's."""

from __future__ import annotations

from tests.tflite.cases import elementwise, layers, movement, vision
from tests.tflite.cases.case import Case

FAMILIES = (
    layers.convolutions,
    layers.fully_connected,
    layers.transposed_convolutions,
    layers.pools,
    layers.recurrent,
    elementwise.arithmetic,
    elementwise.activations,
    elementwise.reductions,
    elementwise.conversions,
    movement.flattening,
    movement.movements,
    movement.strided_slices,
    movement.blocks,
    vision.resizes,
    vision.detections,
)


def all_cases() -> dict[str, Case]:
    """Every case by name."""
    return {name: case for family in FAMILIES for name, case in family()}
