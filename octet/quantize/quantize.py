# SPDX-License-Identifier: Apache-2.0
"""The whole way from a float model to a quantized one: prepare, equalize, record, plan, convert."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from octet.errors import OctetError
from octet.quantize.config import FLOAT, Config, Layer
from octet.quantize.convert import Converted, Interface, convert
from octet.quantize.correct_bias import METHODS, correct_biases
from octet.quantize.data.source import Source, Subset
from octet.quantize.equalize import channel_tensors, equalize, find_pairs
from octet.quantize.fake import fake_quantize
from octet.quantize.plan import Plan, make_plan
from octet.quantize.prepare import prepare
from octet.quantize.record import RecordOptions, embed, model_inputs, record
from octet.quantize.statistics import Report, measure
from octet.tflite.model import Model
from octet.tflite.runtime import InputSpec, Session

BIAS_RECORDS = 128
"""Records that bias correction takes, evenly spread: more do not move a mean any further."""


@dataclass(frozen=True)
class QuantizeOptions:
    """What to make of a float model.

    Attributes:
        config: element types and granularities.
        interface: element types of inputs and outputs.
        record: how ranges are found, where there is data.
        equalize: equalize channels across layers first; needs data.
        bias_correction: one of METHODS; other than none needs data.
        dequantize_weights: accept a model with 8-bit weights between float activations.
        fake: return a float model with the rounding of the quantized one instead.
    """

    config: Config = field(default_factory=Config)
    interface: Interface = field(default_factory=Interface)
    record: RecordOptions = field(default_factory=RecordOptions)
    equalize: bool = False
    bias_correction: str = "none"
    dequantize_weights: bool = False
    fake: bool = False


@dataclass(frozen=True)
class Quantized:
    """A quantized model and how it came about.

    Attributes:
        model: what was asked for.
        source: the float model that was converted: activations fused, ranges embedded, weights
            equalized, biases corrected.
        plan: what became of each of its operators.
        layers: the same operators as rules of a configuration see them.
        stored: by a tensor's index in ``source``, the tensor of ``model`` that holds it.
        pairs: how many pairs of layers were equalized.
    """

    model: Model
    source: Model
    plan: Plan
    layers: list[Layer]
    stored: dict[int, int]
    pairs: int

    def in_float(self) -> list[tuple[Layer, str]]:
        """Return the operators that stayed in float, with the reason."""
        return [
            (layer, own.why)
            for layer, own in zip(self.layers, self.plan.operators, strict=True)
            if own.dtype == FLOAT
        ]


def quantize_model(
    model: Model,
    options: QuantizeOptions | None = None,
    source: Source | None = None,
    *,
    cache: Path | None = None,
    report: Report | None = None,
) -> Quantized:
    """Quantize a float model.

    Args:
        model: with recorded ranges, unless there are records; it stays as it is.
        options: what to make of it.
        source: representative records.
        cache: where the ranges of each record are kept, see `record`.
        report: told of progress.

    Raises:
        NotFloatError: for a model that is quantized already.
        ConfigError: for a configuration that does not fit the model.
        DataError: for a record that does not fit.
        OctetError: for a tensor without a range, or options that need data where there is none.
    """
    options = options or QuantizeOptions()
    ready = make_ready(model, options, source, cache=cache, report=report)
    return quantize_ready(ready, options, source, report=report)


@dataclass(frozen=True)
class Ready:
    """A float model that only lacks a decision: what is quantized, and to what.

    Attributes:
        model: prepared, equalized where that was asked for, ranges embedded.
        layers: its operators as rules of a configuration see them.
        inputs: what records are checked against; empty where there are none.
        pairs: how many pairs of layers were equalized.
    """

    model: Model
    layers: list[Layer]
    inputs: list[InputSpec]
    pairs: int


def make_ready(
    model: Model,
    options: QuantizeOptions,
    source: Source | None,
    *,
    cache: Path | None = None,
    report: Report | None = None,
) -> Ready:
    """Do all of `quantize_model` that does not depend on ``options.config``; the same errors."""
    if options.bias_correction not in METHODS:
        found = options.bias_correction
        raise OctetError(f"bias correction: got {found!r}, expected one of {', '.join(METHODS)}.")
    if source is None and (options.equalize or options.bias_correction != "none"):
        raise OctetError("equalization and bias correction need representative records (--data).")
    prepared = prepare(model, dequantize_weights=options.dequantize_weights)
    floats, pairs = prepared.model, 0
    inputs: list[InputSpec] = []
    if source is not None:
        inputs = model_inputs(floats.to_bytes(), floats)
        if options.equalize:
            pairs = len(find_pairs(floats))
            _equalize(floats, source, inputs, processors(), report)
        embed(floats, record(floats, source, options.record, cache=cache, report=report))
    return Ready(floats, prepared.layers, inputs, pairs)


def quantize_ready(
    ready: Ready,
    options: QuantizeOptions,
    source: Source | None = None,
    *,
    report: Report | None = None,
) -> Quantized:
    """Do the rest of `quantize_model`; ``ready`` stays as it is. The same errors."""
    floats = ready.model
    plan = make_plan(floats, ready.layers, options.config)

    def build(candidate: Model) -> Converted:
        return convert(candidate, plan, options.interface)

    if source is not None:
        floats = correct_biases(
            floats,
            plan,
            spread(source, BIAS_RECORDS),
            ready.inputs,
            options.bias_correction,
            build,
            threads=processors(),
            report=report,
        )
    made = fake_quantize(floats, plan) if options.fake else build(floats)
    return Quantized(made.model, floats, plan, ready.layers, made.stored, ready.pairs)


def spread(source: Source, count: int) -> Source:
    """Return ``count`` records of ``source``, evenly spread, or all if there are fewer."""
    if source.count <= count:
        return source
    return Subset(source, [i * source.count // count for i in range(count)])


def processors() -> int:
    """Return how many processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _equalize(
    model: Model,
    source: Source,
    inputs: Sequence[InputSpec],
    threads: int,
    report: Report | None,
) -> None:
    channels = channel_tensors(model)
    if channels:
        session = Session(model.to_bytes(), model.name, threads=threads, preserve=True)
        found = measure(
            session, source, inputs, channels=channels, report=report, label="channel ranges"
        )
        equalize(model, found)
