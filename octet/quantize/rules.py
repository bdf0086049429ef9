# SPDX-License-Identifier: Apache-2.0
"""What quantization means for each operator: the one table that planning, conversion and lint read.

A rule says which inputs are numbers to quantize, where weights and bias are, what binds the scales,
and which kernel version each element type needs (from TFLite's op_version.cc; a type without a
version has no kernel). An operator without a rule stays in float.
"""

from __future__ import annotations

from dataclasses import dataclass, field

OWN = "own"
SAME = "same"
FIXED = "fixed"


@dataclass(frozen=True)
class Rule:
    """How an operator is quantized.

    Attributes:
        scales: OWN: each tensor has its own; SAME: values and outputs share one; FIXED: the
            output's is in FIXED_OUTPUTS.
        versions: kernel version by element type of the activations.
        values: positions of the inputs that are quantized as activations; None for all floats.
        weights: position of the constant weights, or None.
        bias: position of the bias, or None.
        axis: output channels' dimension of the weights.
        moves: it only moves elements: alone among float operators it stays in float as well.
        numbers_out: whether its outputs are quantized (those of ARG_MAX are not).
    """

    scales: str
    versions: dict[str, int] = field(default_factory=dict)
    values: tuple[int, ...] | None = None
    weights: int | None = None
    bias: int | None = None
    axis: int = 0
    moves: bool = False
    numbers_out: bool = True


def _versions(uint8: int | None, int8: int | None, int16: int | None) -> dict[str, int]:
    found = {"uint8": uint8, "int8": int8, "int16": int16}
    return {name: version for name, version in found.items() if version is not None}


def _weighted(weights: int, bias: int, axis: int, *versions: int, value: int = 0) -> Rule:
    return Rule(OWN, _versions(*versions), (value,), weights, bias, axis)


def _own(
    uint8: int | None, int8: int | None, int16: int | None, values: tuple[int, ...] | None = None
) -> Rule:
    return Rule(OWN, _versions(uint8, int8, int16), values)


def _fixed(uint8: int | None, int8: int | None, int16: int | None) -> Rule:
    return Rule(FIXED, _versions(uint8, int8, int16), (0,))


def _same(
    uint8: int | None, int8: int | None, int16: int | None, values: tuple[int, ...] | None = (0,)
) -> Rule:
    """A rule of an operator that computes on integers as they are, at one scale."""
    return Rule(SAME, _versions(uint8, int8, int16), values)


def _moves(
    uint8: int | None, int8: int | None, int16: int | None, values: tuple[int, ...] | None = (0,)
) -> Rule:
    return Rule(SAME, _versions(uint8, int8, int16), values, moves=True)


