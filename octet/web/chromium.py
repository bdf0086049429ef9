# SPDX-License-Identifier: Apache-2.0
"""Where this machine's Chromium is. Standard library only: build.py asks before any set-up."""

from __future__ import annotations

import os
import shutil

from octet.errors import OctetError

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")


class BrowserMissingError(OctetError):
    """No Chromium was found."""


def find_chromium() -> str:
    """Return the path of a Chromium: ``$OCTET_CHROMIUM``, else the first of the usual names.

    Raises:
        BrowserMissingError: with what to install.
    """
    named = os.environ.get("OCTET_CHROMIUM")
    for name in (named,) if named else NAMES:
        found = shutil.which(name)
        if found:
            return found
    if named:
        raise BrowserMissingError(f"OCTET_CHROMIUM: no executable at {named}")
    raise BrowserMissingError(
        "no Chromium found. Install it (Debian: apt-get install chromium) "
        "or set OCTET_CHROMIUM to its executable."
    )


def has_chromium() -> bool:
    """Return whether `find_chromium` finds one."""
    try:
        find_chromium()
    except BrowserMissingError:
        return False
    return True
