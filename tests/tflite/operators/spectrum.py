# SPDX-License-Identifier: Apache-2.0
"""Fourier transforms and what makes real numbers of theirs."""

from __future__ import annotations

from tests.tflite.operators.draft import Draft, Generator, literal, operator
from tests.tflite.tiny_models import Operator, Tensor


def transformed(g: Generator, name: str, reader: str) -> Draft:
    """A transform of one or two dimensions, of rows that are cut or filled up, and one reader."""
    # Of a single number, LiteRT gives an imaginary part.
    rows, columns = (1, 2 ** g.integer(1, 9)) if g.flag() else (2 ** g.integer(0, 4), 16)
    given = [max(1, n + g.choice(0, 0, -3, 5)) for n in (rows, columns)]
    shape = (*g.shape(0, 2, 3), *given)
    return Draft(
        name,
        {"x": g.feed(shape), "n": literal([rows, columns])},
        chain=(
            Operator("RFFT2D", ("x", "n"), ("s",), "Rfft2dOptions"),
            Operator(reader, ("s",), ("y",)),
        ),
        between={"s": Tensor((), "complex64")},
    )


@operator("RFFT2D", ("f32",))
def rfft_2d(g: Generator) -> Draft:
    return transformed(g, "RFFT2D", g.choice("REAL", "IMAG"))


def reader(name: str) -> None:
    operator(name, ("f32",))(lambda g: transformed(g, name, name))


reader("COMPLEX_ABS")
reader("REAL")
reader("IMAG")
