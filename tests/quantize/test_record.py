# SPDX-License-Identifier: Apache-2.0
"""Recording: the ranges of all tensors, the same whoever computes them, kept and gone on with."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from octet.cli import main
from octet.errors import OctetError
from octet.quantize.data.source import ArrayRecords, Source, Subset
from octet.quantize.modes import MODES
from octet.quantize.record import METADATA, RecordOptions, embed, record
from octet.quantize.sessions import WAYS, RangeSession, make_job
from octet.tflite.model import Model
from octet.tflite.runtime import Session, has_calibration_hook
from octet.tflite.types import Array
from tests.quantize.networks import (
    ONE_JOB,
    Net,
    additions,
    branches,
    classifier,
    outputs,
    random_records,
    tensor,
)

NETWORKS = (classifier, additions, branches)
Ranges = dict[int, tuple[float, float]]


def preserved_ranges(model: Model, source: Source, kernels: str = "fast") -> Ranges:
    """The extremes of every float tensor that a run writes, by NumPy on copies of them."""
    session = Session(model.to_bytes(), model.name, kernels=kernels, preserve=True)
    found: Ranges = {}
    for number in range(source.count):
        session.invoke(source.read(number))
        for index in {*model.inputs, *model.producers()}:
            array = session.tensor(index)
            if model.dtype(index) == "float32" and array is not None:
                low, high = found.get(index, (np.inf, -np.inf))
                found[index] = min(low, float(array.min())), max(high, float(array.max()))
    return found


@pytest.mark.parametrize("make", NETWORKS)
@pytest.mark.parametrize("way", WAYS)
def test_ranges_are_those_of_preserved_tensors(make: Callable[[], Model], way: str) -> None:
    assert has_calibration_hook(), "this LiteRT has no hook: the fallback is all there is"
    model = make()
    source = random_records(model)
    found = record(model, source, RecordOptions(jobs=1, threads=1, way=way))
    assert found.ranges == preserved_ranges(model, source)
    assert (found.records, found.mode) == (12, "minmax")


def quotient() -> Model:
    """Between finite convolutions a division, which makes NaN of zeros."""
    net = Net("quotient", seed=4)
    x = net.input("x", 1, 4, 4, 4)
    up = net.op("RELU", "up", [net.conv("a", x, 4)], (1, 4, 4, 4))
    down = net.op("RELU", "down", [net.conv("b", x, 4)], (1, 4, 4, 4))
    return net.finish(net.op("DIV", "ratio", [up, net.add("plus", down, up)], (1, 4, 4, 4)))


def huge() -> Model:
    """A chain of products whose values grow beyond LIMIT."""
    net = Net("huge", seed=4)
    x = net.input("x", 1, 4, 4, 4)
    for i in range(3):
        x = net.op("MUL", f"by{i}", [x, net.constant(f"c{i}", 3e5)], (1, 4, 4, 4), "MulOptions")
    return net.finish(net.conv("last", x, 2))


def scalar() -> Model:
    """A tensor without dimensions."""
    net = Net("scalar", seed=4)
    x = net.input("x", 1, 4, 4, 4)
    axes = net.constant("axes", [0, 1, 2, 3], "int32")
    mean = net.op("MEAN", "mean", [net.conv("a", x, 4), axes], (), "ReducerOptions")
    return net.finish(net.op("ADD", "sum", [x, mean], (1, 4, 4, 4), "AddOptions", "NONE"))


@pytest.mark.parametrize(
    ("make", "ways"),
    [(make, WAYS) for make in NETWORKS] + [(huge, WAYS), (quotient, WAYS[1:]), (scalar, WAYS[1:])],
)
def test_the_fastest_way_that_is_right_is_taken(
    make: Callable[[], Model], ways: tuple[str, ...]
) -> None:
    model = make()
    assert make_job(model, 1).ways == ways
    source = random_records(model, 5)
    found = record(model, source, ONE_JOB).ranges
    assert found == record(model, source, RecordOptions(way="preserved", jobs=1)).ranges
    for _, (low, high) in found.items():
        assert np.isfinite([low, high]).all() and low <= high
        assert not (np.signbit(low) and low == 0)  # zero has one sign, whoever found it


def test_a_rank_that_only_a_run_knows() -> None:
    """Reductions are made for the rank in the file; LiteRT refuses them in the run."""
    net = Net("dynamic")
    x = net.input("x", 1, 8)
    shape = net.input("shape", 2, dtype="int32")
    flat = net.op("RESHAPE", "flat", [x, shape], (8,))
    model = net.finish(net.op("ABS", "y", [flat], (8,)))
    rows = [[np.full((1, 8), i, np.float32), np.array([2, 4], np.int32)] for i in (-3, 2)]
    source = ArrayRecords(rows, "rows")
    for mode in ("minmax", "entropy"):
        found = record(model, source, RecordOptions(mode, jobs=1)).ranges
        assert found == record(model, source, RecordOptions(mode, way="preserved", jobs=1)).ranges
    found = record(model, source, ONE_JOB).ranges
    assert (found[tensor(model, "flat")], found[tensor(model, "y")]) == ((-3, 2), (2, 3))


def test_weights_that_are_not_finite() -> None:
    """They may make NaN anywhere, and a reduction's answer depends on where it is."""
    net = Net("odd")
    x = net.input("x", 1, 4, 4, 4)
    weights = np.ones((1, 4, 4, 4), np.float32)
    weights[0, 1, 2, 3] = np.nan
    odd = net.op("MUL", "odd", [x, net.constant("w", weights)], (1, 4, 4, 4), "MulOptions")
    model = net.finish(odd)
    assert make_job(model, 1).ways == WAYS[1:]
    source = random_records(model, 3)
    values = np.stack([source.read(i)[0] for i in range(3)])
    kept = values[:, ~np.isnan(weights)]
    assert record(model, source, ONE_JOB).ranges[odd] == (kept.min(), kept.max())


