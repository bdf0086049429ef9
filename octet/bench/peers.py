# SPDX-License-Identifier: Apache-2.0
"""The peers' packages: installed into build/bench when a benchmark first needs them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from octet.toolchain import process
from octet.toolchain.paths import BUILD, ROOT

WANTED = Path(__file__).parent / "peers"
"""The folder of package.json and package-lock.json."""

FOLDER = BUILD / "bench"
NODE_MODULES = FOLDER / "node_modules"


def install() -> None:
    """Bring build/bench/node_modules in line with the lock file, if it is not yet.

    Raises:
        OctetError: when npm fails.
    """
    FOLDER.mkdir(parents=True, exist_ok=True)
    lock = WANTED / "package-lock.json"
    stamp = NODE_MODULES / ".octet"
    if stamp.is_file() and stamp.read_bytes() == lock.read_bytes():
        return
    for source in (WANTED / "package.json", lock, ROOT / ".npmrc"):
        shutil.copyfile(source, FOLDER / source.name)
    process.watch("peers' npm packages", ["npm", "ci", "--ignore-scripts"], cwd=FOLDER)
    stamp.write_bytes(lock.read_bytes())


def version_of(package: str) -> str:
    """Return the installed version of an npm package."""
    found = json.loads((NODE_MODULES / package / "package.json").read_bytes())
    return str(found["version"])
