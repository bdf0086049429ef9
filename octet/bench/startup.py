# SPDX-License-Identifier: Apache-2.0
"""From navigation to the first result, what a page of an engine fetches, and its peak memory."""

from __future__ import annotations

import hashlib
import json
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from string import Template
from typing import Any

import brotli

from octet.bench import processes, site
from octet.bench.engines import ENGINES, Entry
from octet.bench.latency import version_of
from octet.bench.models import Model
from octet.bench.peers import FOLDER
from octet.bench.results import Failure, Memory, Size, Startup, summarize
from octet.toolchain import process
from octet.toolchain.paths import NODE_BIN
from octet.web.browser import PATIENCE_MS, chromium_by_itself

REPETITIONS = 5
RUNS_AFTER = 20
SETTLE_MS = 1000
"""After the launch of a browser, and before a second navigation."""

_BROTLI_CACHE = FOLDER / "brotli.json"


@dataclass
class _Found:
    """What is known of an engine, by repetition."""

    cold: list[dict[str, float]] = field(default_factory=list)
    warm: list[dict[str, float]] = field(default_factory=list)
    peaks: list[float] = field(default_factory=list)
    fetched: set[str] = field(default_factory=set)


class _PageError(Exception):
    """What a page said, or that it said nothing."""


class Starts:
    """Starts of one model on several engines."""

    def __init__(self, server: site.Site, model: Model, entries: Sequence[Entry]) -> None:
        self._server = server
        self._model = model
        self._found = {entry: _Found() for entry in entries}
        self.failed: dict[Entry, str] = {}
        for number, entry in enumerate(entries):
            server.blobs[_path_of(number)] = self._page_for(entry)

    def repeat(self, on_step: Callable[[str], None]) -> None:
        """Start every engine once in a browser of its own, cold and warm."""
        for number, (entry, found) in enumerate(self._found.items()):
            on_step(f"start {entry.label}")
            if entry in self.failed:
                continue
            try:
                self._start(_path_of(number), found)
            except _PageError as error:
                self.failed[entry] = str(error)

    def _start(self, path: str, found: _Found) -> None:
        server = self._server
        server.uploads.clear()
        server.served.clear()
        server.blobs.pop(f"{path}again", None)
        # A helper that is killed may have begun to write.
        with tempfile.TemporaryDirectory(
            prefix="octet-profile-", ignore_cleanup_errors=True
        ) as folder:
            waiting = f"/bench/wait.html?ms={SETTLE_MS}&to={path}"
            with chromium_by_itself(Path(folder), server.url + waiting):
                self._until(lambda: "/bench/wait.html" in server.served, "a browser")
                processes.take_precedence()
                cold = self._upload(f"{path}first")
                found.fetched.update(server.served)
                self._upload(f"{path}settled")
                peak = processes.peak_renderer_mb(Path(folder))
                server.blobs[f"{path}again"] = b""
                warm = self._upload(f"{path}second")
        found.cold.append(cold)
        found.warm.append(warm)
        if peak is not None:
            found.peaks.append(peak)

    def _upload(self, path: str) -> dict[str, float]:
        """Wait for what a page uploads to ``path``."""
        self._until(lambda: path in self._server.uploads, path)
        found: dict[str, float] = json.loads(self._server.uploads[path])
        return found

    def _until(self, holds: Callable[[], bool], what: str) -> None:
        deadline = time.monotonic() + PATIENCE_MS / 1000
        while not holds():
            for path, body in list(self._server.uploads.items()):
                if path.endswith("/failed"):
                    raise _PageError(body.decode())
            if time.monotonic() > deadline:
                raise _PageError(f"no {what} after {PATIENCE_MS // 1000} s")
            time.sleep(0.02)

    def results(self) -> tuple[list[Startup], list[Size], list[Memory], list[Failure]]:
        """Return what was measured."""
        whole = [entry for entry in self._found if entry not in self.failed]
        memory = [self._memory(entry) for entry in whole if self._found[entry].peaks]
        starts, sizes = [self._startup(e) for e in whole], [self._size(e) for e in whole]
        failed = [Failure(**self._row(entry), error=text) for entry, text in self.failed.items()]
        return starts, sizes, memory, failed

    def _row(self, entry: Entry) -> dict[str, Any]:
        return {
            "model": self._model.name,
            "engine": entry.engine,
            "version": version_of(entry.engine),
            "threads": entry.threads,
            "variant": entry.variant,
        }

    def _startup(self, entry: Entry) -> Startup:
        found = self._found[entry]
        cold, warm = ([facts["ms"] for facts in times] for times in (found.cold, found.warm))
        parts = {
            name: round(float(statistics.median(facts[f"{name}Ms"] for facts in found.cold)), 1)
            for name in ("scripts", "init", "compile", "first")
        }
        (cold_ms, cold_min, cold_max), (warm_ms, warm_min, warm_max) = map(summarize, (cold, warm))
        return Startup(
            **self._row(entry),
            cold_ms=cold_ms,
            cold_min_ms=cold_min,
            cold_max_ms=cold_max,
            warm_ms=warm_ms,
            warm_min_ms=warm_min,
            warm_max_ms=warm_max,
            runs=len(cold),
            parts_ms=parts,
        )

    def _size(self, entry: Entry) -> Size:
        paths = [
            path for path in self._found[entry].fetched if path.startswith(("/dist", "/peers"))
        ]
        bodies = {path: self._server.body_of(path) for path in sorted(paths)}
        model = self._server.body_of(self._url(entry))
        return Size(
            **self._row(entry),
            raw_bytes=sum(map(len, bodies.values())),
            brotli_bytes=sum(map(brotli_size, bodies.values())),
            model_bytes=len(model),
            files=tuple(Path(path).name for path in bodies),
        )

    def _memory(self, entry: Entry) -> Memory:
        peaks = self._found[entry].peaks
        return Memory(**self._row(entry), peak_mb=round(statistics.median(peaks), 1))

    def _url(self, entry: Entry) -> str:
        return site.url_of(self._model, ENGINES[entry.engine].model_format)

    def _page_for(self, entry: Entry) -> bytes:
        text = Template((site.PAGES / "start.html").read_text())
        script = _script(entry, self._url(entry))
        return text.substitute(
            URL=self._url(entry), IMPORTS=site.import_map(), SCRIPT=script
        ).encode()


