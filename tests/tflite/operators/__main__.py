# SPDX-License-Identifier: Apache-2.0
"""``python -m tests.tflite.operators``: compare many models of each operator with LiteRT."""

from __future__ import annotations

import argparse
from collections import defaultdict

from octet.toolchain.paths import ROOT
from octet.web.browser import chromium
from tests.tflite.operators.browser import operator_page
from tests.tflite.operators.comparison import Checked, check_all
from tests.tflite.operators.coverage import render
from tests.tflite.operators.draft import ENTRIES

DOCS = ROOT / "docs/tflite_operators.md"


def main() -> int:
    """Print a line for each operator and kind, and what is out of bounds; 1 if anything is."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("operators", nargs="*", help="parts of their names; all without")
    parser.add_argument("--count", type=int, default=20, help="models of each kind (20)")
    parser.add_argument("--docs", action="store_true", help=f"write {DOCS.relative_to(ROOT)}")
    args = parser.parse_args()
    keys = [
        key
        for key in ENTRIES
        if not args.operators or any(part in key.split() for part in args.operators)
    ]
    groups: dict[tuple[str, str], list[Checked]] = defaultdict(list)
    with chromium() as browser, operator_page(browser) as page:
        for checked in check_all(page, args.count, keys):
            groups[checked.key, checked.kind].append(checked)
    for (key, kind), group in groups.items():
        _print(key, kind, group)
    everything = [checked for group in groups.values() for checked in group]
    if args.docs:
        DOCS.parent.mkdir(exist_ok=True)
        DOCS.write_text(render(everything), encoding="utf-8")
    elements = sum(checked.elements for checked in everything)
    differing = sum(checked.differing for checked in everything)
    failed = sum(bool(checked.problem) for checked in everything)
    print(
        f"{len(everything)} models, {failed} out of bounds; "
        f"{differing} of {elements} integers differ ({100 * differing / max(elements, 1):.3f} %)"
    )
    return 1 if failed else 0


def _print(key: str, kind: str, group: list[Checked]) -> None:
    elements = sum(checked.elements for checked in group)
    differing = sum(checked.differing for checked in group)
    share = f"{100 * differing / elements:.3f} % of {elements} differ" if elements else ""
    failed = [checked for checked in group if checked.problem]
    print(f"{key:32} {kind:7} {len(group) - len(failed)}/{len(group)}  {share}")
    for checked in failed[:2]:
        print(f"    {checked.seed}: {checked.problem[:300]}")


if __name__ == "__main__":
    raise SystemExit(main())