def test_additions_in_place_do_not_leak() -> None:
    """A calibrator that reads inputs after an operator ran gives them the range of its output."""
    model = additions()
    source = random_records(model)
    found = record(model, source, ONE_JOB).ranges
    # LiteRT's reference kernels compute the same to 1e-5 of a range.
    for index, (low, high) in preserved_ranges(model, source, "reference").items():
        assert found[index] == pytest.approx((low, high), abs=1e-5 * (high - low))
    second, once = found[tensor(model, "second")], found[tensor(model, "once")]
    assert second[0] > once[0] and second[1] < once[1]


@pytest.mark.parametrize("name", ["resnet8_cifar_f32", "ad01_toycar_f32"])
def test_ranges_of_real_networks(name: str, octet_data: Path) -> None:
    model = Model.read(octet_data / f"models/tflite-f32/{name}.tflite")
    source = random_records(model, 3)
    assert record(model, source, ONE_JOB).ranges == preserved_ranges(model, source)


@pytest.mark.parametrize("make", NETWORKS)
def test_embedding_changes_no_output(make: Callable[[], Model]) -> None:
    model = make()
    source = random_records(model)
    before = outputs(model, source)
    found = record(model, source, ONE_JOB)
    embed(model, found)
    again = Model.parse(model.to_bytes(), model.name)
    np.testing.assert_array_equal(before, outputs(again, source), strict=True)
    written = {
        i: (float(t.quantization.min[0]), float(t.quantization.max[0]))
        for i, t in enumerate(again.tensors)
        if t.quantization is not None and t.quantization.min is not None
    }
    assert written == found.ranges
    facts = again.metadata(METADATA)
    assert facts is not None and json.loads(facts) == {"mode": "minmax", "records": 12}


# Whoever computes it ------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("network") / "branches.tflite"
    branches().write(path)
    return path


