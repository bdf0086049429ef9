# SPDX-License-Identifier: Apache-2.0
"""The elementary functions of ``math64.h``: float64, one IEEE operation at a time, then float32."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np

from .arithmetic import F32, Array

F64 = np.float64
LN_2 = 0.69314718055994531


def horner(x: Array, *coefficients: float) -> Array:
    """Evaluate by Horner's rule in float64."""
    value: Array = np.full_like(x, coefficients[0])
    for coefficient in coefficients[1:]:
        value = value * x + coefficient
    return value


def by_float64(function: Callable[[Array], Array], x: Array) -> Array:
    """Return ``float32(function(float64(x)))``."""
    with np.errstate(all="ignore"):
        return function(x.astype(F64)).astype(F32)


# ---------------------------------------------------------------------------
# exp and log


def exp64(v: Array) -> Array:
    """2^n times the series of exp to the ninth power, on [-ln 2 / 2, ln 2 / 2]."""
    x = np.where(v < -700.0, -700.0, v)
    x = np.where(x > 700.0, 700.0, x)
    n: Array = np.rint(x * 1.4426950408889634)
    r = x - n * LN_2
    p = horner(r, 1 / 362880, 1 / 40320, 1 / 5040, 1 / 720, 1 / 120, 1 / 24, 1 / 6, 0.5, 1.0, 1.0)
    return np.asarray(np.ldexp(p, np.where(np.isnan(n), 0, n).astype(np.int32)))


def expm1_64(x: Array) -> Array:
    small = horner(x, 1 / 24, 1 / 6, 0.5, 1.0) * x
    return np.where(np.abs(x) < 2.0**-10, small, exp64(x) - 1.0)


def log_positive(x: Array) -> Array:
    """e ln 2 + 2 artanh((m - 1) / (m + 1)) for x = m 2^e, m in [sqrt(1/2), sqrt(2))."""
    bits = x.view(np.int64)
    e = (bits - 0x3FE6A09E667F3BCD) >> 52
    m = (bits - (e << 52)).view(F64)
    s = (m - 1.0) / (m + 1.0)
    p = horner(s * s, 2 / 13, 2 / 11, 2 / 9, 2 / 7, 2 / 5, 2 / 3, 2.0)
    return np.asarray(e.astype(F64) * LN_2 + s * p)


def log64(x: Array) -> Array:
    edge = np.where(x == 0, -np.inf, np.where(x == np.inf, np.inf, np.nan))
    inside = (x > 0) & (x < np.inf)
    return np.where(inside, log_positive(np.where(inside, x, 1.0)), edge)


def softplus64(x: Array) -> Array:
    u = exp64(-np.abs(x))
    total = 1.0 + u
    rest = log_positive(total) + (u - (total - 1.0)) / total
    return np.asarray(np.where(x < 0, 0.0, x) + rest)


def log(x: Array) -> Array:
    return by_float64(log64, x)


def softplus(x: Array) -> Array:
    return by_float64(softplus64, x)


def elu(x: Array, alpha: float) -> Array:
    with np.errstate(all="ignore"):
        return np.where(x < 0, F32(alpha) * by_float64(expm1_64, x), x)


# ---------------------------------------------------------------------------
# erf

ERF_SERIES = (
    9.422759064650411e-11,
    -1.2290555301717926e-09,
    1.4807192815879218e-08,
    -1.6365844691234924e-07,
    1.6462114365889246e-06,
    -1.492565035840625e-05,
    0.00012055332981789664,
    -0.0008548327023450852,
    0.005223977625442188,
    -0.026866170645131252,
    0.11283791670955126,
    -0.37612638903183754,
    1.1283791670955126,
)
ERFC_FIT = (
    -7.358030872291e01,
    1.159797827893e02,
    -5.210300922417e01,
    -2.442635777504e00,
    1.474608704606e-01,
    2.432822934356e00,
    2.860417201689e00,
    1.971378937513e00,
    1.128523037781e00,
    5.641869613529e-01,
)


def erf_small(x: Array) -> Array:
    return horner(x * x, *ERF_SERIES) * x


def erfc_large(x: Array) -> Array:
    t = 1.0 / (x + 2.0)
    return exp64(-(x * x)) * t * horner(t, *ERFC_FIT)


