# SPDX-License-Identifier: Apache-2.0
"""The table of operators and kinds in the docs, from what the loader and compiler made of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from importlib.resources import files

from ai_edge_litert import schema_py_generated as schema
from jinja2 import Environment

from octet.commands.inspect import is_integer_step
from tests.tflite.operators.browser import Outcome
from tests.tflite.operators.comparison import Checked
from tests.tflite.operators.draft import CODED, ENTRIES, KINDS

SAMPLES = 3
"""Models of each kind that the table looks at."""

PLUMBING = {
    "cast",
    "clamp",
    "dequantizeLinear",
    "identity",
    "quantizeLinear",
    "relu",
    "reshape",
}
"""Calls that change codings and shapes or follow from fused activations."""

WORDS = ("integer", "float", "composed", "unsupported")
CUSTOM = ("Convolution2DTransposeBias", "TFLite_Detection_PostProcess")


def word(kind: str, outcome: Outcome) -> str:
    """How one model ran: a word of WORDS."""
    if outcome.error:
        return "unsupported"
    coded = kind in CODED
    converted = any(call.lower().endswith("quantizelinear") for call in outcome.calls)
    if coded and (
        not converted
        or (kind != "i16" and all(is_integer_step(dict(step)) for step in outcome.steps))
    ):
        return "integer"
    if sum(call not in PLUMBING for call in outcome.calls) > 1:
        return "composed"
    return "float" if coded or kind in ("f32", "f16", "hybrid") else "integer"


def render(results: Iterable[Checked]) -> str:
    """Return the page."""
    words: dict[tuple[str, str], set[str]] = defaultdict(set)
    for checked in results:
        if checked.seed < SAMPLES:
            name = ENTRIES[checked.key].name
            words[name, checked.kind].add(word(checked.kind, checked.outcome))
    names = sorted({name for name, _ in words})
    rows = [(name, [_cell(words.get((name, kind), set())) for kind in KINDS]) for name in names]
    template = files(__package__).joinpath("coverage.md.j2").read_text(encoding="utf-8")
    environment = Environment(trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True)
    missing = [name for name in builtin_operators() if name not in names]
    return environment.from_string(template).render(
        kinds=KINDS, rows=rows, missing=missing, custom=CUSTOM
    )


def _cell(words: set[str]) -> str:
    return ", ".join(word for word in WORDS if word in words)


def builtin_operators() -> Sequence[str]:
    """All operators of the format but those that other standards brought into it."""
    return sorted(
        name
        for name in vars(schema.BuiltinOperator)
        if name.isupper()
        and not name.startswith(("STABLEHLO_", "_", "PLACEHOLDER", "CUSTOM", "DELEGATE"))
    )
