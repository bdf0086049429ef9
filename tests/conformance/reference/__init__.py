# SPDX-License-Identifier: Apache-2.0
"""WebNN's operators once more, independent of octet: in NumPy, recurrent ones by ONNX Runtime.

Floats are computed in float64, whole numbers in their own types. Arguments are those of the builder
methods, with arrays for operands; names of options are the specification's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from octet.web.cases import Array
from tests.conformance.reference.elementwise import ELEMENTWISE
from tests.conformance.reference.movement import MOVEMENT
from tests.conformance.reference.products import PRODUCTS
from tests.conformance.reference.recurrent import RECURRENT
from tests.conformance.reference.reduction import REDUCTION
from tests.conformance.reference.windows import WINDOWS

OPERATORS: Mapping[str, Callable[..., Any]] = {
    **ELEMENTWISE,
    **MOVEMENT,
    **REDUCTION,
    **WINDOWS,
    **PRODUCTS,
    **RECURRENT,
}


def evaluate(op: str, args: Sequence[Any], options: Mapping[str, Any]) -> list[Array]:
    """Return what a builder call computes: float64 for floats, else the results' own types."""
    wide = [_widened(arg) for arg in args]
    named = {name: _widened(value) for name, value in options.items() if name != "label"}
    with np.errstate(all="ignore"):
        results = OPERATORS[op](*wide, **named)
    return [np.asarray(y) for y in (results if isinstance(results, list) else [results])]


def _widened(arg: Any) -> Any:
    if isinstance(arg, np.ndarray):
        return arg.astype(np.float64) if arg.dtype.kind == "f" else arg
    if isinstance(arg, list) and arg and isinstance(arg[0], np.ndarray):
        return [_widened(item) for item in arg]
    return arg
