# SPDX-License-Identifier: Apache-2.0
"""Finds what models.toml names: in the data folder, among earlier downloads, or on the network."""

from __future__ import annotations

import hashlib
import os
import urllib.error
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

from octet.toolchain.models import Asset
from octet.toolchain.paths import BUILD, ROOT
from octet.toolchain.tasks import write_whole

DOWNLOADS = BUILD / "downloads"

MADE = BUILD / "made"
"""Assets that were made on this machine: networks that `octet quantize` wrote."""

TIMEOUT_SECONDS = 10


def data_folder() -> Path:
    """Return where assets are looked for: ``$OCTET_DATA``, else ``shared`` beside the checkout."""
    named = os.environ.get("OCTET_DATA")
    return Path(named) if named else ROOT.parent / "shared"


class Finder:
    """Finds assets; a server that cannot be reached is asked only once.

    Args:
        folders: looked through in order.
        downloads: where downloads are kept; None downloads nothing.

    Attributes:
        problems: what went wrong with downloads, as sentences.
    """

    def __init__(self, folders: Sequence[Path], downloads: Path | None = DOWNLOADS) -> None:
        self.problems: list[str] = []
        self._folders = folders
        self._downloads = downloads
        self._unreachable: set[str] = set()

    def find(self, asset: Asset) -> Path | None:
        """Return a file with the asset's content, or None if it cannot be had."""
        for folder in self._folders:
            path = folder / asset.file
            if path.is_file():
                return path
        if self._downloads is None or asset.url is None or asset.sha256 is None:
            return None
        kept = self._downloads / f"{asset.sha256[:16]}-{Path(asset.url).name}"
        if not kept.is_file():
            content = self._download(asset.url)
            if content is None:
                return None
            if hashlib.sha256(content).hexdigest() != asset.sha256:
                self.problems.append(f"{asset.url}: not the file that models.toml describes")
                return None
            write_whole(kept, content)
        return kept

    def _download(self, url: str) -> bytes | None:
        server = urlsplit(url).netloc
        if server in self._unreachable:
            return None
        try:
            with urllib.request.urlopen(url, timeout=TIMEOUT_SECONDS) as response:
                content: bytes = response.read()
                return content
        except urllib.error.HTTPError as error:
            error.close()
            self.problems.append(f"{url}: HTTP status {error.code}")
        except OSError:
            self._unreachable.add(server)
            self.problems.append(f"{server} cannot be reached")
        return None
