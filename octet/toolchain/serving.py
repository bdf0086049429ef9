# SPDX-License-Identifier: Apache-2.0
"""``build.py serve``: what was built, on localhost, cross-origin isolated."""

from __future__ import annotations

from rich.console import Console

from octet.errors import OctetError
from octet.toolchain.paths import DIST, LOADERS, NODE_MODULES, ROOT, SITE
from octet.web.server import Server

EXAMPLES = {"/examples": ROOT / "examples", "/dist": DIST, "/node_modules": NODE_MODULES}
"""URL prefixes to folders: the examples and what they import."""


def serve(console: Console, port: int) -> None:
    """Serve build/site, or build/dist while there is no site, until interrupted.

    `EXAMPLES` are served beside it, and build/loaders at /loaders.

    Raises:
        OctetError: when nothing is built or the port is taken.
    """
    folder = SITE if SITE.is_dir() else DIST
    if not folder.is_dir():
        raise OctetError("nothing is built yet; run: python3 build.py")
    loaders = {"/loaders": LOADERS} if LOADERS.is_dir() else {}
    with Server({"/": folder, **EXAMPLES, **loaders}, port) as server:
        console.print(f"{folder} at {server.url}/ (Ctrl-C ends it)")
        server.wait()
