# SPDX-License-Identifier: Apache-2.0
"""Times whole runs of a model on several engines, in turns, in one page."""

from __future__ import annotations

import random
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from playwright.sync_api import Browser, Page
from playwright.sync_api import Error as PlaywrightError

from octet import __version__
from octet.bench import peers, processes, site
from octet.bench.engines import ENGINES, OCTET, Entry
from octet.bench.models import Model
from octet.bench.results import Failure, Latency, summarize
from octet.errors import OctetError
from octet.web.browser import ConsoleLog, open_page
from octet.web.server import Server

RUNS = 3
"""Runs of an engine in a round; a few more go before them, uncounted, to wake the machine."""

WARMUP_ROUNDS = 2
WARMUP_RUNS = 10
"""Before the first round: browsers compile what is hot while it runs, in the background."""

SITTINGS = 3
"""Pages that the rounds are spread over: engines' compilers do not make the same code each time."""


def version_of(engine: str) -> str:
    """Return the version that results carry."""
    package = ENGINES[engine].package
    return peers.version_of(package) if package else __version__


class Session:
    """A model on several engines: a page a sitting."""

    def __init__(self, browser: Browser, server: Server, model: Model) -> None:
        self._browser = browser
        self._server = server
        self._model = model
        self._found: dict[Entry, _Found] = {}
        self._failures: dict[Entry, str] = {}

    def sit(self, entries: Sequence[Entry], rounds: int, on_step: Callable[[str], None]) -> None:
        """Load the engines in a fresh page and time them for ``rounds`` rounds.

        Args:
            on_step: called with what comes next.
        """
        page = open_page(self._browser)
        console = ConsoleLog(page)
        try:
            page.goto(f"{self._server.url}/bench/")
            page.wait_for_function("globalThis.octetBench !== undefined")
            loaded = {}
            for entry in entries:
                on_step(f"load {entry.label}")
                if entry not in self._failures and (facts := self._load(page, entry)):
                    loaded[entry] = facts
            processes.take_precedence()
            for number in range(-WARMUP_ROUNDS, rounds):
                on_step(f"round {number + 1}" if number >= 0 else "warm up")
                self._round(page, loaded, counted=number >= 0)
            for entry, facts in loaded.items():
                self._found[entry].facts.append(facts)
                self._found[entry].difference = self._difference(page, entry, list(loaded))
        except PlaywrightError as error:
            lines = "\n".join(console.lines[-5:])
            raise OctetError(f"{self._model.name}: {error.message}\n{lines}".strip()) from None
        finally:
            page.close()

    def results(self) -> tuple[list[Latency], list[Failure]]:
        """Return what was measured, and what failed in any sitting."""
        failed = [self._failure(entry, text) for entry, text in self._failures.items()]
        whole = [entry for entry in self._found if entry not in self._failures]
        return [self._latency(entry) for entry in whole], failed

    def _load(self, page: Page, entry: Entry) -> dict[str, Any] | None:
        settings = {"threads": entry.threads, "variant": entry.variant}
        url = site.url_of(self._model, ENGINES[entry.engine].model_format)
        arguments = [entry.label, entry.engine, url, settings]
        try:
            facts: dict[str, Any] = page.evaluate("(args) => octetBench.add(...args)", arguments)
        except PlaywrightError as error:
            message = error.message.removeprefix("Page.evaluate: ").removeprefix("Error: ")
            self._failures[entry] = message.split("\n    at ")[0].strip()
            return None
        self._found.setdefault(entry, _Found())
        return facts

    def _round(self, page: Page, loaded: dict[Entry, dict[str, Any]], *, counted: bool) -> None:
        """Time every engine `RUNS` times, in random order; drop those that fail."""
        order = random.sample(list(loaded), len(loaded))
        arguments = [[entry.label for entry in order], RUNS if counted else WARMUP_RUNS]
        times = page.evaluate("(args) => octetBench.round(...args)", arguments)
        for entry in order:
            found = times[entry.label]
            if isinstance(found, str):
                self._failures[entry] = found.strip()
                del loaded[entry]
            elif counted:
                self._found[entry].rounds.append(found)

    def _difference(self, page: Page, entry: Entry, entries: Sequence[Entry]) -> float | None:
        wanted = ENGINES[entry.engine].against or OCTET.name
        reference = next((e for e in entries if e.engine == wanted), None)
        if reference is None or reference == entry:
            return None
        labels = [entry.label, reference.label]
        found: float | None = page.evaluate("(args) => octetBench.difference(...args)", labels)
        return found

    def _failure(self, entry: Entry, text: str) -> Failure:
        version = version_of(entry.engine)
        name = self._model.name
        return Failure(name, entry.engine, version, entry.threads, entry.variant, text)

    def _latency(self, entry: Entry) -> Latency:
        found = self._found[entry]
        median, least, greatest = summarize([time for times in found.rounds for time in times])
        said = found.facts[-1]["facts"]
        return Latency(
            model=self._model.name,
            engine=entry.engine,
            version=version_of(entry.engine),
            threads=entry.threads,
            variant=said.get("variant"),
            median_ms=median,
            min_ms=least,
            max_ms=greatest,
            runs=sum(map(len, found.rounds)),
            init_ms=found.median_of("initMs"),
            compile_ms=found.median_of("compileMs"),
            first_ms=found.median_of("firstMs"),
            round_ms=tuple(summarize(times)[0] for times in found.rounds),
            difference=found.difference,
            note=said.get("note") or "",
        )


@dataclass
class _Found:
    """What is known of an engine: facts by sitting, times by round."""

    facts: list[dict[str, Any]] = field(default_factory=list)
    rounds: list[list[float]] = field(default_factory=list)
    difference: float | None = None

    def median_of(self, name: str) -> float:
        """The median over the sittings, to a tenth."""
        return round(float(statistics.median(facts[name] for facts in self.facts)), 1)


def measure(
    browser: Browser,
    server: Server,
    model: Model,
    entries: Sequence[Entry],
    rounds: int,
    on_step: Callable[[str], None],
) -> tuple[list[Latency], list[Failure]]:
    """Time every entry with ``model`` for ``rounds`` rounds.

    Args:
        on_step: called with what comes next, `steps` times.
    """
    session = Session(browser, server, model)
    for share in _shares(rounds):
        session.sit(entries, share, on_step)
    return session.results()


def steps(entries: Sequence[Entry], rounds: int) -> int:
    """Return how many steps `measure` reports."""
    return sum(len(entries) + WARMUP_ROUNDS + share for share in _shares(rounds))


def _shares(rounds: int) -> list[int]:
    """The rounds of each sitting."""
    sittings = min(SITTINGS, rounds)
    return [rounds // sittings + (number < rounds % sittings) for number in range(sittings)]
