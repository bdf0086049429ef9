# SPDX-License-Identifier: Apache-2.0
"""Does a thing to every record, on threads of this process or on a Dask cluster, in order.

Results come in the order of the records whoever computed them, so what is made of them is the same
for any number of jobs.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from octet.errors import OctetError
from octet.tflite.types import Array

R = TypeVar("R", covariant=True)

AHEAD = 4
"""Results per thread that may wait for an earlier one."""

CHUNK = 8
"""Records per task of a cluster: a few megabytes for images."""


class Work(Protocol[R]):
    """What is done to a record; it can be sent to another process."""

    def open(self) -> Any:
        """Return what a thread needs to do it, for instance an interpreter."""

    def do(self, tool: Any, record: Sequence[Array], number: int, place: str) -> R:
        """Do it to record ``number`` with what `open` returned."""


Item = tuple[int, str, list[Array]]
"""A record with its number and its place for messages."""


def on_threads(work: Work[R], items: Iterator[Item], jobs: int) -> Iterator[R]:
    """Yield the results of ``items``; ``jobs`` threads with a tool each work ahead."""
    if jobs == 1:
        tool = work.open()
        for number, place, record in items:
            yield work.do(tool, record, number, place)
        return
    crew = _Crew(work, items, AHEAD * jobs)
    threads = [threading.Thread(target=crew.work, name=f"octet-job-{i}") for i in range(jobs)]
    for thread in threads:
        thread.start()
    try:
        yield from crew.results()
    finally:
        crew.stop()
        for thread in threads:
            thread.join()


class _Crew:
    """Threads that each take the next item, read it, do it, and put the result in its place.

    No thread reads for the others: handing records over costs a small network more than the time
    that reading ahead saves.
    """

    def __init__(self, work: Work[Any], items: Iterator[Item], ahead: int) -> None:
        self._work = work
        self._items = items
        self._ahead = ahead
        self._reading = threading.Lock()
        self._changed = threading.Condition()
        self._done: dict[int, Any] = {}
        self._next = 0
        self._yielded = 0
        self._stopped = False

    def work(self) -> None:
        """Run a thread, until there are no items or one fails."""
        position, tool = 0, None
        try:
            while True:
                with self._reading:
                    if not self._may_go_on():
                        return
                    position, self._next = self._next, self._next + 1
                    number, place, record = next(self._items)
                if tool is None:
                    tool = self._work.open()
                self._put(position, self._work.do(tool, record, number, place))
        except StopIteration:
            self._put(position, _END)
        except BaseException as error:  # raised where the results are taken
            self._put(position, _Failure(error))

    def results(self) -> Iterator[Any]:
        """Yield the results in order. Raises what the first item that failed raised."""
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._yielded in self._done)
                found = self._done.pop(self._yielded)
                self._yielded += 1
                self._changed.notify_all()
            if found is _END:
                return
            if isinstance(found, _Failure):
                raise found.error
            yield found

    def stop(self) -> None:
        """Let the threads end."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()

    def _may_go_on(self) -> bool:
        """Wait until the results are not too far ahead; return whether there is more to do."""
        with self._changed:
            self._changed.wait_for(
                lambda: self._stopped or self._next < self._yielded + self._ahead
            )
            return not self._stopped

    def _put(self, position: int, result: Any) -> None:
        with self._changed:
            self._done.setdefault(position, result)
            self._stopped = self._stopped or result is _END or isinstance(result, _Failure)
            self._changed.notify_all()


@dataclass(frozen=True)
class _Failure:
    error: BaseException


_END = object()


def on_cluster(work: Work[R], items: Iterator[Item], address: str) -> Iterator[R]:
    """Yield the results of ``items`` from the Dask cluster whose scheduler is at ``address``.

    The workers need octet; the records are sent to them, so the data may be on this machine only.

    Raises:
        OctetError: if Dask is not installed, or there is no scheduler or no worker.
    """
    try:
        from distributed import Client
    except ImportError:
        raise OctetError('Dask is not installed. Run: pip install "octet[cluster]"') from None
    try:
        client = Client(address, timeout="20s", set_as_default=False)
    except (OSError, ValueError, TypeError) as error:
        raise OctetError(f"no Dask scheduler at {address}: {error}.") from None
    with client:
        threads = sum(client.nthreads().values())
        if not threads:
            raise OctetError(f"the Dask scheduler at {address} has no workers.")
        sent = client.scatter(work, broadcast=True, hash=False)
        pending: deque[Any] = deque()
        for chunk in _chunks(items):
            pending.append(client.submit(_do_chunk, sent, chunk, pure=False))
            if len(pending) > 2 * threads:
                yield from pending.popleft().result()
        while pending:
            yield from pending.popleft().result()


def _chunks(items: Iterator[Item]) -> Iterator[list[Item]]:
    chunk: list[Item] = []
    for item in items:
        chunk.append(item)
        if len(chunk) == CHUNK:
            yield chunk
            chunk = []
    if chunk:
        yield chunk


_tools = threading.local()


def _do_chunk(work: Work[R], chunk: list[Item]) -> list[R]:
    """On a worker: keep the tool of the last work per thread."""
    if getattr(_tools, "work", None) is not work:
        _tools.tool = work.open()
        _tools.work = work
    return [work.do(_tools.tool, record, number, place) for number, place, record in chunk]