def erf64(x: Array) -> Array:
    large = np.copysign(1.0 - erfc_large(np.abs(x)), x)
    return np.where(np.abs(x) < 1, erf_small(x), large)


def gelu64(x: Array) -> Array:
    z = x * 0.70710678118654752
    rest = erfc_large(np.abs(z))
    large = np.where(z < 0, rest, 2.0 - rest)
    return np.asarray(x * 0.5 * np.where(np.abs(z) < 1, 1.0 + erf_small(z), large))


def erf(x: Array) -> Array:
    return by_float64(erf64, x)


def gelu(x: Array) -> Array:
    return by_float64(gelu64, x)


# ---------------------------------------------------------------------------
# pow


def power(a: Array, b: Array) -> Array:
    """a^b of IEEE 754, through exp(b ln |a|)."""
    with np.errstate(all="ignore"):
        base = np.abs(a)
        magnitude = exp64(b.astype(F64) * log64(base.astype(F64))).astype(F32)
        magnitude = np.where(base == 1, F32(1), magnitude)
        integral = b == np.floor(b)
        odd = integral & (b * F32(0.5) != np.floor(b * F32(0.5)))
        signed = np.where(odd & np.signbit(a), -magnitude, magnitude)
        undefined = (a < 0) & (a > -np.inf) & ~integral
        result = np.where(undefined, F32(np.nan), signed)
        return np.where((b == 0) | (a == 1), F32(1), result)


# ---------------------------------------------------------------------------
# sin, cos, tan

PI_DIGITS = 0x3243F6A8885A308D313198A2E03707344A4093822299F31D0082EFA98EC4E6C89452821E638D01377
"""pi, 80 hexadecimal digits of it behind the point."""


def two_over_pi(digits: int) -> int:
    """Return floor(2^digits * 2 / pi)."""
    return (2 << (digits + 4 * 80)) // PI_DIGITS


def reduce_large(x: float) -> tuple[float, int]:
    """Return r and n mod 4 of |x| = n pi/2 + r, from 96 of the digits of 2 / pi."""
    mantissa, exponent = np.frexp(np.float32(x))
    m, e = int(Fraction(float(abs(mantissa))) * 2**24), int(exponent) - 24
    first = e - 2  # digits before this one only count whole turns
    window = two_over_pi(first + 96) % 2**96
    turns = m * window % 2**96 >> 32
    n = (turns + 2**61) >> 62
    rest = turns - (n << 62)
    return float(rest) * (2.0**-62 * 1.5707963267948966), n % 4


def reduced(x: float) -> tuple[float, int]:
    """Return r and n mod 4 of x = n pi/2 + r."""
    if abs(x) >= 2.0**20:
        r, n = reduce_large(abs(x))
        return (r, n) if x > 0 else (-r, -n % 4)
    turns = float(np.rint(x * 0.63661977236758134))
    r = x - turns * 1.57079632673412561417 - turns * 6.07710050650619224932e-11
    return r, int(turns) % 4


def sin_reduced(r: Any) -> Any:
    z = r * r
    p = 1.0 / 6227020800
    for c in (-1 / 39916800, 1 / 362880, -1 / 5040, 1 / 120, -1 / 6):
        p = p * z + c
    return r + r * (z * p)


def cos_reduced(r: Any) -> Any:
    z = r * r
    p = 1.0 / 479001600
    for c in (-1 / 3628800, 1 / 40320, -1 / 720, 1 / 24, -0.5):
        p = p * z + c
    return 1.0 + z * p


def angle(function: str) -> Callable[[Array], Array]:
    """Return sin, cos or tan."""

    def of(x: float) -> float:
        if not np.isfinite(x):
            return np.nan
        if x == 0:
            return 1.0 if function == "cos" else x
        r, n = reduced(x)
        if function == "tan":
            s, c = sin_reduced(r), cos_reduced(r)
            return float(-c / s if n & 1 else s / c)
        n += function == "cos"
        value = cos_reduced(r) if n & 1 else sin_reduced(r)
        return float(-value if n & 2 else value)

    return lambda x: np.array([of(float(v)) for v in x], F64).astype(F32)


sin, cos, tan = angle("sin"), angle("cos"), angle("tan")
