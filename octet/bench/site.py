# SPDX-License-Identifier: Apache-2.0
"""What the benchmark serves: its pages, the built bundle, the peers, the models."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from octet.bench import peers
from octet.bench.models import Model
from octet.toolchain.paths import DIST
from octet.web.server import Server

PAGES = Path(__file__).parent / "page"


@contextmanager
def serve(models: Iterable[Model], *, with_peers: bool) -> Iterator[Server]:
    """Serve the pages under /bench, the bundle under /dist and each model by `url_of`.

    The bundle is a copy: a build during a benchmark does not change what is measured.
    """
    with tempfile.TemporaryDirectory(prefix="octet-bench-") as folder:
        dist = Path(folder) / "dist"
        shutil.copytree(DIST, dist)
        folders = {"/bench": PAGES, "/dist": dist}
        if with_peers:
            folders["/peers"] = peers.NODE_MODULES
        with Server(folders) as server:
            for model in models:
                server.blobs[url_of(model)] = model.path.read_bytes()
            yield server


def url_of(model: Model) -> str:
    """Return the path under which a model's file is served."""
    return f"/models/{model.name}.tflite"