def recorded(network: Path, folder: Path, *options: str, records: int = 40) -> bytes:
    """What the command writes."""
    out = folder / "recorded.tflite"
    command = ["record-minmax", str(network), "-o", str(out), "--random", str(records)]
    assert main([*command, *options]) == 0
    return out.read_bytes()


@pytest.mark.parametrize("mode", MODES)
def test_any_number_of_jobs_gives_the_same_file(network: Path, tmp_path: Path, mode: str) -> None:
    files = {
        recorded(network, tmp_path, "--mode", mode, "--jobs", jobs, "--no-cache")
        for jobs in ("1", "2", "5")
    }
    assert len(files) == 1


@pytest.fixture(scope="module")
def cluster() -> Iterator[str]:
    distributed = pytest.importorskip("distributed")
    settings = {"n_workers": 2, "threads_per_worker": 1, "dashboard_address": None}
    with distributed.LocalCluster(processes=True, silence_logs=50, **settings) as running:
        yield running.scheduler_address


@pytest.mark.parametrize("mode", ["minmax", "moving-average", "entropy"])
def test_a_cluster_gives_the_same_file(
    network: Path, tmp_path: Path, cluster: str, mode: str
) -> None:
    words = ("--mode", mode, "--no-cache")
    alone = recorded(network, tmp_path, *words, "--jobs", "1", "--threads", "1")
    assert recorded(network, tmp_path, *words, "--scheduler", cluster, "--threads", "1") == alone


def test_a_record_that_fails_on_a_cluster(
    network: Path, tmp_path: Path, cluster: str, capsys: pytest.CaptureFixture[str]
) -> None:
    data = tmp_path / "data.npy"
    records = np.zeros((20, 1, 8, 8, 4), np.float32)
    records[17, 0, 3, 2, 1] = np.inf
    np.save(data, records)
    out = tmp_path / "out.tflite"
    command = ["record-minmax", str(network), "-o", str(out), "--data", str(data)]
    assert main([*command, "--scheduler", cluster, "--no-cache"]) == 1
    assert capsys.readouterr().err == (
        'octet: data.npy: record 17: input "x": element [0, 3, 2, 1]: got inf, '
        "expected a finite number.\n"
    )
    assert not out.exists()


# What is kept -------------------------------------------------------------------------------------


