# SPDX-License-Identifier: Apache-2.0
"""What was measured, and its form in JSON."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

from octet.errors import OctetError


@dataclass(frozen=True)
class Accuracy:
    """A model on the test records.

    Attributes:
        top1: per cent of the records, where classes are known.
        agreement: per cent of the records or pixels with the float model's class.
    """

    network: str
    quantizer: str
    version: str
    setting: str
    dtype: str
    granularity: str
    bytes: int
    records: int
    top1: float | None
    agreement: float


@dataclass(frozen=True)
class Recording:
    """A way to record ranges, or bare inference.

    Attributes:
        records: in a turn.
        threads: that it was given.
        seconds: of each turn.
        cpu_seconds: that the processors worked in it.
    """

    network: str
    recorder: str
    version: str
    threads: int
    records: int
    seconds: tuple[float, ...]
    cpu_seconds: tuple[float, ...]


@dataclass
class Results:
    """All rows of a call."""

    machine: str
    cores: int
    accuracy: list[Accuracy] = field(default_factory=list)
    recording: list[Recording] = field(default_factory=list)

    @classmethod
    def load(cls, path: Path) -> Results:
        """Return what `save` wrote. Raises OctetError if there is no such file."""
        try:
            tree = json.loads(path.read_bytes())
        except OSError as error:
            raise OctetError(f"{path}: {error.strerror}") from None
        recording = [
            Recording(**{**row, **{key: tuple(row[key]) for key in ("seconds", "cpu_seconds")}})
            for row in tree["recording"]
        ]
        accuracy = [Accuracy(**row) for row in tree["accuracy"]]
        return cls(tree["machine"], tree["cores"], accuracy, recording)

    def save(self, path: Path) -> None:
        """Write the results as JSON. Raises OctetError if that fails."""
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps(asdict(self), indent=1, ensure_ascii=False) + "\n")
        except OSError as error:
            raise OctetError(f"{path}: {error.strerror}") from None
