# SPDX-License-Identifier: Apache-2.0
"""The vectors of the W3C suite, all of them, with the suite's own tolerances."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from octet.web.cases import NIBBLES, CaseRunner
from octet.web.vectors import Vector, judge, read_vectors, vector_files
from tests.conformance.conftest import ENGINES


@pytest.fixture(scope="module")
def folder(octet_data: Path) -> Path:
    """Where the vectors lie."""
    return octet_data / "vectors/webnn"


@pytest.fixture(scope="module")
def vectors(folder: Path) -> list[Vector]:
    """Every case of every file."""
    return [vector for path in vector_files([folder]) for vector in read_vectors(path)]


def test_every_case_is_read(vectors: list[Vector], folder: Path) -> None:
    """Neither a file nor a case is passed over, and none is excused that the list does not name."""
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    assert len(vectors) == manifest["cases"] == sum(file["cases"] for file in manifest["files"])
    assert all(vector.expected and vector.case.calls for vector in vectors)
    superseded = json.loads((folder / "superseded.json").read_text(encoding="utf-8"))
    four_bits = sum(_uses_nibbles(vector) for vector in vectors)
    renamed = sum(vector.renamed for vector in vectors)
    refused = sum(vector.refused for vector in vectors)
    assert refused + renamed + four_bits == len(superseded)


def _uses_nibbles(vector: Vector) -> bool:
    tensors = [*vector.case.inputs.values(), *vector.expected.values()]
    return any(getattr(tensor, "dtype", None) in NIBBLES.values() for tensor in tensors)


@pytest.mark.parametrize(("variant", "threads"), ENGINES)
def test_vectors(cases: CaseRunner, vectors: list[Vector], variant: str, threads: int) -> None:
    """Every case gives what it must, or is refused where the specification has changed."""
    cases.start(variant=variant, threads=threads)
    results = cases.run([vector.case for vector in vectors])
    problems = [
        f"{vector.source}: {vector.name}: {problem}"
        for vector, result in zip(vectors, results, strict=True)
        if (problem := judge(vector, result))
    ]
    assert not problems, "\n".join(problems)
