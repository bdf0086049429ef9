# SPDX-License-Identifier: Apache-2.0
"""What the benchmark serves: its pages, the built bundle, the peers, the models."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from aiohttp import web

from octet.bench import peers, twins
from octet.bench.models import Model
from octet.toolchain.paths import DIST
from octet.web.server import Server

PAGES = Path(__file__).parent / "page"

MAX_AGE_S = 3600
"""How long browsers may keep what they got, as real sites let them."""


class Site(Server):
    """A server that lets browsers cache and remembers what it served.

    Attributes:
        served: URL paths, in order.
    """

    def __init__(self, folders: Mapping[str, Path]) -> None:
        super().__init__(folders, accepts_uploads=True)
        self.folders = dict(folders)
        self.served: list[str] = []

    async def _add_headers(self, request: web.Request, response: web.StreamResponse) -> None:
        await super()._add_headers(request, response)
        response.headers["Cache-Control"] = f"max-age={MAX_AGE_S}"
        self.served.append(request.path)

    def body_of(self, path: str) -> bytes:
        """Return what the server answers to a GET of a URL path that it served."""
        if path in self.blobs:
            return self.blobs[path]
        prefix = next(prefix for prefix in self.folders if path.startswith(f"{prefix}/"))
        return (self.folders[prefix] / path.removeprefix(f"{prefix}/")).read_bytes()


@contextmanager
def serve(models: Iterable[Model], *, with_peers: bool) -> Iterator[Site]:
    """Serve the pages under /bench, the bundle under /dist and each model in every format by
    `url_of`.

    The bundle is a copy: a build during a benchmark does not change what is measured.
    """
    with tempfile.TemporaryDirectory(prefix="octet-bench-") as folder:
        dist = Path(folder) / "dist"
        shutil.copytree(DIST, dist)
        folders = {"/bench": PAGES, "/dist": dist}
        if with_peers:
            folders["/peers"] = peers.NODE_MODULES
        server = Site(folders)
        with server:
            for model in models:
                formats = ("tflite", "onnx", "tfjs") if with_peers else ("tflite",)
                for model_format in formats:
                    path = file_of(model, model_format)
                    if path:
                        server.blobs[url_of(model, model_format)] = path.read_bytes()
            yield server


def file_of(model: Model, model_format: str) -> Path | None:
    """Return the file of a model in a format; a twin is made if need be. None if it has none."""
    if model_format == "tflite":
        return model.path
    if model_format == "onnx":
        return twins.twin(model.twin) if model.twin else None
    return twins.twin("tfjs") if model.twin == "f32" else None


def url_of(model: Model, model_format: str) -> str:
    """Return the path under which a model's file is served."""
    return f"/models/{model.name}.{model_format}"


def import_map() -> str:
    """Return the import map of the engines' frame, as JSON."""
    text = (PAGES / "frame.html").read_text()
    return text.split('<script type="importmap">')[1].split("</script>")[0].strip()
