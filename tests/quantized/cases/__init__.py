# SPDX-License-Identifier: Apache-2.0
"""Seeded cases of every operator that has an integer form."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from functools import cache

import numpy as np

from tests.kernels.cases import SEED

from ..recording import QuantizedCase, Rng
from .elementwise import elementwise_cases
from .movement import movement_cases
from .products import product_cases
from .transposed import transposed_cases
from .windows import window_cases

FAMILIES: dict[str, Callable[[Rng], Iterator[QuantizedCase]]] = {
    "products": product_cases,
    "transposed": transposed_cases,
    "elementwise": elementwise_cases,
    "windows": window_cases,
    "movement": movement_cases,
}


@cache
def cases_of(family: str) -> tuple[QuantizedCase, ...]:
    """Return the cases of a family: always the same for one value of ``OCTET_TEST_SEED``."""
    rng = np.random.default_rng([SEED, zlib.crc32(family.encode())])
    return tuple(FAMILIES[family](rng))
