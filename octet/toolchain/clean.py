# SPDX-License-Identifier: Apache-2.0
"""``build.py clean``. Standard library only: it may remove the virtual environment."""

from __future__ import annotations

import shutil

from octet.toolchain.paths import BUILD, NODE_MODULES, POLYFILL, ROOT


def clean(*, everything: bool) -> None:
    """Remove what was built; with ``everything`` also what was installed."""
    folders = [BUILD, POLYFILL / "gen"]
    if everything:
        folders += [NODE_MODULES, ROOT / ".venv"]
    for folder in folders:
        if folder.exists():
            shutil.rmtree(folder)
            print(f"removed {folder.relative_to(ROOT)}")
