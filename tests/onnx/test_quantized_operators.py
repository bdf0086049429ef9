# SPDX-License-Identifier: Apache-2.0
"""Every operator's 8-bit form: near ONNX Runtime's numbers, and on octet's engine as in LiteRT."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from octet.node import node_command
from octet.onnx.convert import convert_onnx
from octet.quantize.config import Config
from octet.quantize.quantize import Quantized, QuantizeOptions, quantize_model
from octet.tflite.runtime import Session
from octet.tflite.types import Array
from tests.onnx.operator_cases import all_cases
from tests.onnx.small_models import OneOperator, run_onnx, stored_as
from tests.patience import SECONDS
from tests.quantize.networks import ONE_JOB

RUNNER = Path(__file__).parent.parent / "tflite/run_models.js"

DTYPES = ("int8", "uint8")

STEPS = {"LayerNormalization": 5, "LogSoftmax": 3}
"""Of the range of inputs, or output if that is wider, over 255, that rounding may add up to: half a
step for each input and the output, times a slope; 2 if not listed here. Normalizations divide by a
small number; the output of LogSoftmax has a step of 16/256."""

STEEP = {"ArgMax", "ArgMin", "Ceil", "Div", "Exp", "Floor", "Pow", "Reciprocal", "Round"}
"""Operators that enlarge the rounding of their inputs without bound."""

FLOAT_TOLERANCE = 1e-5
"""Of the largest output; and a step where the output is quantized."""

CHAINS = {"InstanceNormalization": 2, "LayerNormalization": 2}
"""Steps for operators that become several, each of which may differ by one."""

REFUSED = {"LRN": "LOCAL_RESPONSE_NORMALIZATION"}
"""Operators that the engine may refuse, and the name by which it does."""

COMPARISONS = {"Equal", "Greater", "GreaterOrEqual", "Less", "LessOrEqual"}
"""They have no 8-bit form yet: they stay in float, whose test is another."""

CASES = {
    name: case
    for name, case in all_cases().items()
    if all(array.dtype == np.float32 for array in case.feeds().values())
    and case.op not in COMPARISONS
}


@dataclass
class OneRecord:
    """A source of one record."""

    arrays: Sequence[Array]
    name: str = "one"
    count: int = 1

    def read(self, index: int) -> list[Array]:
        return list(self.arrays)

    def place(self, index: int) -> str:
        return f"record {index}"

    def title(self, index: int) -> str:
        return ""

    def fingerprint(self) -> str:
        return "one"


@dataclass(frozen=True)
class Made:
    """A quantized model, what goes in, and LiteRT's outputs."""

    quantized: Quantized
    inputs: list[Array]
    outputs: list[Array]


def quantize_case(case: OneOperator, dtype: str) -> Made:
    model = convert_onnx(case.model(), case.op)
    feeds = case.feeds()
    arrays = [stored_as(feeds[model.tensor_name(i)], model.shape(i)) for i in model.inputs]
    options = QuantizeOptions(record=ONE_JOB, config=Config(dtype=dtype))
    made = quantize_model(model, options, OneRecord(arrays))
    session = Session(made.model.to_bytes(), case.op, kernels="builtin")
    return Made(made, arrays, session.run(arrays))


@pytest.fixture(scope="module")
def made() -> dict[str, Made]:
    return {f"{n}_{d}": quantize_case(case, d) for n, case in CASES.items() for d in DTYPES}


@pytest.fixture(scope="module")
def engine(
    made: dict[str, Made], tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, dict[str, Any]]:
    """All of them on octet's engine, run by one Node process."""
    folder = tmp_path_factory.mktemp("quantized_operators")
    listed = []
    for name, one in made.items():
        (folder / f"{name}.tflite").write_bytes(one.quantized.model.to_bytes())
        files = [f"{name}.in{i}" for i in range(len(one.inputs))]
        for file, array in zip(files, one.inputs, strict=True):
            (folder / file).write_bytes(array.tobytes())
        listed.append({"name": name, "model": f"{name}.tflite", "inputs": files})
    (folder / "cases.json").write_text(json.dumps(listed))
    command = node_command(RUNNER, folder)
    subprocess.run(command, check=True, timeout=SECONDS)
    return folder, json.loads((folder / "results.json").read_text())


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", CASES)
def test_near_onnx_runtime(name: str, dtype: str, made: dict[str, Made]) -> None:
    case, one = CASES[name], made[f"{name}_{dtype}"]
    if case.op in STEEP:
        assert one.outputs
        return
    expected = run_onnx(case.model(), case.feeds())
    step = max(float(np.ptp(array)) for array in [*one.inputs, *expected]) / 255
    for a, b in zip(expected, one.outputs, strict=True):
        assert a.shape == b.shape
        np.testing.assert_allclose(b, a, rtol=0, atol=STEPS.get(case.op, 2) * step)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", CASES)
def test_engine_gives_what_litert_gives(
    name: str, dtype: str, made: dict[str, Made], engine: tuple[Path, dict[str, Any]]
) -> None:
    folder, results = engine
    result, one = results[f"{name}_{dtype}"], made[f"{name}_{dtype}"]
    if CASES[name].op in REFUSED and "error" in result:
        assert REFUSED[CASES[name].op] in result["error"]
        return
    assert "error" not in result, result["error"]
    for index, expected, facts in zip(
        one.quantized.source.outputs, one.outputs, result["outputs"], strict=True
    ):
        home = one.quantized.plan.home.get(index)
        steps = CHAINS.get(CASES[name].op, 1) * (home.scale if home else 0)
        tolerance = FLOAT_TOLERANCE * np.abs(expected).max() + steps
        found = np.frombuffer((folder / facts["file"]).read_bytes(), facts["dataType"])
        np.testing.assert_allclose(
            found.reshape(expected.shape), expected, rtol=0, atol=float(tolerance)
        )
