# SPDX-License-Identifier: Apache-2.0
"""The local server: media types, isolation, uploads, a taken port."""

from __future__ import annotations

import urllib.error
import urllib.request
from email.message import Message
from pathlib import Path

import pytest

from octet.errors import OctetError
from octet.web.server import Server


def request(server: Server, path: str, method: str = "GET") -> tuple[int, Message]:
    body = b"body" if method == "PUT" else None
    try:
        with urllib.request.urlopen(
            urllib.request.Request(server.url + path, data=body, method=method)
        ) as answer:
            return answer.status, answer.headers
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.headers


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("index.html", "a.js", "a.mjs", "a.js.map", "a.wasm", "a.tflite", "a.json"):
        (tmp_path / name).write_bytes(b"x")
    return tmp_path


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/", "text/html"),
        ("/index.html", "text/html"),
        ("/a.js", "text/javascript"),
        ("/a.mjs", "text/javascript"),
        ("/a.js.map", "application/json"),
        ("/a.wasm", "application/wasm"),
        ("/a.tflite", "application/octet-stream"),
        ("/a.json", "application/json"),
        ("/blob.js", "text/javascript"),
        ("/blob.bin", "application/octet-stream"),
    ],
)
def test_media_types(folder: Path, path: str, kind: str) -> None:
    with Server({"/": folder}) as server:
        server.blobs.update({"/blob.js": b"", "/blob.bin": b""})
        status, headers = request(server, path)
    assert (status, headers.get_content_type()) == (200, kind)


@pytest.mark.parametrize("isolated", [True, False])
def test_isolation(folder: Path, isolated: bool) -> None:
    with Server({"/": folder}, isolated=isolated) as server:
        _, headers = request(server, "/a.js")
    assert ("Cross-Origin-Opener-Policy" in headers) is isolated
    assert ("Cross-Origin-Embedder-Policy" in headers) is isolated


@pytest.mark.parametrize(("accepts", "status"), [(False, 405), (True, 204)])
def test_uploads_only_where_wanted(folder: Path, accepts: bool, status: int) -> None:
    with Server({"/": folder}, accepts_uploads=accepts) as server:
        assert request(server, "/result", "PUT")[0] == status
        assert server.uploads == ({"/result": b"body"} if accepts else {})


@pytest.mark.parametrize("path", ["/absent.js", "/../secret", "/%2e%2e/secret", "/nowhere/"])
def test_nothing_outside_the_folder(folder: Path, path: str) -> None:
    (folder.parent / "secret").write_text("no")
    with Server({"/": folder}) as server:
        assert request(server, path)[0] in (403, 404)


def test_a_taken_port(folder: Path) -> None:
    with Server({"/": folder}) as first:
        port = int(first.url.rsplit(":", 1)[1])
        with pytest.raises(OctetError, match=f"cannot serve: port {port} is taken"):
            Server({"/": folder}, port).start()
