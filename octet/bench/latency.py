# SPDX-License-Identifier: Apache-2.0
"""Times whole runs of a model on several engines, in turns, in one page."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import Any

from playwright.sync_api import Browser, Page
from playwright.sync_api import Error as PlaywrightError

from octet import __version__
from octet.bench import peers, site
from octet.bench.engines import ENGINES, Entry
from octet.bench.models import Model
from octet.bench.results import Failure, Latency, summarize
from octet.errors import OctetError
from octet.web.browser import ConsoleLog
from octet.web.server import Server

RUNS = 3
"""Runs of an engine in a round; one more goes before them, uncounted."""

WARMUP_ROUNDS = 2


def version_of(engine: str) -> str:
    """Return the version that results carry."""
    package = ENGINES[engine].package
    return peers.version_of(package) if package else __version__


class Session:
    """The engines of one model in a page."""

    def __init__(self, page: Page, server: Server, model: Model) -> None:
        self._page = page
        self._model = model
        self._facts: dict[Entry, dict[str, Any]] = {}
        self._times: dict[Entry, list[list[float]]] = {}
        self.failed: list[Failure] = []
        self._console = ConsoleLog(page)
        page.goto(f"{server.url}/bench/")
        page.wait_for_function("globalThis.octetBench !== undefined", timeout=30_000)

    @property
    def entries(self) -> list[Entry]:
        """Those that loaded."""
        return list(self._facts)

    def add(self, entry: Entry) -> None:
        """Load an engine and run it once; a failure is kept in `failed`."""
        settings = {"threads": entry.threads, "variant": entry.variant}
        arguments = [entry.label, entry.engine, site.url_of(self._model), settings]
        try:
            facts = self._page.evaluate("(args) => octetBench.add(...args)", arguments)
        except PlaywrightError as error:
            message = error.message.removeprefix("Page.evaluate: ").removeprefix("Error: ")
            self._fail(entry, message.split("\n    at ")[0])
            return
        self._facts[entry] = facts
        self._times[entry] = []

    def round(self, *, counted: bool) -> None:
        """Time every engine `RUNS` times, in random order."""
        order = random.sample(self.entries, len(self.entries))
        arguments = [[entry.label for entry in order], RUNS]
        script = "(args) => octetBench.round(...args)"
        try:
            times = self._page.evaluate(script, arguments)
        except PlaywrightError as error:
            lines = "\n".join(self._console.lines[-5:])
            raise OctetError(f"{self._model.name}: {error.message}\n{lines}".strip()) from None
        for entry in order:
            found = times[entry.label]
            if isinstance(found, str):
                self._fail(entry, found)
                del self._facts[entry]
            elif counted:
                self._times[entry].append(found)

    def _fail(self, entry: Entry, message: str) -> None:
        version = version_of(entry.engine)
        name, lines = self._model.name, message.strip()
        failure = Failure(name, entry.engine, version, entry.threads, entry.variant, lines)
        self.failed.append(failure)

    def results(self) -> list[Latency]:
        """Return what was measured, an entry each."""
        return [self._result(entry) for entry in self.entries]

    def _result(self, entry: Entry) -> Latency:
        facts, rounds = self._facts[entry], self._times[entry]
        median, least, greatest = summarize([time for times in rounds for time in times])
        return Latency(
            model=self._model.name,
            engine=entry.engine,
            version=version_of(entry.engine),
            threads=entry.threads,
            variant=facts["facts"].get("variant"),
            median_ms=median,
            min_ms=least,
            max_ms=greatest,
            runs=sum(map(len, rounds)),
            init_ms=round(facts["initMs"], 1),
            compile_ms=round(facts["compileMs"], 1),
            first_ms=round(facts["firstMs"], 1),
            round_ms=tuple(summarize(times)[0] for times in rounds),
            difference=self._difference(entry),
            note=facts["facts"].get("note", ""),
        )

    def _difference(self, entry: Entry) -> float | None:
        reference = next((e for e in self.entries if ENGINES[e.engine].on_octet), None)
        if reference is None or reference == entry:
            return None
        labels = [entry.label, reference.label]
        found: float | None = self._page.evaluate(
            "(args) => octetBench.difference(...args)", labels
        )
        return found


def measure(
    browser: Browser,
    server: Server,
    model: Model,
    entries: Sequence[Entry],
    rounds: int,
    on_step: Callable[[str], None],
) -> tuple[list[Latency], list[Failure]]:
    """Load every entry with ``model`` and time them for ``rounds`` rounds.

    Args:
        on_step: called with what comes next, `steps` times.
    """
    page = browser.new_page()
    try:
        session = Session(page, server, model)
        for entry in entries:
            on_step(f"load {entry.label}")
            session.add(entry)
        for number in range(-WARMUP_ROUNDS, rounds):
            on_step(f"round {number + 1}" if number >= 0 else "warm up")
            if session.entries:
                session.round(counted=number >= 0)
        return session.results() if rounds else [], session.failed
    finally:
        page.close()


def steps(entries: Sequence[Entry], rounds: int) -> int:
    """Return how many steps `measure` reports."""
    return len(entries) + WARMUP_ROUNDS + rounds
