# SPDX-License-Identifier: Apache-2.0
"""Filters and activations by profile, zero points, bounds: what the quantized cases share."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..contract import Array, Struct, Weights, f32_weights, qu8_weights
from .case import Rng, bytes_of, floats, struct_of

INF = float("inf")
INT32 = np.iinfo(np.int32)


@dataclass(frozen=True)
class Filter:
    """A filter in some layout with everything that packing takes, and its meaning."""

    arguments: dict[str, Any]
    weights: Weights


LAYOUTS = {  # axis orders: group, output channel, tap, input channel
    "oihw": (0, 1, 3, 2),
    "ohwi": (0, 1, 2, 3),
    "hwio": (2, 3, 0, 1),
    "ihwo": (3, 2, 0, 1),
}


def filter_shape(groups: int, out: int, taps: int, c: int, layout: str, gap: int = 0) -> Struct:
    """Return the shape of a filter whose axes lie in the order ``layout``, innermost last."""
    dims = (groups, out, taps, c)
    strides = [0, 0, 0, 0]
    step = 1 + gap
    for axis in reversed(LAYOUTS[layout]):
        strides[axis] = step
        step *= dims[axis]
    return struct_of(
        "filter_shape",
        groups=groups,
        out_channels=out,
        in_channels=c,
        taps=taps,
        group_stride=strides[0],
        out_stride=strides[1],
        tap_stride=strides[2],
        in_stride=strides[3],
    )


def elements_of(shape: Struct) -> int:
    """Return how many elements the filter spans, gaps included."""
    return int(
        1
        + (shape.groups - 1) * shape.group_stride
        + (shape.out_channels - 1) * shape.out_stride
        + (shape.taps - 1) * shape.tap_stride
        + (shape.in_channels - 1) * shape.in_stride
    )


def f32_filter(
    rng: Rng, shape: Struct, bias: bool = True, special: float = 0.0, dw: bool = False
) -> Filter:
    arguments: dict[str, Any] = {
        "filter": floats(rng, elements_of(shape), special=special),
        "bias": floats(rng, shape.groups * shape.out_channels, special=special) if bias else None,
        "shape": shape,
    }
    return Filter(arguments, f32_weights(**arguments, dw=dw))


PROFILES = (
    "spread",
    "ties",
    "huge",
    "tiny",
    "int32",
    "signed",
    "zeros",
    "outliers",
    "few",
    "twins",
)
DOT_CLASSES = {"none": 0, "unsigned": 1, "signed": 2, "pairs": 3}


def qu8_filter(
    rng: Rng,
    shape: Struct,
    profile: str,
    x_zero_point: int,
    bias: bool = True,
    kernel_width: int = 0,
) -> Filter:
    """A quantized filter.

    Profiles: spread: results over and beyond [0, 255]; ties: see `tie_scales`; huge:
    |acc * scale| >= 2^22, up to infinity; tiny: everything rounds to 0; int32: accumulators near
    the ends of int32; signed: int8 filter, zero points 0 or any; zeros: zero points 0 and 255;
    outliers: small weights and some that no byte or pair can hold; few: the same, rarer; twins:
    small weights, and large ones beside each other that no pair can hold.
    With ``kernel_width`` the filter is depthwise.
    """
    channels = shape.groups * shape.out_channels
    k = shape.taps * shape.in_channels
    span = elements_of(shape)
    values = bytes_of(rng, span)
    zero = (
        rng.choice(np.array([0, 128, 255]), channels)
        if profile == "zeros"
        else (rng.integers(0, 256, channels))
    )
    signed = profile in ("signed", "ties")
    biases = rng.integers(-5000, 5000, channels)
    scale = 2.0 ** rng.uniform(-1.5, 1.5, channels) / (60.0 * k**0.5 * 64)
    if profile == "signed":
        zero = rng.integers(-128, 128, channels) * int(rng.integers(2))
    elif profile == "ties":
        values, zero = rng.integers(-2, 3, span).astype(np.int8).view(np.uint8), np.zeros(channels)
        biases, scale = rng.integers(-40, 41, channels), tie_scales(rng, channels)
    elif profile == "huge":
        scale = 2.0 ** rng.uniform(8, 120, channels)
    elif profile in ("outliers", "few"):
        zero = rng.integers(100, 156, channels)
        near_zero = np.clip(128 + rng.normal(0, 25, span), 0, 255).astype(np.uint8)
        values = np.where(
            rng.random(span) < (0.1 if profile == "outliers" else 0.01), values, near_zero
        )
    elif profile == "twins":
        zero = np.full(channels, 128)
        rate, pairs = float(rng.choice([0.02, 0.04, 0.2])), -(-span // 2)
        signs = rng.choice([-1, 0, 1], pairs, p=[rate / 2, 1 - rate, rate / 2])
        large = np.repeat(signs, 2)[:span] * rng.integers(66, 100, span)
        values = (128 + rng.normal(0, 6, span) + large).astype(np.uint8)
    elif profile == "tiny":
        scale = 2.0 ** rng.uniform(-60, -30, channels)
    elif profile == "int32":
        scale = 2.0 ** rng.uniform(-25, -22, channels)
        reach = k * 255 * 255
        biases = rng.choice(
            np.array([INT32.min + reach, INT32.max - reach, 2**24 + 1, -(2**25) - 3]), channels
        )
    arguments = {
        "filter": values,
        "bias": biases.astype(np.int32) if bias else None,
        "scale": scale.astype(np.float32),
        "w_zero_point": zero.astype(np.int32),
        "x_zero_point": x_zero_point,
        "filter_signed": int(signed),
    }
    packed = dict(arguments, dot_class=DOT_CLASSES["none"])
    if kernel_width:
        packed["kernel_width"] = kernel_width
    packed["shape"] = shape
    packing = ("qu8_dwpack" if kernel_width else "qu8_pack", packed)
    return Filter(packed, qu8_weights(**arguments, shape=shape, packing=packing))


def for_every_dot(w: Weights) -> Iterator[Weights]:
    """Yield the weights to be packed for each dot product."""
    assert w.packing is not None
    kernel, arguments = w.packing
    for dot_class in DOT_CLASSES.values():
        yield replace(w, packing=(kernel, {**arguments, "dot_class": dot_class}))


def activations(rng: Rng, profile: str, count: int, x_zero_point: int) -> Array:
    """Return x for a profile of `qu8_filter`: near the zero point when ties are wanted."""
    return near(rng, count, x_zero_point) if profile == "ties" else bytes_of(rng, count)


def near(rng: Rng, count: int, zero_point: int) -> Array:
    """Return bytes close to the zero point, so that sums stay small."""
    return np.clip(zero_point + rng.integers(-3, 4, count), 0, 255).astype(np.uint8)


def tie_scales(rng: Rng, count: int) -> Array:
    """Return scales by which every odd multiple of a small number lands on or beside a tie.

    acc * 0.5 is a tie for every odd acc; float32(acc) * float32(1 / 6) for acc = 3, 9, 15 is one
    only if it is rounded as the contract says.
    """
    return 0.5 / rng.choice(np.array([1, 1, 3, 5, 7, 11, 13]), count)


def zero_points(rng: Rng) -> int:
    return int(rng.choice(np.array([0, 1, 77, 128, 255])))


def bounds(rng: Rng) -> tuple[int, int]:
    """Return lo and hi: mostly all of uint8."""
    return ((0, 255), (0, 255), (17, 200), (128, 255), (90, 90))[int(rng.integers(5))]


def float_bounds(rng: Rng) -> tuple[float, float]:
    return ((-INF, INF), (-INF, INF), (0.0, INF), (0.0, 6.0), (-1.0, 1.0))[int(rng.integers(5))]
