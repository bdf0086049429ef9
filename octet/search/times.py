# SPDX-License-Identifier: Apache-2.0
"""Milliseconds of operators in octet, by what was measured.

Operators are put in classes by what they do and in which type; a class has nanoseconds per
multiplication and per element that is read or written. What was measured itself, an operator of the
same kind, type and shapes, counts as measured. `measure` makes the times, of many networks those in
TIMES, of one those that suit it best.
"""

from __future__ import annotations

import json
import math
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from octet.errors import OctetError
from octet.tflite.model import Model

TIMES = Path(__file__).with_name("times.json")

EIGHT_BITS = ("int8", "uint8")

FEWEST = 1000
"""A class with fewer elements in all says nothing: the browser's clock counts 5 microseconds."""

ANY_PRODUCTS, ANY_OTHER = "products", "others"
"""Classes of what has none of its own: with weights, and without."""


@dataclass(frozen=True)
class Sample:
    """A measured operator.

    Attributes:
        kind: its class, from `operator_class`.
        key: what it computes, from `operator_key`.
        products: how many multiplications.
        elements: how many it reads and writes, without weights.
        ms: its time on one thread.
    """

    kind: str
    key: str
    products: float
    elements: float
    ms: float


@dataclass(frozen=True)
class Times:
    """What operators take.

    Attributes:
        rates: by class, nanoseconds per multiplication and per element.
        exact: milliseconds of what was measured itself, by key.
        source: in words, for people.
    """

    rates: dict[str, tuple[float, float]]
    exact: dict[str, float]
    source: str

    def model(self, model: Model) -> float:
        """Return the milliseconds of one run on one thread."""
        return sum(self.operator(model, operator) for operator in model.operators)

    def operator(self, model: Model, operator: Any) -> float:
        """Return the milliseconds of an operator."""
        measured = self.exact.get(operator_key(model, operator))
        if measured is not None:
            return measured
        products, elements = multiplications(model, operator), elements_of(model, operator)
        fallback = rate_class(ANY_PRODUCTS if products else ANY_OTHER, _type(model, operator))
        for kind in (operator_class(model, operator), fallback):
            if kind in self.rates:
                per_product, per_element = self.rates[kind]
                return (per_product * products + per_element * elements) / 1e6
        return 0.0

    def over(self, other: Times) -> Times:
        """Return these times, and those of ``other`` for classes that are missing here."""
        return Times({**other.rates, **self.rates}, self.exact, self.source)


@cache
def standard_times() -> Times:
    """Return what is measured once for all, TIMES. Raises OctetError if it is broken."""
    try:
        facts = json.loads(TIMES.read_text(encoding="utf-8"))
        rates = {kind: (float(a), float(b)) for kind, (a, b) in facts["classes"].items()}
        return Times(rates, {}, f"from times measured on {facts['machine']}")
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise OctetError(f"{TIMES}: not a table of times: {error}.") from None


def fit(samples: Iterable[Sample], source: str, *, exact: bool) -> Times:
    """Return the times that suit ``samples`` best: least squares, none below 0.

    Args:
        samples: what was measured.
        source: in words.
        exact: keep the samples themselves, too; the mean of those that are the same.
    """
    classes: dict[str, list[Sample]] = defaultdict(list)
    keys: dict[str, list[float]] = defaultdict(list)
    for sample in samples:
        classes[sample.kind].append(sample)
        dtype = sample.kind.rpartition(" ")[2]
        classes[rate_class(ANY_PRODUCTS if sample.products else ANY_OTHER, dtype)].append(sample)
        keys[sample.key].append(sample.ms)
    rates = {
        kind: _fit_class(group)
        for kind, group in sorted(classes.items())
        if sum(sample.elements for sample in group) >= FEWEST
    }
    means = {key: sum(found) / len(found) for key, found in keys.items()} if exact else {}
    return Times(rates, means, source)


def _fit_class(samples: list[Sample]) -> tuple[float, float]:
    counts = np.array([(s.products, s.elements) for s in samples], np.float64)
    wanted = np.array([s.ms * 1e6 for s in samples])
    # What counts is a network's sum: large operators weigh more, by the square of their size.
    both, *_ = np.linalg.lstsq(counts, wanted, rcond=None)
    if (both >= 0).all() and counts.any(axis=0).all():
        return float(both[0]), float(both[1])
    tries = []
    for column in (0, 1):
        square = float(counts[:, column] @ counts[:, column])
        rate = max(0.0, float(counts[:, column] @ wanted) / square) if square else 0.0
        pair = (rate, 0.0) if column == 0 else (0.0, rate)
        tries.append((float(((counts @ pair - wanted) ** 2).sum()), pair))
    return min(tries)[1]


def rate_class(name: str, dtype: str) -> str:
    """Return the class of what is called ``name`` in ``dtype``: float32, 8bit or int16."""
    return f"{name} {dtype}"


def operator_class(model: Model, operator: Any) -> str:
    """Return an operator's class, for instance ``CONV_2D 1x1 8bit``."""
    name = model.operator_name(operator)
    if name == "CONV_2D":
        _, height, width, depth = model.shape(operator.inputs[1])
        if math.prod(model.shape(operator.outputs[0])[:-1]) == 1:
            name = "FULLY_CONNECTED"
        elif depth <= 4:
            name += " of pictures"
        elif height == width == 1:
            name += " 1x1"
    return rate_class(name, _type(model, operator))


def operator_key(model: Model, operator: Any) -> str:
    """Return what an operator computes: kind, types and shapes."""
    tensors = [index for index in (*operator.inputs, *operator.outputs) if index >= 0]
    parts = [f"{model.dtype(index)}{list(model.shape(index))}" for index in tensors]
    options = getattr(operator, "builtinOptions", None)
    fields = sorted(vars(options).items()) if options is not None else []
    return f"{model.operator_name(operator)} {' '.join(parts)} {fields}"


def multiplications(model: Model, operator: Any) -> float:
    """Return how many multiplications an operator with weights does, 0 for others."""
    kind = model.operator_name(operator)
    inputs, outputs = operator.inputs, operator.outputs
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


def elements_of(model: Model, operator: Any) -> float:
    """Return how many elements an operator reads and writes, constants left out."""
    tensors = [*(i for i in operator.inputs if i >= 0 and not model.is_constant(i))]
    return float(sum(math.prod(model.shape(i)) for i in (*tensors, *operator.outputs)))


def in_8_bits(model: Model, operator: Any) -> bool:
    """Return whether an operator writes 8 bits."""
    return bool(operator.outputs) and model.dtype(operator.outputs[0]) in EIGHT_BITS


def _type(model: Model, operator: Any) -> str:
    types = {model.dtype(i) for i in (*operator.inputs[:1], *operator.outputs) if i >= 0}
    if "int16" in types:
        return "int16"
    return "8bit" if types & set(EIGHT_BITS) else "float32"