def test_another_mode_does_not_run_the_model_again(
    network: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fresh = tmp_path / "fresh"
    fresh.mkdir()
    wanted = recorded(network, fresh, "--mode", "percentile")
    recorded(network, tmp_path)
    assert (tmp_path / "recorded.tflite.ranges").exists()
    monkeypatch.setattr(RangeSession, "ranges", None)  # a run would fail
    assert recorded(network, tmp_path, "--mode", "percentile") == wanted
    assert recorded(network, tmp_path, "--mode", "moving-average") != wanted


def test_other_data_is_not_taken_from_the_cache(network: Path, tmp_path: Path) -> None:
    first = recorded(network, tmp_path)
    second = recorded(network, tmp_path, "--seed", "7")
    assert first != second
    assert recorded(network, tmp_path, "--no-cache", "--seed", "7") == second


class Interrupted(Subset):
    """Records of another source that can be had up to one of them; it counts what is read."""

    def __init__(self, source: Source, stop: int | None) -> None:
        super().__init__(source, range(source.count))
        self.stop = stop
        self.reads: list[int] = []

    def read(self, index: int) -> list[Array]:
        if index == self.stop:
            raise KeyboardInterrupt
        self.reads.append(index)
        return super().read(index)


@pytest.mark.parametrize("jobs", [1, 3])
@pytest.mark.parametrize("mode", ["percentile", "mse"])
def test_it_goes_on_where_it_was_interrupted(tmp_path: Path, jobs: int, mode: str) -> None:
    model = branches()
    source = random_records(model, 30)
    options = RecordOptions(mode=mode, jobs=jobs, threads=1)
    wanted = record(model, source, options)
    cache = tmp_path / "ranges"
    with pytest.raises(KeyboardInterrupt):
        record(model, Interrupted(source, 20), options, cache=cache)
    rest = Interrupted(source, None)
    assert record(model, rest, options, cache=cache) == wanted
    # Those that a job had in hand when the interrupt came are computed again.
    first = 20 - 2 * jobs - 1
    assert rest.reads[0] >= first and set(range(20, 30)) <= set(rest.reads)


def test_histograms_go_on_as_well(tmp_path: Path) -> None:
    model = branches()
    source = random_records(model, 30)
    options = RecordOptions(mode="entropy", jobs=1, threads=1)
    cache = tmp_path / "ranges"
    wanted = record(model, source, options)
    record(model, Interrupted(source, None), ONE_JOB, cache=cache)
    with pytest.raises(KeyboardInterrupt):
        record(model, Interrupted(source, 20), options, cache=cache)
    rest = Interrupted(source, None)
    assert record(model, rest, options, cache=cache) == wanted
    assert rest.reads == list(range(20, 30))
    finished = Interrupted(source, 0)
    assert record(model, finished, options, cache=cache) == wanted
    assert not finished.reads


def test_a_cut_cache_is_no_harm(tmp_path: Path) -> None:
    model = branches()
    source = random_records(model, 9)
    cache = tmp_path / "ranges"
    wanted = record(model, source, ONE_JOB, cache=cache)
    whole = cache.read_bytes()
    for content in (whole[:-5], whole[:100], whole[:3], b""):
        cache.write_bytes(content)
        assert record(model, source, ONE_JOB, cache=cache) == wanted
        assert cache.read_bytes() == whole


@pytest.mark.parametrize("content", [b"something else" * 999, b"x"])
def test_another_file_is_not_overwritten(tmp_path: Path, content: bytes) -> None:
    model, cache = branches(), tmp_path / "ranges"
    cache.write_bytes(content)
    with pytest.raises(OctetError, match="ranges: not a cache of ranges: it would be overwritten"):
        record(model, random_records(model), ONE_JOB, cache=cache)
    assert cache.read_bytes() == content


def test_no_cache_stays_of_nothing(tmp_path: Path) -> None:
    model, cache = branches(), tmp_path / "ranges"
    with pytest.raises(KeyboardInterrupt):
        record(model, Interrupted(random_records(model), 0), ONE_JOB, cache=cache)
    assert not cache.exists()


def test_memory_does_not_grow_with_the_records(tmp_path: Path) -> None:
    net = Net("wide")
    x = net.input("x", 1, 64, 64, 16)
    pooled = net.pool("AVERAGE_POOL_2D", "pooled", x, 64)
    model = net.finish(net.softmax("scores", net.flatten("flat", pooled)))
    path = tmp_path / "wide.tflite"
    model.write(path)
    few, many = (peak_memory(path, tmp_path, count) for count in (40, 800))
    # 760 more records are 200 MB.
    assert many - few < 20_000_000


def peak_memory(network: Path, folder: Path, records: int) -> int:
    """The most bytes that a process held which recorded so many records."""
    script = (
        "import resource, sys; from octet.cli import main; code = main(sys.argv[1:]);"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss); sys.exit(code)"
    )
    words = ["record-minmax", str(network), "-o", str(folder / "out.tflite"), "--no-cache"]
    words += ["--random", str(records), "--jobs", "1"]
    done = subprocess.run(
        [sys.executable, "-c", script, *words], capture_output=True, text=True, check=True
    )
    kilobytes = int(done.stdout.split()[-1])
    return kilobytes * (1 if sys.platform == "darwin" else 1024)


def test_unknown_mode() -> None:
    model = additions()
    with pytest.raises(OctetError, match="mode: got 'median', expected one of minmax, moving-"):
        record(model, random_records(model), RecordOptions(mode="median"))
