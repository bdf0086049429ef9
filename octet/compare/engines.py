# SPDX-License-Identifier: Apache-2.0
"""Runs a model and lets its tensors be read, in LiteRT or in octet in headless Chromium."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Protocol

import numpy as np

from octet.errors import OctetError
from octet.quantize.schemes import BY_ACTIVATION, Params, quantize
from octet.tflite.model import Model
from octet.tflite.runtime import InputSpec, Session
from octet.tflite.types import Array
from octet.web.runner import BrowserModel, runner


class Engine(Protocol):
    """A way to run a model.

    Attributes:
        name: what reports call it.
        model: what it runs.
    """

    name: str
    model: Model

    def run(self, record: Sequence[Array]) -> None:
        """Run on one array per input, as the model stores them."""

    def output(self, position: int) -> Array:
        """Return an output of the last run, as the model stores it."""

    def tensor(self, index: int) -> Array | None:
        """Return a tensor of the last run, as the model stores it; None if it has none."""


class LitertEngine:
    """LiteRT, which keeps every intermediate tensor if ``layers`` are wanted."""

    def __init__(
        self, model: Model, *, kernels: str = "fast", threads: int = 1, layers: bool = True
    ) -> None:
        self.name = f"LiteRT ({kernels} kernels)"
        self.model = model
        self._session = Session(
            model.to_bytes(), model.name, kernels=kernels, threads=threads, preserve=layers
        )
        self._outputs: list[Array] = []

    def run(self, record: Sequence[Array]) -> None:
        """Run on one array per input."""
        self._outputs = self._session.run(record)

    def output(self, position: int) -> Array:
        """Return an output of the last run."""
        return self._outputs[position]

    def tensor(self, index: int) -> Array | None:
        """Return a tensor of the last run."""
        return self._session.tensor(index)


class BrowserEngine:
    """octet in headless Chromium; made by `browser_engine`.

    Outputs come from the model as it is shipped, tensors from one in which each of them is an
    output.

    Attributes:
        changed: how many outputs differed between those two so far; 0 says that to look inside
            changed nothing.
    """

    def __init__(self, model: Model, plain: BrowserModel, dumped: BrowserModel | None) -> None:
        engine = plain.engine
        self.name = f"octet ({engine['variant']}, {engine['threads']} threads)"
        self.model = model
        self.changed = 0
        self._plain, self._dumped = plain, dumped
        self._outputs: dict[str, Array] = {}
        self._tensors: dict[str, Array] = {}

    def run(self, record: Sequence[Array]) -> None:
        """Run on one array per input."""
        given = {str(i): array for i, array in zip(self.model.inputs, record, strict=True)}
        self._outputs = self._plain.run(given)
        if self._dumped is not None:
            self._tensors = self._dumped.run(given) | given
            for name, array in self._outputs.items():
                dumped = self._tensors.get(name)
                self.changed += dumped is not None and dumped.tobytes() != array.tobytes()

    def output(self, position: int) -> Array:
        """Return an output of the last run."""
        return self._outputs[str(self.model.outputs[position])]

    def tensor(self, index: int) -> Array | None:
        """Return a tensor of the last run."""
        return self._tensors.get(str(index))


@contextmanager
def browser_engine(
    model: Model, *, layers: bool = True, variant: str | None = None, threads: int | None = None
) -> Iterator[BrowserEngine]:
    """Start headless Chromium with octet's bundle and load ``model``.

    Args:
        model: what to run.
        layers: let every intermediate tensor be read.
        variant: the wasm file; None takes the best one.
        threads: None takes the default of the machine.

    Raises:
        OctetError: if octet is not built or there is no Chromium.
        ModelFailedError: if the loader refuses the model.
    """
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        path = folder / model.name
        path.write_bytes(numbered(model).to_bytes())
        session = stack.enter_context(runner())
        loaded = [
            stack.enter_context(
                session.load(path, variant=variant, threads=threads, dump_tensors=dump)
            )
            for dump in ([False, True] if layers else [False])
        ]
        yield BrowserEngine(model, loaded[0], loaded[1] if layers else None)


def numbered(model: Model) -> Model:
    """Return a copy whose tensors are named by their indices: names need not be unique."""
    copy = model.copy()
    for index, tensor in enumerate(copy.tensors):
        tensor.name = str(index)
    return copy


# Stored and real numbers ---------------------------------------------------------------------


def params_of(model: Model, index: int) -> Params | None:
    """Return scale and zero point of a quantized activation, None for other tensors."""
    found = model.tensors[index].quantization
    dtype = model.dtype(index)
    if found is None or found.scale is None or len(found.scale) != 1 or dtype not in BY_ACTIVATION:
        return None
    zero_point = 0 if found.zeroPoint is None else int(found.zeroPoint[0])
    return Params(dtype, float(found.scale[0]), zero_point)


def to_real(model: Model, index: int, stored: Array) -> Array:
    """Return what a tensor's numbers mean: (q − zero point) · scale where it is quantized."""
    params = params_of(model, index)
    if params is None:
        return stored
    steps = stored.astype(np.int32) - params.zero_point
    return np.asarray(steps * np.float32(params.scale), np.float32)


def input_specs(a: Model, b: Model) -> list[InputSpec]:
    """Return what records have to be for two models: as the one that takes floats wants them, and
    as ``a`` does where both or none do.

    Raises:
        OctetError: naming inputs that differ in number or shape.
    """
    if len(a.inputs) != len(b.inputs):
        raise OctetError(
            f"{b.name}: inputs: got {len(b.inputs)}, expected {len(a.inputs)} as in {a.name}."
        )
    specs = []
    for left, right in zip(a.inputs, b.inputs, strict=True):
        if a.shape(left) != b.shape(right):
            raise OctetError(
                f'{b.name}: input "{b.tensor_name(right)}": shape: got {list(b.shape(right))}, '
                f"expected {list(a.shape(left))} as in {a.name}."
            )
        other = a.dtype(left) != "float32" and b.dtype(right) == "float32"
        model, index = (b, right) if other else (a, left)
        dtype = model.dtype(index)
        specs.append(InputSpec(index, model.tensor_name(index), model.shape(index), dtype))
    return specs


def to_stored(model: Model, index: int, array: Array, params: Params | None) -> Array:
    """Return a record's array as an input of ``model`` takes it.

    Args:
        model: whose input it is.
        index: of the input's tensor.
        array: the record's.
        params: scale and zero point of ``array``, None for plain numbers.

    Raises:
        OctetError: for element types between which there is no conversion.
    """
    own = params_of(model, index)
    if own == params and array.dtype.name == model.dtype(index):
        return array
    real = array
    if params is not None:
        steps = array.astype(np.int32) - params.zero_point
        real = np.asarray(steps * np.float32(params.scale), np.float32)
    if own is not None and real.dtype == np.float32:
        return quantize(real, own)
    if model.dtype(index) == real.dtype.name:
        return real
    raise OctetError(
        f'{model.name}: input "{model.tensor_name(index)}": dtype: got {array.dtype.name} records, '
        f"expected {model.dtype(index)}."
    )
