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
        difference: of any output element from octet's; None if not comparable.
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
