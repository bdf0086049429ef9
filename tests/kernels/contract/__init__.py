# SPDX-License-Identifier: Apache-2.0
"""The numeric contract of ``wasm_kernels/kernels.h`` in NumPy.

One function per kernel, with the kernel's name and the names of its arguments, scratch and range
left out. It writes what the mathematics say into the output argument and leaves the gaps between
strides alone. Nothing here knows of tiles, panels or vectors; only where the contract fixes an
order of float32 operations does a model follow it, so that floats are compared bit for bit as well.
"""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType

from . import elementwise, indexing, integers, movement, products, windows
from .arithmetic import Array, Struct, clamp, exp, requantize, sigmoid, tanh
from .products import Weights, f32_weights, qu8_weights

MODULES: tuple[ModuleType, ...] = (products, elementwise, integers, windows, movement, indexing)


def model(kernel: str) -> Callable[..., None]:
    """Return the model of ``kernel``; LookupError if none has been written."""
    for module in MODULES:
        function: Callable[..., None] | None = getattr(module, kernel, None)
        if function is not None:
            return function
    raise LookupError(f"no model of {kernel} in tests/kernels/contract")


__all__ = [
    "Array",
    "Struct",
    "Weights",
    "clamp",
    "exp",
    "f32_weights",
    "model",
    "qu8_weights",
    "requantize",
    "sigmoid",
    "tanh",
]
