# SPDX-License-Identifier: Apache-2.0
"""Builds the model in which some operators are left out of 8 bits."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace

from octet.quantize.config import FLOAT, Config, Layer, LayerRule
from octet.quantize.convert import convert
from octet.quantize.data.source import Source
from octet.quantize.plan import make_plan
from octet.quantize.quantize import Quantized, QuantizeOptions, Ready, quantize_ready
from octet.quantize.rules import RULES, SAME
from octet.quantize.statistics import Report
from octet.tflite.model import Model


class Candidates:
    """Makes candidates of one network quickly: ranges and bias corrections are found once.

    Attributes:
        ready: the float model.
        base: the model with everything in 8 bits that can be.
        positions: operators that may be left out, in the order in which they run.
    """

    def __init__(
        self,
        ready: Ready,
        options: QuantizeOptions,
        source: Source,
        fallback: str = FLOAT,
        report: Report | None = None,
    ) -> None:
        """Quantize everything.

        Args:
            ready: from `make_ready`.
            options: the configuration to start from, and how biases are corrected.
            source: representative records.
            fallback: what operators become that are left out: FLOAT or ``int16x8``.
            report: told of progress.
        """
        self.ready = ready
        self._options = options
        self._fallback = fallback
        self.base: Quantized = quantize_ready(ready, options, source, report=report)
        wanted = options.config.wanted(ready.layers)
        self.positions = [
            position
            for position, own in enumerate(self.base.plan.operators)
            if own.dtype != FLOAT
            and wanted[position].dtype not in (FLOAT, fallback)
            and not _keeps_scale(ready.layers[position])
        ]

    def config(self, left_out: Iterable[int]) -> Config:
        """Return the configuration that leaves operators out, to be given to `quantize_model`."""
        base = self._options.config
        chosen = self._with_movers(set(left_out))
        rules = [self._rule(position) for position in sorted(chosen)]
        return replace(base, layers=(*base.layers, *rules))

    def model(self, left_out: Iterable[int]) -> Model:
        """Return the quantized model; biases are those of `base` where a layer is in 8 bits."""
        config = self.config(left_out)
        plan = make_plan(self.ready.model, self.ready.layers, config)
        floats = self.base.source.copy()
        for position, (own, first) in enumerate(
            zip(plan.operators, self.base.plan.operators, strict=True)
        ):
            # int8 and int16x8 round weights alike, and so are their biases corrected.
            if own.dtype != first.dtype and (own.dtype, first.dtype) != ("int16", "int8"):
                exact = self.ready.model.operators[position]
                floats.operators[position].inputs = list(exact.inputs)
        return convert(floats, plan, self._options.interface).model

    def name(self, position: int) -> str:
        """Return what messages call an operator."""
        layer = self.ready.layers[position]
        return layer.names[0] if layer.names else f"operator {layer.indices[0]}"

    def _with_movers(self, chosen: set[int]) -> set[int]:
        """Return operators and those of one scale between them, which alone would only cost."""
        model, plan = self.ready.model, self.base.plan
        producers, consumers = model.producers(), model.consumers()
        floats = {p for p, own in enumerate(plan.operators) if own.dtype == FLOAT}
        movers = {p for p, layer in enumerate(self.ready.layers) if _keeps_scale(layer)}
        movers -= floats | chosen
        if not chosen:
            return set()
        while True:  # what has a neighbour in 8 bits stays in 8 bits itself
            stay = set()
            for position in movers:
                operator = model.operators[position]
                beside = [producers[i] for i in operator.inputs if i in producers]
                beside += [r for i in operator.outputs for r in consumers.get(i, [])]
                if not set(beside) <= chosen | floats | movers:
                    stay.add(position)
            if not stay:
                return chosen | movers
            movers -= stay

    def _rule(self, position: int) -> LayerRule:
        layer = self.ready.layers[position]
        if layer.names and self._is_unique(layer):
            return LayerRule(names=layer.names[:1], dtype=self._fallback)
        return LayerRule(index=layer.indices[0], dtype=self._fallback)

    def _is_unique(self, layer: Layer) -> bool:
        counts = Counter(name for one in self.ready.layers for name in one.names)
        return counts[layer.names[0]] == 1


def _keeps_scale(layer: Layer) -> bool:
    return layer.type in RULES and RULES[layer.type].scales == SAME
