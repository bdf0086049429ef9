# SPDX-License-Identifier: Apache-2.0
"""Generated loaders of small models: they make the same graphs as the loader at run time."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from octet.cli import main
from octet.errors import OctetError
from octet.export.loader import Loader, Preprocessing, file_name
from octet.export.record import MapOptions, record, record_all
from octet.node import node_command
from octet.toolchain.minimal import droppable
from octet.toolchain.paths import NODE_BIN
from tests.patience import SECONDS
from tests.tflite.cases import all_cases
from tests.tflite.cases.case import Case
from tests.tflite.tiny_models import Operator, Tensor, write_model

RUNNER = Path(__file__).with_name("run_loaders.js")
TFLITE = Path(__file__).parents[1] / "tflite"
ENGINE = Path(__file__).parents[1] / "support/engine.js"


def tiny(path: Path, name: str = "x", **tensor: Any) -> Path:
    """A model of one RELU between ``name`` and "y"."""
    shape = Tensor((1, 2, 4, 3), **tensor)
    tensors = {name: shape, "y": shape}
    path.write_bytes(write_model(tensors, [Operator("RELU", (name,), ("y",))], (name,), ("y",)))
    return path


def int16_case() -> Case:
    """Inputs and outputs of a type that WebNN does not have."""
    tensors = {key: Tensor((1, 6), "int16", 1 / 512) for key in ("a", "b", "y")}
    operator = Operator("ADD", ("a", "b"), ("y",), "AddOptions")
    rng = np.random.default_rng(1)
    inputs = tuple(rng.integers(-32768, 32768, (1, 6), np.int16) for _ in range(2))
    return Case(write_model(tensors, [operator], ("a", "b"), ("y",)), inputs)


def test_loaders_compute_what_the_runtime_loader_computes(tmp_path: Path) -> None:
    cases = {**all_cases(), "int16": int16_case()}
    listed = []
    for name, case in cases.items():
        (tmp_path / f"{name}.tflite").write_bytes(case.model)
        inputs = [f"{name}.in{i}" for i in range(len(case.inputs))]
        for file, array in zip(inputs, case.inputs, strict=True):
            (tmp_path / file).write_bytes(array.tobytes())
        listed.append({"name": name, "model": f"{name}.tflite", "inputs": inputs})
    recordings = record_all([tmp_path / f"{name}.tflite" for name in cases], MapOptions())
    for name, recording in zip(cases, recordings, strict=True):
        folder = tmp_path / name
        folder.mkdir()
        for file, content in Loader(name, f"{name}.tflite", recording).files().items():
            (folder / file).write_bytes(content)
    (tmp_path / "cases.json").write_text(json.dumps(listed))
    subprocess.run(node_command(RUNNER, tmp_path), check=True, timeout=SECONDS)
    assert json.loads((tmp_path / "differences.json").read_text()) == {}


def test_names_in_a_file_stay_names(tmp_path: Path) -> None:
    hostile = '*/ "];alert(1)//\u2028</script><!--${x}\n`__proto__'
    model = tiny(tmp_path / "m.tflite", hostile)
    assert main(["export", str(model), "-o", str(tmp_path / "out"), "--kernels", "none"]) == 0
    script = tmp_path / "out/m.js"
    subprocess.run(node_command("--check", script), check=True)
    code = (
        f"import({json.dumps(script.as_uri())}).then(m => process.stdout.write(m.inputs[0].name))"
    )
    done = subprocess.run(node_command("-e", code), check=True, capture_output=True)
    assert done.stdout.decode() == hostile
    assert "</script><" not in (tmp_path / "out/index.html").read_text()


def test_types_fit_the_module(tmp_path: Path) -> None:
    model = tiny(tmp_path / "m.tflite")
    assert main(["export", str(model), "-o", str(tmp_path / "out"), "--kernels", "none"]) == 0
    (tmp_path / "out/use.ts").write_text(
        'import { inputFrom, inputs, load, preprocessing } from "./m.js";\n'
        "declare const context: object;\n"
        "const model = await load(context, { weights: new ArrayBuffer(0) });\n"
        "const { y } = await model.run(new Float32Array(24));\n"
        "const fit: string = preprocessing.fit;\n"
        'const name: "x" = inputs[0].name;\n'
        "const picture: Float32Array = inputFrom(new OffscreenCanvas(1, 1), 1, 1);\n"
        "y.subarray(1);\n"
    )
    words = ("--noEmit", "--strict", "--module", "esnext", "--target", "es2022")
    lib = ("--moduleResolution", "bundler", "--lib", "es2022,dom", "--types", "")
    done = subprocess.run(
        [NODE_BIN / "tsc", *words, *lib, "out/use.ts"], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.stdout == ""


@pytest.mark.parametrize(
    ("tensor", "expression"),
    [
        ({}, "(byte - 127.5) / 127.5"),
        ({"dtype": "uint8", "scale": 1 / 127.5, "zero_point": 128}, "byte"),
        ({"dtype": "int8", "scale": 1 / 127.5, "zero_point": -1}, "byte - 128"),
        (
            {"dtype": "int8", "scale": 0.0625, "zero_point": 3},
            "Math.min(127, Math.max(-128, Math.round((byte - 127.5) * 0.12549019607843137 + 3)))",
        ),
    ],
)
def test_grey_levels(tmp_path: Path, tensor: dict[str, Any], expression: str) -> None:
    recording = record(tiny(tmp_path / "m.tflite", **tensor), MapOptions())
    text = Loader("m", "m.tflite", recording, Preprocessing()).files()["m.js"].decode()
    assert f"const level = (byte) => {expression}" in text


@pytest.mark.parametrize("name", ["conv2d_u8_0", "detection_u8_True_1", "lstm_True"])
def test_any_webnn_will_do(name: str, tmp_path: Path) -> None:
    (tmp_path / "m.tflite").write_bytes(all_cases()[name].model)
    recording = record(tmp_path / "m.tflite", MapOptions())
    for file, content in Loader("m", "m.tflite", recording).files().items():
        (tmp_path / file).write_bytes(content)
    (tmp_path / "main.mjs").write_text(
        'import { readFileSync } from "node:fs";\n'
        f"import {{ installFake }} from {json.dumps((TFLITE / 'fake_webnn.js').as_uri())};\n"
        f"import {{ view }} from {json.dumps(ENGINE.as_uri())};\n"
        'import { inputs, load, outputs } from "./m.js";\n'
        "installFake();\n"
        'const bytes = readFileSync(new URL("./m.bin", import.meta.url));\n'
        "const context = await navigator.ml.createContext();\n"
        "const model = await load(context, { weights: Uint8Array.from(bytes).buffer });\n"
        "const zeros = ({ name, dataType, shape }) =>\n"
        "  [name, view(dataType, new ArrayBuffer(8 * shape.reduce((a, b) => a * b)))];\n"
        "const fit = ([name, array], i) =>\n"
        "  [name, array.subarray(0, inputs[i].shape.reduce((a, b) => a * b))];\n"
        "const results = await model.run(Object.fromEntries(inputs.map(zeros).map(fit)));\n"
        "console.log(outputs.every(({ name, shape }) =>\n"
        "  results[name].length === shape.reduce((a, b) => a * b, 1)));\n"
    )
    done = subprocess.run(
        node_command(tmp_path / "main.mjs"), capture_output=True, text=True, check=True
    )
    assert done.stdout == "true\n"


def test_weights_are_checked(tmp_path: Path) -> None:
    case = all_cases()["conv2d_u8_0"]
    (tmp_path / "m.tflite").write_bytes(case.model)
    recording = record(tmp_path / "m.tflite", MapOptions())
    for name, content in Loader("m", "m.tflite", recording).files().items():
        (tmp_path / name).write_bytes(content)
    changed = bytearray(recording.weights)
    changed[0] ^= 1
    (tmp_path / "other").write_bytes(changed)
    script = (
        'import { readFileSync } from "node:fs";\n'
        'import { load } from "./m.js";\n'
        'const bytes = readFileSync(new URL("./other", import.meta.url));\n'
        "const weights = Uint8Array.from(bytes).buffer;\n"
        "await load({}, { weights }).catch((error) => console.log(error.message));\n"
    )
    (tmp_path / "main.mjs").write_text(script)
    done = subprocess.run(
        node_command(tmp_path / "main.mjs"), capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith(f"weights: got {len(changed)} bytes with SHA-256 ")


def test_labels_are_what_the_file_lists(tmp_path: Path) -> None:
    model = tiny(tmp_path / "m.tflite")
    (tmp_path / "names.txt").write_text('???\ncat\ndog "x"\n\nnot a name\n')
    words = ["--kernels", "none", "--labels", str(tmp_path / "names.txt"), "--skip", "1"]
    assert main(["export", str(model), "-o", str(tmp_path / "out"), *words]) == 0
    script = tmp_path / "out/labels.js"
    code = f"import({json.dumps(script.as_uri())}).then(m => console.log(m.labels.join()))"
    done = subprocess.run(node_command("-e", code), check=True, capture_output=True, text=True)
    assert done.stdout == 'cat,dog "x"\n'


def test_refusals(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "broken.tflite").write_bytes(b"\x10\0\0\0TFL3" + bytes(20))
    words = ["-o", str(tmp_path / "out")]
    assert main(["export", str(tmp_path / "broken.tflite"), *words]) == 1
    assert capsys.readouterr().err.startswith("octet: broken.tflite: ")
    assert main(["export", str(tmp_path / "absent.tflite"), *words]) == 1
    assert "absent.tflite: no such file" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
    model = tmp_path / "flat.tflite"
    tensors = {"x": Tensor((4,)), "y": Tensor((4,))}
    model.write_bytes(write_model(tensors, [Operator("RELU", ("x",), ("y",))], ("x",), ("y",)))
    with pytest.raises(OctetError, match=r"preprocessing: got inputs \[4\], expected"):
        Loader("m", "m", record(model, MapOptions()), Preprocessing()).files()


def test_batches(tmp_path: Path) -> None:
    model = tmp_path / "m.tflite"
    tensors = {"x": Tensor((1, 4)), "y": Tensor((1, 4))}
    model.write_bytes(write_model(tensors, [Operator("RELU", ("x",), ("y",))], ("x",), ("y",)))
    words = ["-o", str(tmp_path / "out"), "--kernels", "none", "--batch", "3"]
    assert main(["export", str(model), *words]) == 0
    assert '{ name: "x", shape: [3, 4]' in (tmp_path / "out/m.js").read_text()


def test_file_names() -> None:
    assert file_name("a b/c.d") == "a_b_c.d"
    assert file_name("...") == "model"


def test_constants_become_droppable() -> None:
    text = "const a = f(1);\n\nexport const b = {\n  c: f({\n    d,\n  }),\n};\n"
    inner = "function g() {\n  const h = 1;\n}\n"
    assert droppable(text + inner) == (
        "const a = /* @__PURE__ */ (() => (f(1)))();\n\n"
        "export const b = /* @__PURE__ */ (() => ({\n  c: f({\n    d,\n  }),\n}))();\n" + inner
    )
