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


def request(server: Server, path: str, method: str = "GET", **headers: str) -> tuple[int, Message]:
    body = b"body" if method == "PUT" else None
    asked = urllib.request.Request(server.url + path, body, headers, method=method)
    try:
        with urllib.request.urlopen(asked) as answer:
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


def test_a_part_of_a_file(folder: Path) -> None:
    (folder / "a.wasm").write_bytes(b"0123456789")
    with Server({"/": folder}) as server:
        status, headers = request(server, "/a.wasm", Range="bytes=2-4")
        beyond, _ = request(server, "/a.wasm", Range="bytes=20-30")
    assert (status, headers["Content-Range"]) == (206, "bytes 2-4/10")
    assert headers.get_content_type() == "application/wasm"
    assert headers["Cross-Origin-Embedder-Policy"] == "require-corp"
    assert beyond == 416


@pytest.mark.parametrize(
    ("accepted", "encoding"), [("gzip, deflate, br", "br"), ("gzip", "gzip"), ("identity", None)]
)
def test_files_that_lie_there_compressed(folder: Path, accepted: str, encoding: str | None) -> None:
    for suffix in ("br", "gz"):
        (folder / f"a.wasm.{suffix}").write_bytes(b"compressed")
    with Server({"/": folder}) as server:
        _, headers = request(server, "/a.wasm", **{"Accept-Encoding": accepted})
    assert headers["Content-Encoding"] == encoding
    assert headers.get_content_type() == "application/wasm"


@pytest.mark.parametrize("link", ["inside", "outside"])
def test_links_stay_in_the_folder(folder: Path, link: str) -> None:
    (folder.parent / "secret").write_text("no")
    (folder / "link").symlink_to(folder / "a.js" if link == "inside" else folder.parent / "secret")
    with Server({"/": folder}) as server:
        assert request(server, "/link")[0] == (200 if link == "inside" else 404)


def test_a_taken_port(folder: Path) -> None:
    with Server({"/": folder}) as first:
        port = int(first.url.rsplit(":", 1)[1])
        with pytest.raises(OctetError, match=f"cannot serve: port {port} is taken"):
            Server({"/": folder}, port).start()
