# SPDX-License-Identifier: Apache-2.0
"""Seeded cases of every kernel, around the boundaries of tiles, vectors and types."""

from __future__ import annotations

import os
import zlib
from collections.abc import Callable, Iterator
from functools import cache, partial

import numpy as np

from . import elementwise, indexing, integers, movement, products, windows
from .case import Case, Rng, catalogue

SEED = int(os.environ.get("OCTET_TEST_SEED", "1"))

Generator = Callable[[Rng], Iterator[Case]]

# Kernels whose cases one generator makes for several; the others have `<kernel>_cases`.
SHARED: dict[str, Generator] = {
    **{
        name: partial(products.pack_cases, kernel=name)
        for name in ("f32_pack", "qu8_pack", "f32_dwpack", "qu8_dwpack")
    },
    **{
        name: partial(products.f32_convolution_cases, kernel=name)
        for name in ("f32_igemm", "f32_dwconv")
    },
    **{
        name: partial(products.qu8_convolution_cases, kernel=name)
        for name in ("qu8_igemm", "qu8_dwconv")
    },
    **{
        name: partial(windows.f32_pool_cases, kernel=name)
        for name in ("f32_avgpool", "f32_maxpool")
    },
    **{name: partial(movement.nd_cases, kernel=name) for name in ("quantize_nd", "dequantize_nd")},
}


def generator(kernel: str) -> Generator:
    """Return the case generator of ``kernel``; LookupError if none has been written."""
    if kernel in SHARED:
        return SHARED[kernel]
    for module in (products, elementwise, integers, windows, movement, indexing):
        found: Generator | None = getattr(module, f"{kernel}_cases", None)
        if found is not None:
            return found
    raise LookupError(f"no cases of {kernel} in tests/kernels/cases")


@cache
def cases_of(kernel: str) -> tuple[Case, ...]:
    """Return the cases of ``kernel``: always the same for one value of ``OCTET_TEST_SEED``."""
    rng = np.random.default_rng([SEED, zlib.crc32(kernel.encode())])
    return tuple(generator(kernel)(rng))


__all__ = ["SEED", "Case", "Rng", "cases_of", "catalogue", "generator"]
