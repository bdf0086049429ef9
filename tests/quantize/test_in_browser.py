# SPDX-License-Identifier: Apache-2.0
"""What the quantizer writes, in Chromium through the built bundle: in integers, as in LiteRT."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from octet.quantize.config import Config, parse_config
from octet.tflite.model import Model
from octet.tflite.types import Array
from octet.web.runner import Runner, runner
from tests.quantize.networks import (
    additions,
    branches,
    classifier,
    outputs,
    quantized,
    random_records,
)

MIXED = parse_config(
    {"layers": [{"name": "stem", "dtype": "uint8"}, {"name": "point", "dtype": "float32"}]}
)

CASES: dict[str, tuple[Callable[[], Model], Config, set[str], float]] = {
    "classifier int8": (classifier, Config(dtype="int8"), set(), 0),
    "classifier uint8": (classifier, Config(dtype="uint8"), set(), 0),
    "classifier mixed": (classifier, MIXED, {"CONV_2D point"}, 0),
    "additions int8": (additions, Config(dtype="int8"), set(), 0),
    "additions uint8": (additions, Config(dtype="uint8"), set(), 0),
    "branches int8": (branches, Config(dtype="int8"), set(), 4),
    "branches uint8": (branches, Config(dtype="uint8"), set(), 4),
}
"""Network, configuration, operators that compute in float, and the steps that outputs may be off.

None, but behind RESIZE_BILINEAR: LiteRT interpolates in fixed point, octet rounds once, so one of
its outputs may be a step off, and the convolution behind it adds up eight of them.
"""


@pytest.fixture(scope="module")
def running() -> Iterator[Runner]:
    with runner() as found:
        yield found


@pytest.mark.parametrize("name", CASES)
def test_it_runs_in_integers(running: Runner, tmp_path: Path, name: str) -> None:
    make, config, floats, slack = CASES[name]
    model = make()
    made = quantized(model, config=config).model
    path = tmp_path / "made.tflite"
    made.write(path)
    source = random_records(model, 4)
    with running.load(path) as loaded:
        found: Array = np.array(
            [list(loaded.run({"x": source.read(i)[0]}).values()) for i in range(source.count)]
        )
        in_float = {
            step["label"].partition(" ")[2]
            for step in loaded.steps
            if not step["kernel"].startswith(("q", "u8_", "x8_", "copy_", "fill"))
        }
    kinds = {label for label in in_float if not label.startswith(("QUANTIZE", "DEQUANTIZE"))}
    assert kinds == floats
    last = made.tensors[made.operators[-1].inputs[0]].quantization
    off = np.abs(found - np.array(outputs(made, source))).max() / float(last.scale[0])
    assert off <= slack + 1e-3  # of a step: what is written in float32
