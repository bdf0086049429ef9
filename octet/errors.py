# SPDX-License-Identifier: Apache-2.0
"""The errors a user is meant to read, and the wording they share."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class OctetError(Exception):
    """An expected failure: shown as its message, without a traceback; exit code 1."""

    exit_code = 1


class UsageError(OctetError):
    """The command line asks for something that does not exist; exit code 2."""

    exit_code = 2


def unknown(kind: str, word: str, known: Iterable[str]) -> UsageError:
    """Return the error for an unknown ``word``, with the nearest known one and all of them."""
    names = list(known)
    nearest = difflib.get_close_matches(word, names, n=1, cutoff=0.5)
    hint = f" Did you mean {nearest[0]!r}?" if nearest else ""
    return UsageError(f"unknown {kind} {word!r}.{hint} There is: {', '.join(names)}.")
