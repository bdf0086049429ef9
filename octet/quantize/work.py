# SPDX-License-Identifier: Apache-2.0
"""Does a thing to every record, on threads of this process or on a Dask cluster, in order.

Results come in the order of the records whoever computed them, so what is made of them is the same
for any number of jobs.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Protocol, TypeVar

from octet.errors import OctetError
from octet.tflite.types import Array

R = TypeVar("R", covariant=True)

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
    local = threading.local()

    def task(item: Item) -> R:
        if not hasattr(local, "tool"):
            local.tool = work.open()
        number, place, record = item
        return work.do(local.tool, record, number, place)

    if jobs == 1:
        yield from map(task, items)
        return
    pool = ThreadPoolExecutor(jobs, "octet-job")
    pending: deque[Any] = deque()
    try:
        for item in items:
            pending.append(pool.submit(task, item))
            if len(pending) > 2 * jobs:
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


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
