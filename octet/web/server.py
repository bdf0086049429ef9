# SPDX-License-Identifier: Apache-2.0
"""The HTTP server of ``build.py serve``, the tests and ``octet run``: static, isolated pages.

Responses carry COOP and COEP, so that pages are cross-origin isolated and may use threads.
"""

from __future__ import annotations

import asyncio
import errno
import mimetypes
import threading
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from types import TracebackType

from aiohttp import web
from aiohttp.typedefs import Handler

from octet.errors import OctetError

ISOLATION_HEADERS = {
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Embedder-Policy": "require-corp",
    "Cross-Origin-Resource-Policy": "same-origin",
}

CONTENT_TYPES = {
    ".css": "text/css",
    ".html": "text/html",
    ".js": "text/javascript",
    ".json": "application/json",
    ".map": "application/json",
    ".mjs": "text/javascript",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".wasm": "application/wasm",
}
"""File suffix to media type: the same on every system, whatever its MIME tables say."""

MAX_UPLOAD_BYTES = 1 << 31


class Server:
    """Serves folders and in-memory blobs on the loopback interface from a background thread.

    Args:
        folders: URL prefix (``"/"``, ``"/dist"``) to folder; the longest prefix wins.
        port: 0 takes a free one.
        isolated: send the COOP and COEP headers.
        accepts_uploads: let pages PUT bodies, into `uploads`; refused (405) otherwise.

    Attributes:
        blobs: URL path to bytes, served before any folder. May change while the server runs.
        uploads: bodies that pages PUT, by URL path.
    """

    def __init__(
        self,
        folders: Mapping[str, Path],
        port: int = 0,
        *,
        isolated: bool = True,
        accepts_uploads: bool = False,
    ) -> None:
        self.blobs: dict[str, bytes] = {}
        self.uploads: dict[str, bytes] = {}
        self._folders = dict(sorted(folders.items(), key=lambda item: -len(item[0])))
        self._port = port
        self._isolated = isolated
        self._accepts_uploads = accepts_uploads
        self._loop = asyncio.new_event_loop()
        self._runner: web.AppRunner | None = None
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    @property
    def url(self) -> str:
        """The base URL, without a trailing slash."""
        return f"http://localhost:{self._port}"

    def start(self) -> Server:
        """Listen; returns self. Raises OctetError when the port is taken."""
        self._thread.start()
        try:
            asyncio.run_coroutine_threadsafe(self._start(), self._loop).result()
        except OSError as error:
            self.stop()
            reason = f"port {self._port} is taken" if error.errno == errno.EADDRINUSE else error
            raise OctetError(f"cannot serve: {reason}") from None
        return self

    def stop(self) -> None:
        """Close all connections and end the thread."""
        if self._runner is not None:
            asyncio.run_coroutine_threadsafe(self._runner.cleanup(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def wait(self) -> None:
        """Block until the process is interrupted."""
        threading.Event().wait()

    def __enter__(self) -> Server:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    async def _start(self) -> None:
        app = web.Application(
            client_max_size=MAX_UPLOAD_BYTES, middlewares=[self._index, self._blobs]
        )
        app.on_response_prepare.append(self._add_headers)
        if self._accepts_uploads:
            app.router.add_put("/{path:.*}", self._upload)
        for prefix, folder in self._folders.items():
            app.router.add_static(prefix, folder)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self._port)
        await site.start()
        self._port = self._runner.addresses[0][1]

    async def _add_headers(self, request: web.Request, response: web.StreamResponse) -> None:
        response.headers["Cache-Control"] = "no-cache"
        if self._isolated:
            response.headers.update(ISOLATION_HEADERS)
        if isinstance(response, web.FileResponse) and response.status in (200, 206):
            response.content_type = _content_type(request.path)

    @web.middleware
    async def _blobs(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        blob = self.blobs.get(request.path)
        if blob is None or request.method != "GET":
            return await handler(request)
        return web.Response(body=blob, content_type=_content_type(request.path))

    @web.middleware
    async def _index(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.path.endswith("/"):
            for prefix, folder in self._folders.items():
                rest = request.path.removeprefix(prefix.rstrip("/"))
                page = (folder / rest.lstrip("/") / "index.html").resolve()
                inside = request.path.startswith(prefix) and folder.resolve() in page.parents
                if inside and page.is_file():
                    return web.FileResponse(page)
        return await handler(request)

    async def _upload(self, request: web.Request) -> web.Response:
        self.uploads[request.path] = await request.read()
        return web.Response(status=204)


def _content_type(path: str) -> str:
    suffix = ".html" if path.endswith("/") else PurePosixPath(path).suffix
    return CONTENT_TYPES.get(suffix) or mimetypes.guess_type(path)[0] or "application/octet-stream"
