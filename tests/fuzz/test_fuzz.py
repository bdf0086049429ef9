# SPDX-License-Identifier: Apache-2.0
"""Short campaigns with fixed seeds, what longer ones found, and that a finding is noticed.

``python3 build.py fuzz --seconds N`` goes on where these end.
"""

from __future__ import annotations

import json
import struct
import subprocess
from pathlib import Path

import pytest

from octet.node import node_command
from octet.toolchain import fuzz
from octet.toolchain.paths import ROOT

CORPUS = Path(__file__).with_name("corpus")

REFUSALS = {
    "computed_size": "at most 16384 elements (limit elements)",
    "detection_of_int64": "INT64 without one scale for its boxes",
    "detection_without_options": "max_detections left out, expected a number from 1",
    "largest_of_a_scalar": "TOPK_V2: got shape [], expected rank 1 or more (rank)",
    "no_outputs": "got no outputs, expected at least one (graph outputs)",
    "no_result_of_batches": "BATCH_TO_SPACE_ND: got 0 outputs, expected 1",
    "resized_without_scale": "b data type: got float32, expected a's uint8",
    "transposed_stride": "expected more than",
}
"""What is said of each file of the corpus."""

MOST_MEMORY = 16 << 20
"""Bytes of the engine for any file of the corpus; 1 MiB is what it starts with."""


@pytest.fixture(scope="module")
def seeds() -> Path:
    """The folder of files to mutate."""
    return fuzz.write_seeds()


@pytest.fixture(scope="module")
def corpus() -> dict[str, dict[str, object]]:
    """What became of each file of the corpus."""
    command = node_command(Path(__file__).with_name("corpus.js"))
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    found: dict[str, dict[str, object]] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize("name", sorted(path.stem for path in CORPUS.iterdir()))
def test_what_was_found_is_refused(name: str, corpus: dict[str, dict[str, int | str]]) -> None:
    found = corpus[f"{name}.tflite"]
    assert found["problem"] is None
    assert REFUSALS[name] in str(found["refused"])
    assert found["used"] == 0
    assert int(found["total"]) <= MOST_MEMORY


def test_mutants_under_node(seeds: Path) -> None:
    outcome = fuzz.node(seeds, 20240607, 0, rounds=4000)
    assert outcome.findings == []
    assert outcome.ran > 800
    assert outcome.refused > 2000


def test_mutants_in_chromium(seeds: Path) -> None:
    outcome = fuzz.page(seeds, 20240607, 0, rounds=1000)
    assert outcome.findings == []
    assert outcome.ran > 200


def test_plans_of_mutants_under_sanitizers(seeds: Path) -> None:
    outcome = fuzz.native(seeds, 20240607, 0, plans=1000)
    assert outcome.findings == []
    assert outcome.ran == 1000


def test_a_kernel_that_leaves_its_memory_is_found(seeds: Path, tmp_path: Path) -> None:
    request, output = tmp_path / "request.json", tmp_path / "plans"
    options = {"seed": 1, "plans": 1, "folder": str(seeds), "output": str(output)}
    request.write_text(json.dumps(options))
    subprocess.run(node_command(fuzz.SCRIPTS / "plans.js", request), cwd=ROOT, check=True)
    plans = bytearray(output.read_bytes())
    # The sizes of the bindings follow plans, round, four sizes and their own number.
    [bindings] = struct.unpack_from("<i", plans, 24)
    struct.pack_into(f"<{bindings}i", plans, 28, *[1] * bindings)
    output.write_bytes(plans)
    assert "AddressSanitizer: heap-buffer-overflow" in fuzz.run_plans(output)


def test_an_error_that_is_not_the_loaders_is_found() -> None:
    script = """
      import { emptyReport, examine } from "./tests/fuzz/campaign.js";
      const loadModel = () => { throw new TypeError("x is undefined"); };
      const problem = await examine({ loadModel }, new Uint8Array(4), () => 0, emptyReport());
      console.log(problem.split("\\n")[0]);
    """
    command = node_command("--input-type=module", "-e", script)
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "slip: TypeError: x is undefined"
