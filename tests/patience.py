# SPDX-License-Identifier: Apache-2.0
"""How long tests wait for what has to come: only what hangs takes longer, on any machine."""

from __future__ import annotations

from octet.web.browser import PATIENCE_MS

MILLISECONDS = PATIENCE_MS
SECONDS = MILLISECONDS // 1000
