# SPDX-License-Identifier: Apache-2.0
"""Runs models in LiteRT: outputs, every intermediate tensor, or the range of each of them.

LiteRT's calibration hook (``InvokeWithCalibration``) reports the least and the greatest element of
every tensor that a run writes, read when it is written. It is private: where it is missing, the
ranges come from preserved tensors, which gives the same numbers and takes longer. The older
``CalibrationWrapper`` is not used: it reads the inputs of an operator after the operator ran, and
ADD may have run in place (tensorflow/tensorflow#127842).
"""

from __future__ import annotations

import os
import sys
import threading
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from ai_edge_litert import interpreter as litert

from octet.errors import OctetError
from octet.tflite.types import Array

try:
    from ai_edge_litert._pywrap_tfl_calibration import InvokeWithCalibration
except ImportError:  # another release of LiteRT
    InvokeWithCalibration = None

KERNELS = {
    "fast": litert.OpResolverType.AUTO,
    "builtin": litert.OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
    "reference": litert.OpResolverType.BUILTIN_REF,
}
"""XNNPACK where it can, LiteRT's optimized kernels, or its reference kernels."""

_stderr_lock = threading.Lock()


def has_calibration_hook() -> bool:
    """Return whether LiteRT can report ranges itself."""
    return InvokeWithCalibration is not None


@dataclass(frozen=True)
class InputSpec:
    """What a model takes.

    Attributes:
        index: of the tensor.
        name: of the tensor.
        shape: all dimensions known.
        dtype: NumPy's name.
    """

    index: int
    name: str
    shape: tuple[int, ...]
    dtype: str


class Session:
    """A model that is ready to run; not for two threads at a time.

    Attributes:
        inputs: what `run` takes, in order.
        outputs: what it returns, in order.
    """

    def __init__(
        self,
        data: bytes,
        name: str,
        *,
        threads: int = 1,
        kernels: str = "fast",
        preserve: bool = False,
        hook: bool = False,
    ) -> None:
        """Prepare ``data``.

        Args:
            data: a ``.tflite`` file.
            name: what messages call it.
            threads: for the kernels.
            kernels: a key of KERNELS.
            preserve: keep every intermediate tensor, for `tensor`.
            hook: prepare for `calibrate`.

        Raises:
            OctetError: if LiteRT refuses the model.
        """
        self.name = name
        options = {
            "num_threads": threads,
            "experimental_op_resolver_type": KERNELS[kernels],
            "experimental_preserve_all_tensors": preserve,
            # The hook is called per operator: none may be hidden in a fused one.
            "experimental_disable_delegate_node_fusion": hook,
            "experimental_force_delegate_node_profiling": hook,
        }
        with _stderr_lock, _silence(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                self._interpreter = litert.Interpreter(model_content=data, **options)
                self._interpreter.allocate_tensors()
            except (RuntimeError, ValueError) as error:
                raise OctetError(f"{name}: LiteRT refuses the model: {error}") from None
        self.inputs = [_spec(detail) for detail in self._interpreter.get_input_details()]
        self.outputs = [_spec(detail) for detail in self._interpreter.get_output_details()]

    def invoke(self, arrays: Sequence[Array]) -> None:
        """Run on one array per input. Raises OctetError where LiteRT fails."""
        self._feed(arrays)
        try:
            self._interpreter.invoke()
        except (RuntimeError, ValueError) as error:
            raise OctetError(f"{self.name}: {error}") from None

    def run(self, arrays: Sequence[Array]) -> list[Array]:
        """Run on one array per input and return the outputs."""
        self.invoke(arrays)
        return [self._interpreter.get_tensor(spec.index) for spec in self.outputs]

    def calibrate(self, arrays: Sequence[Array]) -> dict[str, tuple[float, float]]:
        """Run and return the range of every float tensor by name.

        NaN elements are left out; a tensor of nothing else has the range (nan, nan).
        """
        assert InvokeWithCalibration is not None
        self._feed(arrays)
        try:
            ranges = InvokeWithCalibration(self._interpreter._native_handle(), 0)
        except (RuntimeError, ValueError) as error:
            raise OctetError(f"{self.name}: {error}") from None
        return {name: (found.min, found.max) for name, found in ranges.items()}

    def tensor(self, index: int) -> Array | None:
        """Return a copy of a tensor after `invoke`; None for one without memory."""
        try:
            return self._interpreter.get_tensor(index)  # type: ignore[no-any-return]
        except ValueError:
            return None

    @contextmanager
    def view(self, index: int) -> Iterator[Array | None]:
        """Yield a tensor's memory, which must not be kept; None for a tensor without any."""
        try:
            array = self._interpreter.tensor(index)()
        except ValueError:
            array = None
        yield array

    def _feed(self, arrays: Sequence[Array]) -> None:
        # A recurrent operator's state would make a record depend on those before it.
        self._interpreter.reset_all_variables()
        for spec, array in zip(self.inputs, arrays, strict=True):
            try:
                self._interpreter.set_tensor(spec.index, array)
            except ValueError as error:
                raise OctetError(f'{self.name}: input "{spec.name}": {error}') from None


def _spec(detail: dict[str, Any]) -> InputSpec:
    return InputSpec(
        index=int(detail["index"]),
        name=str(detail["name"]),
        shape=tuple(int(size) for size in detail["shape"]),
        dtype=np.dtype(detail["dtype"]).name,
    )


@contextmanager
def _silence() -> Iterator[None]:
    """Drop what native code writes to standard error, such as that there is a delegate."""
    sys.stderr.flush()
    kept = os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)
