# SPDX-License-Identifier: Apache-2.0
"""``build.py fuzz``: mutated model files under Node, in Chromium, and natively under sanitizers.

The campaigns are scripts in tests/fuzz; this runs them, watches that they get on, and keeps what
they find in build/fuzz. A round's file depends on seed and round alone.
"""

from __future__ import annotations

import base64
import hashlib
import json
import random
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from playwright.sync_api import Error as PlaywrightError
from playwright.sync_api import Page
from rich.console import Console

from octet.errors import OctetError
from octet.node import node_command
from octet.toolchain.native import PLAN_RUNNER
from octet.toolchain.paths import BUILD, DIST, POLYFILL, ROOT
from octet.toolchain.tasks import write_whole
from octet.web.browser import chromium
from octet.web.server import Server

SCRIPTS = ROOT / "tests/fuzz"
FOLDER = BUILD / "fuzz"

SHARES = {"Node": 0.5, "Chromium": 0.3, "sanitizers": 0.2}
"""How the time is divided."""

SILENCE_SECONDS = 120
"""A campaign that says nothing for so long hangs; slices take a second
where the machine does nothing else."""

PLANS = 500
"""Plans that are compiled before they are run under sanitizers."""

PLANS_SECONDS = 10 * SILENCE_SECONDS
"""For as many: they say nothing before the end."""

PAGE_ROUNDS = 100

GROWTH_BYTES = 16 << 20
"""A campaign's objects may take so much more at its end: code that was compiled, statistics."""

PAGE = b"<!doctype html><title>fuzz</title><script type=module src=/tests/fuzz/page.js></script>"


@dataclass
class Outcome:
    """What a campaign did.

    Attributes:
        name: a key of SHARES.
        files: mutants it looked at.
        refused, unbuilt, ran: what became of them.
        slowest: milliseconds of one file.
        findings: what must not happen, in words.
    """

    name: str
    files: int = 0
    refused: int = 0
    unbuilt: int = 0
    ran: int = 0
    slowest: float = 0.0
    findings: list[str] = field(default_factory=list)

    def add(self, report: dict[str, Any]) -> None:
        """Take over a script's counts."""
        for key in ("files", "refused", "unbuilt", "ran", "slowest"):
            setattr(self, key, report[key])

    def line(self) -> str:
        """Return the counts in words."""
        return (
            f"{self.name}: {self.files:,} files, {self.refused:,} refused, {self.unbuilt:,} not "
            f"built, {self.ran:,} ran, slowest {self.slowest:.0f} ms, "
            f"{len(self.findings)} findings"
        )


def run(console: Console, seconds: float, seed: int | None) -> int:
    """Run all campaigns; 1 if they found something.

    Args:
        console: for the counts.
        seconds: for all of them together.
        seed: None takes a new one.
    """
    seed = random.randrange(2**31) if seed is None else seed
    console.print(f"seed {seed}")
    seeds = write_seeds()
    outcomes = []
    for name, campaign in (("Node", node), ("Chromium", page), ("sanitizers", native)):
        outcome = campaign(seeds, seed, SHARES[name] * seconds)
        console.print(outcome.line(), markup=False)
        for finding in outcome.findings:
            console.print(f"  {finding}", markup=False)
        outcomes.append(outcome)
    files = sum(outcome.files for outcome in outcomes)
    console.print(f"{files:,} files; findings are kept in {FOLDER}", markup=False)
    return 1 if any(outcome.findings for outcome in outcomes) else 0


def write_seeds() -> Path:
    """Write the files to mutate and return their folder."""
    folder = FOLDER / "seeds"
    command = [sys.executable, "-m", "tests.fuzz.seeds", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True)
    return folder


def node(seeds: Path, seed: int, seconds: float, rounds: int | None = None) -> Outcome:
    """Load and run mutants on octet's engine under Node, for a time or a number of rounds."""
    outcome = Outcome("Node")
    position = FOLDER / "position"
    options: dict[str, Any] = {"seed": seed, "folder": str(seeds), "position": str(position)}
    options |= {"rounds": rounds} if rounds else {"seconds": seconds}
    request = _request("node.json", options)
    last: dict[str, Any] = {}
    with _script("node.js", request, "--expose-gc") as (process, lines):
        for text in lines:
            last = json.loads(text)
            outcome.add(last)
    if process.returncode or not last.get("done"):
        how = "hung" if process.returncode == -9 else f"ended with {process.returncode}"
        where = position.read_text().strip() if position.exists() else "?"
        outcome.findings.append(f"{how} in round {where}, seed {seed}")
        return outcome
    _keep(outcome, seed, last["findings"])
    before, after = last["before"], last["after"]
    if after["engine"] != before["engine"]:
        outcome.findings.append(f"engine: {after['engine'] - before['engine']} bytes are left")
    if after["objects"] - before["objects"] > GROWTH_BYTES:
        outcome.findings.append(f"objects: {after['objects'] - before['objects']} bytes more")
    return outcome