RULES: dict[str, Rule] = {
    # Products with constant weights
    "CONV_2D": _weighted(1, 2, 0, 1, 3, 4),
    "DEPTHWISE_CONV_2D": _weighted(1, 2, 3, 1, 3, 5),
    "FULLY_CONNECTED": _weighted(1, 2, 0, 1, 4, 7),
    "TRANSPOSE_CONV": _weighted(1, 3, 0, 1, 2, 3, value=2),
    # Arithmetic between scales of their own
    "ADD": _own(1, 2, 3),
    "SUB": _own(1, 2, 5),
    "MUL": _own(1, 2, 4),
    "BATCH_MATMUL": _own(None, 2, 3),
    "SQUARED_DIFFERENCE": _own(None, 2, None),
    "PRELU": _own(1, 1, None),
    "LEAKY_RELU": _own(1, 1, 2),
    "HARD_SWISH": _own(1, 1, None),
    "GELU": _own(1, 2, None),
    "ELU": _own(None, 1, None),
    "RELU": _own(2, 2, 3),
    "RELU6": _own(1, 2, 3),
    "RELU_N1_TO_1": _own(1, 1, None),
    "RELU_0_TO_1": _own(1, 1, None),
    "MEAN": _own(1, 2, 3, (0,)),
    "SUM": _own(1, 2, None, (0,)),
    "ARG_MAX": Rule(OWN, _versions(1, 2, None), (0,), numbers_out=False),
    "ARG_MIN": Rule(OWN, _versions(1, 2, None), (0,), numbers_out=False),
    # Outputs in a known range
    "LOGISTIC": _fixed(1, 2, 3),
    "TANH": _fixed(1, 2, 3),
    "SOFTMAX": _fixed(1, 2, 3),
    "LOG_SOFTMAX": _fixed(1, 2, None),
    "L2_NORMALIZATION": _fixed(1, 2, None),
    # One scale in and out
    "AVERAGE_POOL_2D": _same(1, 2, 3),
    "MAX_POOL_2D": _same(1, 2, 3),
    "MAXIMUM": _same(1, 2, 4, None),
    "MINIMUM": _same(1, 2, 4, None),
    "REDUCE_MAX": _same(1, 2, 3),
    "REDUCE_MIN": _same(1, 2, 3),
    "RESIZE_BILINEAR": _same(1, 2, 4),
    # Elements go where they go
    "BATCH_TO_SPACE_ND": _moves(1, 2, 4),
    "BROADCAST_TO": _moves(2, 3, 3),
    "CONCATENATION": _moves(1, 2, 3, None),
    "DEPTH_TO_SPACE": _moves(1, 2, None),
    "EXPAND_DIMS": _moves(1, 1, 1),
    "GATHER": _moves(1, 2, 4),
    "GATHER_ND": _moves(1, 1, 3),
    "MIRROR_PAD": _moves(1, 2, 3),
    "PACK": _moves(1, 2, 3, None),
    "PAD": _moves(1, 2, 3),
    "PADV2": _moves(1, 2, 3, (0, 2)),
    "RESHAPE": _moves(1, 1, 1),
    "RESIZE_NEAREST_NEIGHBOR": _moves(1, 2, 4),
    "REVERSE_V2": _moves(1, 3, None),
    "SELECT": _moves(1, 2, 2, (1, 2)),
    "SELECT_V2": _moves(1, 1, 1, (1, 2)),
    "SLICE": _moves(1, 2, 4),
    "SPACE_TO_BATCH_ND": _moves(1, 2, 4),
    "SPACE_TO_DEPTH": _moves(1, 2, None),
    "SPLIT": _moves(1, 2, 4, (1,)),
    "SPLIT_V": _moves(1, 2, 2),
    "SQUEEZE": _moves(1, 1, 1),
    "STRIDED_SLICE": _moves(1, 2, 4),
    "TILE": _moves(1, 3, None),
    "TOPK_V2": _moves(1, 2, None),
    "TRANSPOSE": _moves(1, 2, 5),
    "UNPACK": _moves(2, 2, 4),
}

FIXED_OUTPUTS: dict[str, dict[str, tuple[float, int]]] = {
    "LOGISTIC": {"uint8": (2**-8, 0), "int8": (2**-8, -128), "int16": (2**-15, 0)},
    "SOFTMAX": {"uint8": (2**-8, 0), "int8": (2**-8, -128), "int16": (2**-15, 0)},
    "TANH": {"uint8": (2**-7, 128), "int8": (2**-7, 0), "int16": (2**-15, 0)},
    "L2_NORMALIZATION": {"uint8": (2**-7, 128), "int8": (2**-7, 0)},
    "LOG_SOFTMAX": {"uint8": (2**-4, 255), "int8": (2**-4, 127)},
}
"""Scale and zero point of outputs whose range is known; kernels assume them (SOFTMAX silently)."""

QUANTIZE_VERSIONS = {"uint8": 1, "int8": 1, "int16": 2}
"""By the output's type."""

DEQUANTIZE_VERSIONS = {"uint8": 1, "int8": 2, "int16": 3}
"""By the input's type."""


def value_positions(rule: Rule, count: int) -> list[int]:
    """Return the positions, of ``count`` inputs, of those that are quantized as activations."""
    if rule.values is None:
        return list(range(count))
    return [position for position in rule.values if position < count]
