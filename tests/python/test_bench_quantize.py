# SPDX-License-Identifier: Apache-2.0
"""The benchmark of the quantizer: its arithmetic, its pages, its network of random weights."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from octet.bench.quantization import render, resnet50, speed
from octet.bench.quantization.recorders import RECORDERS, Repeated
from octet.bench.quantization.results import Accuracy, Recording, Results
from octet.errors import OctetError
from octet.tflite.model import Model
from tests.quantize.networks import classifier


def test_the_pages_are_those_of_the_committed_results() -> None:
    results = Results.load(render.DATA)
    assert render.PAGE.read_text() == render.render(results)
    assert render.GUIDE.read_text() == render.render_guide(results)


def recording(recorder: str, *seconds: float) -> Recording:
    return Recording("net", recorder, "1", 2, 10, seconds, tuple(2 * s for s in seconds))


def test_ratios_are_medians_of_the_rounds() -> None:
    bare, own = recording("bare", 1.0, 2.0, 4.0), recording("octet", 1.5, 2.2, 4.0)
    assert speed.ratio(own, bare) == pytest.approx(1.1)
    assert speed.ratio(own, bare, cpu=True) == pytest.approx(1.1)
    lines = render.recording_lines(Results("cpu", 2, [], [bare, own]))
    assert lines == [
        ("net", "bare inference", "2", "200.00", "", ""),
        ("net", "octet 1", "2", "220.00", "1.10", "1.10"),
    ]


def test_results_there_and_back(tmp_path: Path) -> None:
    row = Accuracy("net", "octet", "1", "plain", "int8", "channel", 100, 9, 50.0, 99.5)
    results = Results("cpu", 2, [row], [recording("bare", 1.0)])
    path = tmp_path / "folder/results.json"
    results.save(path)
    assert Results.load(path) == results
    with pytest.raises(OctetError, match="none.json: No such file"):
        Results.load(tmp_path / "none.json")


@pytest.mark.parametrize("name", ["bare", "octet", "octet-one-job"])
def test_recorders_see_every_tensor(name: str, tmp_path: Path) -> None:
    model, records = tmp_path / "m.tflite", tmp_path / "x.npy"
    classifier().write(model)
    np.save(records, np.zeros((3, 1, 8, 8, 3), np.float32))
    source = Repeated(records, 7)
    assert source.count == 7 and source.read(5)[0].shape == (1, 8, 8, 3)
    found = RECORDERS[name][0](model, source, 2)
    tensors = [t for t in Model.read(model).producers()]
    assert found == (7 if name == "bare" else len(tensors) + 1)


def test_the_large_network() -> None:
    model = resnet50.make()
    sizes = (np.prod(model.shape(i)) for i in range(len(model.tensors)) if model.is_constant(i))
    assert 4 * sum(sizes) == pytest.approx(102.2e6, rel=1e-3)  # as ResNet50's own file
    assert model.shape(model.outputs[0]) == (1, 1000)
