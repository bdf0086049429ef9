# SPDX-License-Identifier: Apache-2.0
"""The NumPy operators against the W3C suite's vectors: whoever checks must be right, too."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from octet.web.cases import Array, Repeated, Result
from octet.web.vectors import LIMIT, Vector, judge, read_vectors, vector_files
from tests.conformance.reference import OPERATORS, evaluate
from tests.conformance.reference.elementwise import ELEMENTWISE

WEBNN_OPERATORS = 95


def test_every_operator_is_there() -> None:
    assert len(OPERATORS) == WEBNN_OPERATORS


def test_reference_passes_the_vectors(octet_data: Path) -> None:
    files = vector_files([octet_data / "vectors/webnn"])
    vectors = [vector for path in files for vector in read_vectors(path)]
    problems = [f"{v.source}: {v.name}: {p}" for v in vectors if (p := _problem(v))]
    assert not problems, "\n".join(problems)


def _problem(vector: Vector) -> str | None:
    if vector.refused or vector.renamed:
        return None
    values = {name: _numbers(t, vector.ops) for name, t in vector.case.inputs.items()}
    for call in vector.case.calls:
        args, options = [_argument(arg, values) for arg in call.args], {}
        if args and isinstance(args[-1], dict):
            options = args.pop()
        if call.op == "constant":
            results = [np.array(args[1]).astype(args[0])]
        else:
            results = evaluate(call.op, args, options)
        values.update(zip(call.outputs, results, strict=True))
    with np.errstate(over="ignore", invalid="ignore"):
        outputs = {
            name: np.asarray(values[name].astype(expected.dtype)).ravel()[: expected.size]
            for name, expected in vector.expected.items()
        }
    shaped = {name: y.reshape(vector.expected[name].shape) for name, y in outputs.items()}
    return judge(vector, Result(shaped, [], "", None))


def _numbers(tensor: Array | Repeated, ops: Sequence[str]) -> Array:
    """A tensor; of a repeated one, for elementwise operators, the part that is compared."""
    if not isinstance(tensor, Repeated):
        return tensor
    return np.resize(tensor.pattern, LIMIT if set(ops) <= set(ELEMENTWISE) else tensor.shape)


def _argument(arg: Any, values: dict[str, Array]) -> Any:
    if isinstance(arg, list):
        return [_argument(item, values) for item in arg]
    if not isinstance(arg, dict):
        return arg
    if "$operand" in arg:
        return values[arg["$operand"]]
    if "$bigint" in arg:
        return int(arg["$bigint"])
    if "$number" in arg:
        return float(arg["$number"])
    return {name: _argument(value, values) for name, value in arg.items()}
