# SPDX-License-Identifier: Apache-2.0
"""How much a candidate loses against the float model, whose outputs are computed once."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from octet.compare.engines import to_real, to_stored
from octet.compare.metrics import TOP, Classes, ClassSums, Errors, ErrorSums
from octet.errors import OctetError
from octet.quantize.data.source import Source, Subset, records
from octet.quantize.statistics import Report
from octet.tflite.model import Model
from octet.tflite.runtime import InputSpec, Session
from octet.tflite.types import Array

Value = Callable[[Errors, Classes | None], float | None]


@dataclass(frozen=True)
class Metric:
    """What counts as a loss.

    Attributes:
        help: in words.
        drop: of an output; None where it says nothing, as classes of what is no row of classes.
        labels: whether it needs the right classes.
        power: of the drop that adds up over operators, as errors that are independent do; None for
            classes, whose noise is taken instead.
    """

    help: str
    drop: Value
    labels: bool = False
    power: float | None = None


def _of_classes(value: Callable[[Classes], float | None]) -> Value:
    return lambda errors, classes: None if classes is None else value(classes)


def _less(share: float | None, whole: float | None = 1.0) -> float | None:
    return None if share is None or whole is None else whole - share


METRICS: dict[str, Metric] = {
    "accuracy": Metric(
        "accuracy of the float model less that of the candidate",
        _of_classes(lambda c: _less(c.accuracy_b, c.accuracy_a)),
        labels=True,
    ),
    "top1": Metric(
        "share of records where the first class is another", _of_classes(lambda c: _less(c.top1))
    ),
    "top5": Metric(
        "share of records where the first class is not among the candidate's first five",
        _of_classes(lambda c: _less(c.top5)),
    ),
    "nrmse": Metric(
        "root mean squared error over the outputs' root mean square",
        lambda errors, classes: float(10 ** (-errors.sqnr / 20)),
        power=2,
    ),
    "cosine": Metric("1 less the cosine", lambda errors, classes: 1 - errors.cosine, power=1),
    "mpeir": Metric("largest error over the range", lambda errors, classes: errors.mpeir, power=2),
    "mape": Metric("mean error over the value", lambda errors, classes: errors.mape, power=2),
    "mae": Metric("mean error", lambda errors, classes: errors.mae, power=2),
    "mse": Metric("mean squared error", lambda errors, classes: errors.mse, power=1),
}


@dataclass(frozen=True, order=True)
class Score:
    """How much is lost; less is better, the second number where the first is the same.

    Attributes:
        drop: by the metric; of the worst output.
        noise: error over signal, root mean squares; of the worst output.
    """

    drop: float
    noise: float


class Evaluator:
    """Scores models against a float one over records; a context, for it keeps a file.

    Attributes:
        metric: the key of what counts.
        records: how many there are.
    """

    def __init__(
        self,
        floats: Model,
        source: Source,
        inputs: Sequence[InputSpec],
        metric: str,
        labels: Array | None = None,
        *,
        threads: int = 1,
        report: Report | None = None,
    ) -> None:
        """Compute the float outputs, which go to a file.

        Raises:
            OctetError: for a metric that this model or these labels do not suit.
            DataError: for a record that does not fit.
        """
        if metric not in METRICS:
            raise OctetError(f"metric: got {metric!r}, expected one of {', '.join(METRICS)}.")
        if METRICS[metric].labels and labels is None:
            raise OctetError(f"metric {metric}: needs the right classes (--labels).")
        if labels is not None and len(labels) != source.count:
            raise OctetError(
                f"labels: got {len(labels)}, expected {source.count}, one per record of "
                f"{source.name}."
            )
        shapes = [floats.shape(index) for index in floats.outputs]
        if metric in ("accuracy", "top1", "top5") and not any(map(ClassSums.suit, shapes)):
            raise OctetError(
                f"metric {metric}: {floats.name} has no output that is a row of classes."
            )
        if metric == "top5" and not any(shape[-1] > TOP for shape in shapes if shape):
            raise OctetError(f"metric top5: fewer than {TOP + 1} classes in {floats.name}.")
        self.metric, self.records = metric, source.count
        self._source, self._inputs, self._labels = source, list(inputs), labels
        self._threads = threads
        self._folder = tempfile.TemporaryDirectory(prefix="octet-search-")
        try:
            self._exact = self._run_float(floats, report)
        except BaseException:
            self._folder.cleanup()
            raise

    def score(self, model: Model, indices: Sequence[int] | None = None) -> Score:
        """Return what ``model`` loses over all records, or those of ``indices``."""
        chosen = range(self._source.count) if indices is None else list(indices)
        labels = None if self._labels is None else self._labels[chosen]
        session = Session(model.to_bytes(), model.name, threads=self._threads)
        errors = [ErrorSums() for _ in self._exact]
        classes = [
            ClassSums(labels) if ClassSums.suit(array.shape[1:]) else None for array in self._exact
        ]
        source = self._source if indices is None else Subset(self._source, chosen)
        for number, record in zip(chosen, records(source, self._inputs), strict=True):
            arrays = zip(model.inputs, record, strict=True)
            found = session.run([to_stored(model, i, array, None) for i, array in arrays])
            for position, index in enumerate(model.outputs):
                real = to_real(model, index, found[position])
                exact = np.asarray(self._exact[position][number]).reshape(real.shape)
                errors[position].add(exact, real)
                decisions = classes[position]
                if decisions is not None:
                    decisions.add(exact, real)
        reports = [one.result() for one in errors]
        decided = [one.result() if one else None for one in classes]
        drop = METRICS[self.metric].drop
        drops = [drop(a, b) for a, b in zip(reports, decided, strict=True)]
        noises = [10 ** (-report.sqnr / 20) for report in reports]
        return Score(max(d for d in drops if d is not None), max(noises))

    def __enter__(self) -> Evaluator:
        """Return itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Remove the file of float outputs."""
        self._exact = []
        self._folder.cleanup()

    def _run_float(self, floats: Model, report: Report | None) -> list[Array]:
        session = Session(floats.to_bytes(), floats.name, threads=self._threads)
        kept: list[Array] = [
            np.memmap(
                Path(self._folder.name) / str(position),
                np.dtype(floats.dtype(index)),
                "w+",
                shape=(self._source.count, *floats.shape(index)),
            )
            for position, index in enumerate(floats.outputs)
        ]
        for number, record in enumerate(records(self._source, self._inputs)):
            for array, found in zip(kept, session.run(record), strict=True):
                array[number] = found
            if report:
                report("float outputs", number + 1, self._source.count)
        return kept


def default_metric(floats: Model, labels: Array | None) -> str:
    """Return accuracy with labels, top1 for classifiers, otherwise nrmse."""
    suits = any(ClassSums.suit(floats.shape(index)) for index in floats.outputs)
    if suits and labels is not None:
        return "accuracy"
    return "top1" if suits else "nrmse"
