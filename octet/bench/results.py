# SPDX-License-Identifier: Apache-2.0
"""What a benchmark found, and its form in JSON."""

from __future__ import annotations

import datetime
import json
import os
import platform
import re
import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from octet.bench.engines import ENGINES, Entry
from octet.errors import OctetError

CPU_FEATURES = ("avx2", "fma", "avx512_vnni", "avx_vnni", "asimddp", "i8mm")
"""Features, as Linux names them, on which it depends which instructions kernels become."""


@dataclass(frozen=True)
class Machine:
    """Where it was measured."""

    cpu: str
    cores: int
    chromium: str
    os: str
    date: str


@dataclass(frozen=True)
class Latency:
    """Whole runs of a model: input written, computed, output read.

    Attributes:
        round_ms: the median of each round.
        difference: of any output element from that of octet, or of the engine that its own engine
            is compared with; None if they cannot be compared.
        note: what the engine leaves out of a run.
    """

    model: str
    engine: str
    version: str
    threads: int
    variant: str | None
    median_ms: float
    min_ms: float
    max_ms: float
    runs: int
    init_ms: float
    compile_ms: float
    first_ms: float
    round_ms: tuple[float, ...]
    difference: float | None
    note: str = ""

    @property
    def entry(self) -> Entry:
        """The engine as it was set up."""
        return Entry(self.engine, self.threads, self.variant)

    def ratio_to(self, other: Latency) -> float:
        """Return the median over the rounds of this time divided by that of ``other``."""
        pairs = zip(self.round_ms, other.round_ms, strict=True)
        return statistics.median(ours / theirs for ours, theirs in pairs)


@dataclass(frozen=True)
class Startup:
    """From navigation to the first result: with an empty cache, and the second time.

    Attributes:
        parts_ms: of the first time: until the scripts ran, and what the engine took for itself.
    """

    model: str
    engine: str
    version: str
    threads: int
    variant: str | None
    cold_ms: float
    cold_min_ms: float
    cold_max_ms: float
    warm_ms: float
    warm_min_ms: float
    warm_max_ms: float
    runs: int
    parts_ms: dict[str, float]


@dataclass(frozen=True)
class Size:
    """What a page of an engine fetches, without the model and the page itself."""

    model: str
    engine: str
    version: str
    threads: int
    variant: str | None
    raw_bytes: int
    brotli_bytes: int
    model_bytes: int
    files: tuple[str, ...]


@dataclass(frozen=True)
class Memory:
    """Peak resident memory of the page's process, over a start and some runs."""

    model: str
    engine: str
    version: str
    threads: int
    variant: str | None
    peak_mb: float


@dataclass(frozen=True)
class Micro:
    """A kernel on a layer's shape, on one thread.

    Attributes:
        shape: of its output.
        depth: multiply-adds for an element of it.
        layers: how many of the model have this shape.
        ms: the median time of one.
        gmacs: 10^9 multiply-adds a second.
        ceiling_gmacs: of a loop of the kernel's arithmetic alone.
    """

    model: str
    variant: str
    kernel: str
    shape: tuple[int, ...]
    depth: int
    layers: int
    ms: float
    gmacs: float
    ceiling_gmacs: float | None


@dataclass(frozen=True)
class Failure:
    """An engine that could not run a model, and what it said."""

    model: str
    engine: str
    version: str
    threads: int
    variant: str | None
    error: str


@dataclass
class Results:
    """Everything that one call of the benchmark measured."""

    machine: Machine
    latency: list[Latency] = field(default_factory=list)
    startup: list[Startup] = field(default_factory=list)
    size: list[Size] = field(default_factory=list)
    memory: list[Memory] = field(default_factory=list)
    micro: list[Micro] = field(default_factory=list)
    ceilings: dict[str, float] = field(default_factory=dict)
    failed: list[Failure] = field(default_factory=list)

    def reference_of(self, latency: Latency) -> Latency | None:
        """Return what ``latency`` is compared with: of the same model and thread count.

        It is what its engine names, else the fastest of the peers; None if that was not measured.
        """
        named = ENGINES[latency.engine].against
        others = [
            other
            for other in self.latency
            if (other.model, other.threads) == (latency.model, latency.threads)
            and not ENGINES[other.engine].on_octet
            and named in (None, other.engine)
        ]
        return min(others, key=lambda other: other.median_ms, default=None)

    @classmethod
    def load(cls, path: Path) -> Results:
        """Return what `save` wrote. Raises OctetError if there is no such file."""
        try:
            tree = json.loads(path.read_bytes())
        except OSError as error:
            raise OctetError(f"{path}: {error.strerror}") from None
        rows = {name: [kind(**_tuples(row)) for row in tree[name]] for name, kind in _ROWS.items()}
        machine = Machine(**tree["machine"])
        return cls(machine, **rows, ceilings=tree["ceilings"])

    def save(self, path: Path) -> None:
        """Write the results as JSON. Raises OctetError if that fails."""
        text = json.dumps(asdict(self), indent=1)
        # A list of numbers stays on a line.
        text = re.sub(r"\[[\s\d.,e-]+\]", lambda found: re.sub(r"\s+", " ", found[0]), text)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text + "\n")
        except OSError as error:
            raise OctetError(f"{path}: {error.strerror}") from None


_ROWS = {
    "latency": Latency,
    "startup": Startup,
    "size": Size,
    "memory": Memory,
    "micro": Micro,
    "failed": Failure,
}


def _tuples(row: dict[str, Any]) -> dict[str, Any]:
    return {name: tuple(v) if isinstance(v, list) else v for name, v in row.items()}


def describe_machine(chromium: str) -> Machine:
    """Return what this machine is."""
    now = datetime.datetime.now(datetime.UTC)
    return Machine(
        cpu=_cpu(),
        cores=os.cpu_count() or 1,
        chromium=chromium,
        os=f"{platform.system()} {platform.release().split('-')[0]} {platform.machine()}",
        date=now.strftime("%Y-%m-%d"),
    )


def summarize(times: Sequence[float]) -> tuple[float, float, float]:
    """Return median, least and greatest, to the microsecond."""
    return tuple(round(v, 3) for v in (statistics.median(times), min(times), max(times)))  # type: ignore[return-value]


def _cpu() -> str:
    """Name, family and the features that matter, from Linux; elsewhere what Python knows."""
    try:
        text = Path("/proc/cpuinfo").read_text()
    except OSError:
        return platform.processor() or platform.machine()
    facts = dict(re.findall(r"^([\w ]+?)\s*: (.*)$", text.split("\n\n")[0], re.MULTILINE))
    name = facts.get("model name", platform.machine())
    family = f"family {facts['cpu family']} model {facts['model']}" if "model" in facts else ""
    present = (facts.get("flags") or facts.get("Features") or "").split()
    features = " ".join(name for name in CPU_FEATURES if name in present)
    return f"{name} ({', '.join(part for part in (family, features) if part)})"
