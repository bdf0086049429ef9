# SPDX-License-Identifier: Apache-2.0
"""Small models on octet's engine give what LiteRT's reference kernels give."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter, OpResolverType

from octet.node import node_command
from tests.patience import SECONDS
from tests.tflite.cases import all_cases
from tests.tflite.cases.case import Case
from tests.tflite.tiny_models import Array

CASES = all_cases()
RUNNER = Path(__file__).with_name("run_models.js")


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """All cases, run by one Node process: the folder of their files, and what came out."""
    folder = tmp_path_factory.mktemp("tiny_models")
    listed = []
    for name, case in CASES.items():
        (folder / f"{name}.tflite").write_bytes(case.model)
        inputs = [f"{name}.in{i}" for i in range(len(case.inputs))]
        for file, array in zip(inputs, case.inputs, strict=True):
            (folder / file).write_bytes(array.tobytes())
        listed.append({"name": name, "model": f"{name}.tflite", "inputs": inputs})
    (folder / "cases.json").write_text(json.dumps(listed))
    command = node_command(RUNNER, folder)
    subprocess.run(command, check=True, timeout=SECONDS)
    return folder, json.loads((folder / "results.json").read_text())


def litert(case: Case) -> list[Array]:
    """The outputs of LiteRT: of its reference kernels where it has some."""
    try:
        return run_litert(case, OpResolverType.BUILTIN_REF)
    except ValueError as error:
        if "Didn't find op" not in str(error):
            raise
        return run_litert(case, OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES)


def run_litert(case: Case, kernels: OpResolverType) -> list[Array]:
    interpreter = Interpreter(model_content=case.model, experimental_op_resolver_type=kernels)
    interpreter.allocate_tensors()
    for detail, array in zip(interpreter.get_input_details(), case.inputs, strict=True):
        interpreter.set_tensor(detail["index"], array)
    interpreter.invoke()
    return [interpreter.get_tensor(d["index"]) for d in interpreter.get_output_details()]


def compare(got: Array, expected: Array, case: Case) -> None:
    """Quantized within some steps, other integers equal, floats close."""
    if expected.dtype.kind == "f":
        np.testing.assert_allclose(got, expected, rtol=case.relative, atol=1e-5)
    elif expected.dtype in (np.int8, np.uint8):
        difference = np.abs(got.astype(int) - expected.astype(int))
        assert difference.max(initial=0) <= case.steps, f"{got} {expected}"
    else:
        np.testing.assert_array_equal(got, expected)


def defined(outputs: list[Array], case: Case) -> list[Array]:
    """The outputs of a detector without what is behind the last box."""
    if not case.per_detection:
        return outputs
    *arrays, count = outputs
    return [*(array[:, : int(count[0]) * case.per_detection] for array in arrays), count]


Results = tuple[Path, dict[str, Any]]


@pytest.mark.parametrize("name", CASES)
def test_like_litert(name: str, results: Results) -> None:
    folder, outcomes = results
    outcome = outcomes[name]
    assert "error" not in outcome, outcome["error"]
    case = CASES[name]
    expected = litert(case)
    got = []
    for output, reference in zip(outcome["outputs"], expected, strict=True):
        assert tuple(output["shape"]) == reference.shape, output
        raw = (folder / output["file"]).read_bytes()
        got.append(np.frombuffer(raw, reference.dtype).reshape(reference.shape))
    for mine, theirs in zip(defined(got, case), defined(expected, case), strict=True):
        compare(mine, theirs, case)
