# SPDX-License-Identifier: Apache-2.0
"""octet's own cases: every operator in every type of its first operand, made from the reference."""

from __future__ import annotations

from tests.conformance.own import elementwise, movement, products, recurrent, reduction, windows
from tests.conformance.own.case import OwnCase

FAMILIES = (elementwise, movement, reduction, windows, products, recurrent)


def grouped() -> dict[tuple[str, str], list[OwnCase]]:
    """All cases by operator and type."""
    groups: dict[tuple[str, str], list[OwnCase]] = {}
    for family in FAMILIES:
        for case in family.cases():
            groups.setdefault((case.op, case.dtype), []).append(case)
    return groups