def measure(
    server: site.Site, model: Model, entries: Sequence[Entry], on_step: Callable[[str], None]
) -> tuple[list[Startup], list[Size], list[Memory], list[Failure]]:
    """Start every entry `REPETITIONS` times with ``model``.

    Args:
        on_step: called with what comes next, `steps` times.
    """
    starts = Starts(server, model, entries)
    for _ in range(REPETITIONS):
        starts.repeat(on_step)
    return starts.results()


def steps(entries: Sequence[Entry]) -> int:
    """Return how many steps `measure` reports."""
    return len(entries) * REPETITIONS


def brotli_size(body: bytes) -> int:
    """Return the size of a body as a server sends it; what was computed once is kept."""
    digest = hashlib.sha256(body).hexdigest()
    try:
        known: dict[str, int] = json.loads(_BROTLI_CACHE.read_bytes())
    except FileNotFoundError:
        known = {}
    if digest not in known:
        known[digest] = len(brotli.compress(body))
        _BROTLI_CACHE.parent.mkdir(parents=True, exist_ok=True)
        _BROTLI_CACHE.write_text(json.dumps(known, indent=1))
    return known[digest]


def _script(entry: Entry, url: str) -> str:
    """What a page of the engine runs: one script, with the engine's own files left outside."""
    settings = {"threads": entry.threads, "variant": entry.variant}
    imports = json.loads(site.import_map())["imports"]
    with tempfile.TemporaryDirectory(prefix="octet-start-") as folder:
        source = Path(folder) / "start.js"
        source.write_text(
            f'import {{ load }} from "{site.PAGES}/engines/{entry.engine}.js";\n'
            f'import {{ start }} from "{site.PAGES}/start.js";\n'
            f"start(load, {json.dumps(url)}, {json.dumps(settings)}, {SETTLE_MS}, {RUNS_AFTER});\n"
        )
        outside = [f"--external:{name}" for name in imports]
        flags = ("--bundle", "--format=esm", "--log-level=warning", *outside)
        return process.run([NODE_BIN / "esbuild", source, *flags])


def _path_of(number: int) -> str:
    return f"/start/{number}/"
