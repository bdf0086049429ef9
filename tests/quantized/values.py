# SPDX-License-Identifier: Apache-2.0
"""Random quantized tensors: types, zero points at the ends, scales near and far."""

from __future__ import annotations

import numpy as np

from .recording import F32, Array, Params, Rng, Tensor

ZERO_POINTS = {"uint8": (0, 255, 128, 127, 3, 100), "int8": (-128, 127, 0, -1, 1, 60)}

CLAMPS: tuple[tuple[tuple[float, float], ...], ...] = (
    (),
    (),
    ((0.0, np.inf),),
    ((0.0, 6.0),),
    ((-1.0, 1.0),),
    ((0.0, np.inf), (-np.inf, 0.75)),
    ((0.5, 0.5),),
)
"""What may stand between an operator and its quantizeLinear, the innermost first."""


def dtype_of(rng: Rng) -> str:
    """Return uint8 or int8."""
    return str(rng.choice(["uint8", "int8"]))


def params_of(rng: Rng, scale: float, dtype: str | None = None) -> Params:
    """Return parameters with ``scale``, rounded to float32."""
    dtype = dtype or dtype_of(rng)
    return Params(dtype, float(F32(scale)), int(rng.choice(ZERO_POINTS[dtype])))


def usual_scale(rng: Rng) -> float:
    """Return a scale as networks have them; a power of two now and then, which makes ties."""
    exponent = rng.uniform(-9, 1)
    return float(2.0 ** (round(exponent) if rng.random() < 0.25 else exponent))


def integers(rng: Rng, dtype: str, shape: tuple[int, ...]) -> Array:
    """Return random integers: anything, the ends more often, or nothing but the ends."""
    limits = np.iinfo(dtype)
    values = rng.integers(limits.min, limits.max, shape, dtype, endpoint=True)
    edge = rng.random(shape)
    share = 0.5 if rng.random() < 0.15 else 0.05
    values[edge < share] = limits.min
    values[edge > 1 - share] = limits.max
    return values


def tensor_of(
    rng: Rng, shape: tuple[int, ...], *, scale: float | None = None, dtype: str | None = None
) -> Tensor:
    """Return a random tensor."""
    params = params_of(rng, usual_scale(rng) if scale is None else scale, dtype)
    return Tensor(integers(rng, params.dtype, shape), params)


def near(rng: Rng, params: Params) -> Params:
    """Return parameters of a result: often the same, else of another scale and zero point."""
    if rng.random() < 0.3:
        return params
    ratio = rng.choice([1.0, 0.5, 2.0, *(2.0 ** rng.uniform(-3, 3, 4))])
    return params_of(rng, params.scale * ratio)


def clamps_of(rng: Rng) -> tuple[tuple[float, float], ...]:
    """Return the clamps behind an operator."""
    return CLAMPS[int(rng.integers(len(CLAMPS)))]


def dims(rng: Rng, rank: int, most: int = 5) -> tuple[int, ...]:
    """Return a small shape."""
    return tuple(int(d) for d in rng.integers(1, most + 1, rank))
