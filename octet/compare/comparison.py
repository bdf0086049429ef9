# SPDX-License-Identifier: Apache-2.0
"""What a comparison says: of outputs, of layers, and where the models part."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from octet.compare.distributions import Distribution
from octet.compare.metrics import Classes, Errors, finite
from octet.compare.pairs import Pair
from octet.tflite.model import Model

FLOAT_TOLERANCE = 1e-5
"""Of a tensor's largest number: float32 sums in another order. Of two engines."""

STEP_TOLERANCE = 1
"""Steps: one rounding that fell the other way. Of two engines."""


@dataclass(frozen=True)
class OutputReport:
    """An output of both.

    Attributes:
        name: as in the reference.
        shape: of it.
        errors: of real numbers.
        classes: of decisions, where it is a row or image of classes, else None.
    """

    name: str
    shape: tuple[int, ...]
    errors: Errors
    classes: Classes | None


@dataclass(frozen=True)
class LayerReport:
    """A tensor of both.

    Attributes:
        pair: which it is in both.
        name: as in the reference.
        shape: of it.
        dtype: element types, of the reference and of the other.
        scale: of the other where it is quantized, else None.
        errors: of real numbers.
        srmse: root of the mean squared error, in steps of the other's scale; None without one.
        lost: dB of SQNR that it is below the worst of what its operator reads; None for inputs, and
            where that is not known.
        steps: where both store the same integers, the largest difference of those, else None.
        spread: distributions.
    """

    pair: Pair
    name: str
    shape: tuple[int, ...]
    dtype: tuple[str, str]
    scale: float | None
    errors: Errors
    srmse: float | None
    lost: float | None
    steps: int | None
    spread: Distribution | None

    def differs(self) -> bool:
        """Return whether two engines disagree by more than rounding."""
        if self.steps is not None:
            return self.steps > STEP_TOLERANCE
        if self.spread is None:
            return False
        top = max(abs(self.spread.low), abs(self.spread.high))
        return not self.errors.largest <= FLOAT_TOLERANCE * top


@dataclass(frozen=True)
class Comparison:
    """What came out.

    Attributes:
        reference: what is taken as right: a model, or a model on an engine.
        other: what is compared with it.
        records: how many.
        source: where they come from.
        outputs: one report per output.
        layers: in the order in which the reference computes them; empty if not asked for.
        first_difference: index in ``layers`` of the first one that is not equal, or None.
        first_divergence: index in ``layers`` of the first one that is too far off, or None.
        rule: what "too far" is, in words.
        notes: what else there is to say.
        graph: the reference model.
    """

    reference: str
    other: str
    records: int
    source: str
    outputs: list[OutputReport]
    layers: list[LayerReport]
    first_difference: int | None
    first_divergence: int | None
    rule: str
    notes: list[str]
    graph: Model

    def worst(self, count: int) -> list[LayerReport]:
        """Return the layers with the least SQNR, worst first."""
        return sorted(self.layers, key=lambda layer: layer.errors.sqnr)[:count]

    def to_json(self) -> dict[str, Any]:
        """Return everything but the model, as JSON has it."""
        plain = {
            "reference": self.reference,
            "other": self.other,
            "records": self.records,
            "source": self.source,
            "outputs": [
                {
                    "name": output.name,
                    "shape": list(output.shape),
                    **output.errors.to_json(),
                    "classes": asdict(output.classes) if output.classes else None,
                }
                for output in self.outputs
            ],
            "layers": [_layer_json(layer) for layer in self.layers],
            "rule": self.rule,
            "notes": self.notes,
        }
        for key in ("first_difference", "first_divergence"):
            index = getattr(self, key)
            plain[key] = None if index is None else self.layers[index].name
        return plain


def _layer_json(layer: LayerReport) -> dict[str, Any]:
    return {
        "operator": layer.pair.operator,
        "kind": layer.pair.kind,
        "name": layer.name,
        "shape": list(layer.shape),
        "dtype": list(layer.dtype),
        "scale": layer.scale,
        **layer.errors.to_json(),
        "srmse": finite(layer.srmse),
        "lost": finite(layer.lost),
        "steps": layer.steps,
    }


def decibel_text(value: float) -> str:
    """Return ``41.3 dB``, or ``exact`` where there is no error."""
    return "exact" if value == float("inf") else f"{value:.1f} dB"


def short_name(name: str, length: int = 60) -> str:
    """Return a tensor's name without those that were fused into it, cut in the middle."""
    first = name.split(";")[0]
    if len(first) <= length:
        return first
    return f"{first[: length // 3]}…{first[-(length - length // 3 - 1) :]}"
