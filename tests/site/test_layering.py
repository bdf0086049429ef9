# SPDX-License-Identifier: Apache-2.0
"""The site imports nothing but itself: it loads the bundle at run time, by address."""

from __future__ import annotations

from octet.toolchain.paths import ROOT
from tests.python.test_layering import javascript_imports

SITE = ROOT / "site"

PACKAGES = ("uplot",)
"""From npm, bundled into the site's own files."""


def test_the_site_imports_only_itself() -> None:
    wrong = [
        f"{path.relative_to(ROOT)} imports {target}"
        for path in sorted(SITE.rglob("*.js"))
        for target in javascript_imports(path, packages=PACKAGES)
        if SITE not in target.parents or not target.is_file()
    ]
    assert not wrong