def page(seeds: Path, seed: int, seconds: float, rounds: int | None = None) -> Outcome:
    """Load and run mutants in a page on the built bundle, in its worker and threads."""
    outcome = Outcome("Chromium")
    folders = {"/dist": DIST, "/polyfill": POLYFILL, "/tests": ROOT / "tests"}
    files = {
        path.name: base64.b64encode(path.read_bytes()).decode()
        for path in sorted(seeds.glob("*.tflite"))
    }
    # Other rounds than under Node.
    seed = ~seed & 0x7FFFFFFF
    with Server(folders) as server, chromium(["--js-flags=--expose-gc"]) as browser:
        server.blobs["/fuzz.html"] = PAGE
        tab = browser.new_page()
        tab.set_default_timeout(1000 * SILENCE_SECONDS)
        tab.goto(f"{server.url}/fuzz.html")
        tab.wait_for_function("globalThis.octetFuzz !== undefined")
        try:
            _page_rounds(tab, files, outcome, seed, seconds, rounds)
        except PlaywrightError as error:
            outcome.findings.append(f"seed {seed}: {error.message}")
    return outcome


def native(seeds: Path, seed: int, seconds: float, plans: int | None = None) -> Outcome:
    """Run the plans of mutants natively, every region of memory under AddressSanitizer."""
    outcome = Outcome("sanitizers")
    output = FOLDER / "plans.bin"
    stop, first = time.monotonic() + seconds, 0
    # Other rounds than elsewhere.
    seed ^= 0x2A2A2A2A
    while (outcome.ran < plans) if plans else (time.monotonic() < stop):
        options = {"seed": seed, "first": first, "folder": str(seeds), "output": str(output)}
        request = _request("plans.json", options | {"plans": min(PLANS, plans or PLANS)})
        command = node_command(SCRIPTS / "plans.js", request)
        try:
            done = subprocess.run(
                command, cwd=ROOT, capture_output=True, text=True, timeout=PLANS_SECONDS
            )
        except subprocess.TimeoutExpired:
            outcome.findings.append(f"seed {seed}, from round {first}: the compiler hung")
            return outcome
        if done.returncode:
            outcome.findings.append(f"seed {seed}, from round {first}: {done.stderr.strip()}")
            return outcome
        made = json.loads(done.stdout)
        first = made["next"]
        outcome.files += made["files"]
        outcome.ran += made["plans"]
        outcome.refused += made["files"] - made["plans"]
        problem = run_plans(output)
        if problem:
            outcome.findings.append(f"seed {seed}: {problem}")
            return outcome
    return outcome


def run_plans(path: Path) -> str:
    """Run a file of plans and return what a sanitizer says of them, "" if nothing."""
    if not PLAN_RUNNER.is_file():
        raise OctetError(f"there is no {PLAN_RUNNER}; run: python3 build.py native")
    try:
        done = subprocess.run(
            [PLAN_RUNNER, path], capture_output=True, text=True, timeout=PLANS_SECONDS
        )
    except subprocess.TimeoutExpired as error:
        lines = (error.stderr or b"").decode().splitlines()
        return f"hung: {lines[-1] if lines else 'at once'}"
    if done.returncode == 0:
        return ""
    lines = done.stderr.splitlines()
    rounds = [line for line in lines if line.startswith("round ")]
    said = [line for line in lines if "ERROR" in line or "runtime error" in line or "#1" in line]
    return "\n  ".join([*rounds[-1:], *(said or lines[-3:])[:3]])


def _page_rounds(
    tab: Page,
    files: dict[str, str],
    outcome: Outcome,
    seed: int,
    seconds: float,
    rounds: int | None,
) -> None:
    start = tab.evaluate("(files) => octetFuzz.start(files)", files)
    stop = time.monotonic() + seconds
    heap = done = 0
    report: dict[str, Any] = {"findings": []}
    while (done < rounds) if rounds else (time.monotonic() < stop):
        report = tab.evaluate(
            "([seed, first, end]) => octetFuzz.rounds(seed, first, end)",
            [seed, done, done + PAGE_ROUNDS],
        )
        done += PAGE_ROUNDS
        outcome.add(report)
        if done <= 5 * PAGE_ROUNDS:
            heap = _heap(tab)
    _keep(outcome, seed, report["findings"])
    left = tab.evaluate("() => octetFuzz.used()") - start
    if left:
        outcome.findings.append(f"engine: {left} bytes are left")
    if _heap(tab) - heap > GROWTH_BYTES:
        outcome.findings.append(f"objects: {_heap(tab) - heap} bytes more")


def _heap(tab: Page) -> int:
    """Return the bytes of the page's objects after a collection."""
    used: int = tab.evaluate("() => { gc(); return performance.memory.usedJSHeapSize; }")
    return used


def _request(name: str, options: dict[str, Any]) -> Path:
    path = FOLDER / name
    write_whole(path, json.dumps(options).encode())
    return path


@contextmanager
def _script(name: str, request: Path, *flags: str) -> Iterator[tuple[Any, Iterator[str]]]:
    """Run a script of tests/fuzz; yield its process and its lines. It is killed if it falls
    silent."""
    command = node_command(*flags, SCRIPTS / name, request)
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:

        def lines() -> Iterator[str]:
            assert process.stdout is not None
            while True:
                timer = threading.Timer(SILENCE_SECONDS, process.kill)
                timer.start()
                text = process.stdout.readline()
                timer.cancel()
                if not text:
                    return
                yield text

        yield process, lines()


def _keep(outcome: Outcome, seed: int, findings: list[dict[str, Any]]) -> None:
    """Write the files that were found and note what they did."""
    for finding in findings:
        content = bytes(finding["bytes"])
        path = FOLDER / f"finding-{hashlib.sha256(content).hexdigest()[:12]}.tflite"
        write_whole(path, content)
        what = finding["what"].splitlines()
        outcome.findings.append(f"{path.name}, seed {seed}, round {finding['round']}: {what[0]}")
