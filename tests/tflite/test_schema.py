# SPDX-License-Identifier: Apache-2.0
"""The rendered format tables against a second generation of the schema, LiteRT's own."""

from __future__ import annotations

import inspect
import json
import re
import subprocess
from typing import Any

import pytest
from ai_edge_litert import schema_py_generated as other

from octet.codegen import tflite_schema
from octet.node import node_command
from octet.toolchain.paths import POLYFILL

TEMPLATE = POLYFILL / "templates/tflite_schema.js.j2"


@pytest.fixture(scope="module")
def schema() -> dict[str, Any]:
    """What the rendered module exports."""
    source = tflite_schema.render_tflite_schema(TEMPLATE)
    script = f"{source}\nconsole.log(JSON.stringify({{ TABLES, ENUMS, FILE_IDENTIFIER }}));"
    command = node_command("--input-type=module", "-e", script)
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    result: dict[str, Any] = json.loads(done.stdout)
    return result


def test_identifier(schema: dict[str, Any]) -> None:
    assert schema["FILE_IDENTIFIER"] == "TFL3"


def test_slots_and_defaults(schema: dict[str, Any]) -> None:
    for table, fields in schema["TABLES"].items():
        defaults = inspect.signature(getattr(other, f"{table}T").__init__).parameters
        for name, (slot, kind, *rest) in fields.items():
            method = name[0].upper() + name[1:]
            source = inspect.getsource(getattr(getattr(other, table), method))
            found = re.search(r"_tab\.Offset\((\d+)\)", source)
            assert found, f"{table}.{name}"
            assert slot == (int(found[1]) - 4) // 2, f"{table}.{name}"
            if kind in tflite_schema.FLAGS.values():
                assert rest[0] == defaults[name].default, f"{table}.{name}"


def test_enumerations(schema: dict[str, Any]) -> None:
    """The other schema may be newer: what is known must have the same numbers."""
    for enumeration, names in schema["ENUMS"].items():
        numbers = vars(getattr(other, enumeration))
        assert all(numbers[name] == value for value, name in enumerate(names)), enumeration


def test_every_options_table_of_the_mapping_is_known(schema: dict[str, Any]) -> None:
    source = (POLYFILL / "tflite/ops.js").read_text(encoding="utf-8")
    named = set(re.findall(r'"(\w+Options)"', source))
    assert named
    assert named <= set(schema["TABLES"])


def test_readers_that_changed_are_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(tflite_schema.SchemaError, match=r"tflite\.Model: cannot read"):
        tflite_schema.field_type("Model", "def Version(self): return 3")
    monkeypatch.setattr(tflite_schema, "reader", lambda name: type(name, (), {"A": 0, "B": 2}))
    with pytest.raises(tflite_schema.SchemaError, match="values are not 0…1"):
        tflite_schema.enumeration("Padding")
