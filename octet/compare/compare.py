# SPDX-License-Identifier: Apache-2.0
"""Compares two models, or one model on two engines, over representative records."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from octet.compare.comparison import (
    FLOAT_TOLERANCE,
    STEP_TOLERANCE,
    Comparison,
    LayerReport,
    OutputReport,
)
from octet.compare.distributions import DistributionSums
from octet.compare.engines import (
    BrowserEngine,
    Engine,
    LitertEngine,
    browser_engine,
    input_specs,
    params_of,
    to_real,
    to_stored,
)
from octet.compare.metrics import ClassSums, ErrorSums
from octet.compare.pairs import Pair, pair_tensors, same_tensors
from octet.errors import OctetError
from octet.quantize.data.source import Source, records
from octet.quantize.quantize import processors
from octet.quantize.statistics import Report
from octet.tflite.model import Model
from octet.tflite.types import Array

DIVERGES_BELOW = 10.0
"""Decibels: an error of a third of the signal. Rounding to 8 bits alone leaves some 40 dB of a
tensor that uses its whole range, and the errors of 50 layers some 15."""


@dataclass(frozen=True)
class CompareOptions:
    """How to compare.

    Attributes:
        layers: compare every tensor, not only outputs.
        labels: int64[records], the right class of each, for accuracies.
        threads: of LiteRT; 0 takes the machine's processors.
        kernels: of LiteRT, a key of octet.tflite.runtime.KERNELS.
        diverges_below: SQNR in dB below which a layer of another model diverges.
    """

    layers: bool = True
    labels: Array | None = None
    threads: int = 0
    kernels: str = "fast"
    diverges_below: float = DIVERGES_BELOW


def compare_models(
    a: Model,
    b: Model,
    source: Source,
    options: CompareOptions | None = None,
    *,
    report: Report | None = None,
) -> Comparison:
    """Compare two models in LiteRT; ``a`` is taken as right.

    Args:
        a: for instance the float model.
        b: with the same inputs and outputs, for instance the quantized one.
        source: records as `input_specs` says; each model gets them in its own element types.
        options: how.
        report: told of progress.

    Raises:
        OctetError: if inputs or outputs do not match, or LiteRT refuses a model.
        DataError: for a record that does not fit.
    """
    options = options or CompareOptions()
    threads = options.threads or processors()
    engines = [
        LitertEngine(model, kernels=options.kernels, threads=threads, layers=options.layers)
        for model in (a, b)
    ]
    pairs = pair_tensors(a, b) if options.layers else []
    outputs, layers, count = _run(engines[0], engines[1], pairs, source, options, report)
    return _comparison(
        reference=a.name,
        other=b.name,
        records=count,
        source=source,
        outputs=outputs,
        layers=layers,
        diverges=[layer.errors.sqnr < options.diverges_below for layer in layers],
        rule=f"SQNR below {options.diverges_below:g} dB",
        notes=_notes(a, pairs) if options.layers else [],
        graph=a,
    )


def compare_with_litert(
    model: Model,
    source: Source,
    options: CompareOptions | None = None,
    *,
    variant: str | None = None,
    engine_threads: int | None = None,
    report: Report | None = None,
) -> Comparison:
    """Compare octet in headless Chromium with LiteRT, which is taken as right, layer by layer.

    Args:
        model: what both run.
        source: records as the model takes them.
        options: how.
        variant: octet's wasm file; None takes the best one.
        engine_threads: octet's; None takes the default of the machine.
        report: told of progress.

    Raises:
        OctetError: if octet is not built, there is no Chromium, or LiteRT refuses the model.
        ModelFailedError: if octet's loader refuses it.
        DataError: for a record that does not fit.
    """
    options = options or CompareOptions()
    threads = options.threads or processors()
    right = LitertEngine(model, kernels=options.kernels, threads=threads, layers=options.layers)
    pairs = same_tensors(model) if options.layers else []
    with browser_engine(
        model, layers=options.layers, variant=variant, threads=engine_threads
    ) as other:
        outputs, layers, count = _run(right, other, pairs, source, options, report)
        notes = _browser_notes(other) if options.layers else []
        return _comparison(
            reference=f"{model.name} in {right.name}",
            other=f"{model.name} in {other.name}",
            records=count,
            source=source,
            outputs=outputs,
            layers=layers,
            diverges=[layer.differs() for layer in layers],
            rule=f"more than {STEP_TOLERANCE} step, or {FLOAT_TOLERANCE:g} of the largest float",
            notes=notes,
            graph=model,
        )


class _Layer:
    """What is summed up of a pair."""

    def __init__(self, pair: Pair) -> None:
        self.pair = pair
        self.errors = ErrorSums()
        self.spread = DistributionSums()
        self.steps: int | None = None
        self.dtype = ("", "")

    def add(self, a: Engine, b: Engine) -> None:
        left, right = a.tensor(self.pair.a), b.tensor(self.pair.b)
        if left is None or right is None or left.size != right.size:
            return
        self.dtype = (left.dtype.name, right.dtype.name)
        right = right.reshape(left.shape)
        params = params_of(a.model, self.pair.a), params_of(b.model, self.pair.b)
        if left.dtype == right.dtype and left.dtype.kind in "iu" and params[0] == params[1]:
            apart = np.abs(left.astype(np.int64) - right.astype(np.int64)).max(initial=0)
            self.steps = max(self.steps or 0, int(apart))
        real = to_real(a.model, self.pair.a, left), to_real(b.model, self.pair.b, right)
        self.errors.add(*real)
        self.spread.add(*real)

    def report(self, a: Model, b: Model) -> LayerReport:
        errors, params = self.errors.result(), params_of(b, self.pair.b)
        scale = params.scale if params else None
        return LayerReport(
            pair=self.pair,
            name=a.tensor_name(self.pair.a),
            shape=a.shape(self.pair.a),
            dtype=self.dtype,
            scale=scale,
            errors=errors,
            srmse=math.sqrt(errors.mse) / scale if scale else None,
            lost=None,
            steps=self.steps,
            spread=self.spread.result(),
        )


def _run(
    a: Engine,
    b: Engine,
    pairs: Sequence[Pair],
    source: Source,
    options: CompareOptions,
    report: Report | None,
) -> tuple[list[OutputReport], list[LayerReport], int]:
    specs = input_specs(a.model, b.model)
    _check(a.model, b.model, source, options.labels)
    sums = [ErrorSums() for _ in a.model.outputs]
    suits = [ClassSums.suit(a.model.shape(index)) for index in a.model.outputs]
    classes = [ClassSums(options.labels) if suit else None for suit in suits]
    layers = [_Layer(pair) for pair in pairs]
    owners = [a.model if spec.index in a.model.inputs else b.model for spec in specs]
    given = [params_of(model, spec.index) for model, spec in zip(owners, specs, strict=True)]
    for number, record in enumerate(records(source, specs), 1):
        for engine in (a, b):
            inputs = zip(engine.model.inputs, record, given, strict=True)
            engine.run([to_stored(engine.model, i, array, p) for i, array, p in inputs])
        for position, (left, right) in enumerate(
            zip(a.model.outputs, b.model.outputs, strict=True)
        ):
            real = (
                to_real(a.model, left, a.output(position)),
                to_real(b.model, right, b.output(position)),
            )
            sums[position].add(*real)
            decisions = classes[position]
            if decisions is not None:
                decisions.add(*real)
        for layer in layers:
            layer.add(a, b)
        if report:
            report("compare", number, source.count)
    outputs = [
        OutputReport(
            name=a.model.tensor_name(index),
            shape=a.model.shape(index),
            errors=errors.result(),
            classes=decisions.result() if decisions else None,
        )
        for index, errors, decisions in zip(a.model.outputs, sums, classes, strict=True)
    ]
    reports = [layer.report(a.model, b.model) for layer in layers]
    reports = [one for one in reports if one.errors.records]
    return outputs, _with_losses(a.model, reports), source.count


def _with_losses(model: Model, layers: list[LayerReport]) -> list[LayerReport]:
    """Return the reports with `lost`: where an operator's input was not compared, what was before
    it counts.
    """
    known = {layer.pair.a: layer.errors.sqnr for layer in layers}
    worst: dict[int, float] = {}  # of each tensor, or else of what it comes from
    for index in model.inputs:
        worst[index] = known.get(index, math.inf)
    lost = {}
    for operator in model.operators:
        before = min((worst[i] for i in operator.inputs if i in worst), default=math.inf)
        for index in operator.outputs:
            worst[index] = known.get(index, before)
            if index in known and math.isfinite(before):
                lost[index] = before - known[index]
    return [replace(layer, lost=lost.get(layer.pair.a)) for layer in layers]


def _check(a: Model, b: Model, source: Source, labels: Array | None) -> None:
    if len(a.outputs) != len(b.outputs):
        raise OctetError(
            f"{b.name}: outputs: got {len(b.outputs)}, expected {len(a.outputs)} as in {a.name}."
        )
    for left, right in zip(a.outputs, b.outputs, strict=True):
        if math.prod(a.shape(left)) != math.prod(b.shape(right)):
            raise OctetError(
                f'{b.name}: output "{b.tensor_name(right)}": shape: got {list(b.shape(right))}, '
                f"expected {list(a.shape(left))} as in {a.name}."
            )
    if labels is not None and len(labels) != source.count:
        raise OctetError(
            f"labels: got {len(labels)}, expected {source.count}, one per record of {source.name}."
        )


def _comparison(
    *, source: Source, layers: list[LayerReport], diverges: list[bool], **rest: Any
) -> Comparison:
    different = [layer.errors.differing > 0 for layer in layers]
    return Comparison(
        source=source.name,
        layers=layers,
        first_difference=different.index(True) if any(different) else None,
        first_divergence=diverges.index(True) if any(diverges) else None,
        **rest,
    )


def _notes(a: Model, pairs: Sequence[Pair]) -> list[str]:
    written = {pair.operator for pair in pairs}
    alone = sum(1 for position in range(len(a.operators)) if position not in written)
    if not alone:
        return []
    return [f"{alone} of {len(a.operators)} operators of {a.name} have no counterpart: fused"]


def _browser_notes(engine: BrowserEngine) -> list[str]:
    if engine.changed:
        return [f"{engine.changed} outputs changed when tensors were read: not as it is shipped"]
    return ["reading tensors changed no output"]
