# SPDX-License-Identifier: Apache-2.0
"""Who may import whom, read off the import statements of JavaScript, Python and C."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from octet.toolchain.paths import KERNELS, POLYFILL, ROOT

# Folder (or file) of polyfill/ → what it may import besides itself.
JAVASCRIPT = {
    "index.js": {"api", "runtime/settings.js"},  # re-exports configure()
    "api": {"ops", "compile", "runtime", "ir"},
    "ops": {"ir", "gen/kernels.js"},  # lower() names what kernels take
    "ir": set(),
    "compile": {"ops", "ir", "gen", "runtime/plan.js"},
    "runtime": {"gen"},
    "tflite": {"gen/tflite_schema.js"},
    "gen": set(),
}

# Package or module of octet → what it may import besides itself and octet.errors.
PYTHON = {
    "": set(),
    "errors": set(),
    "node": set(),
    "codegen": {"node"},
    "tflite": set(),
    "onnx": {"tflite"},
    "web": {"toolchain.paths"},
    "quantize": {"tflite", "onnx"},
    "compare": {"tflite", "quantize", "web", "codegen.render"},
    "search": {"tflite", "quantize", "compare", "web"},
    "bench": {"web", "tflite", "quantize", "toolchain.paths", "toolchain.process"},
    "export": {"codegen", "node", "toolchain.paths"},
    "toolchain": {"node", "codegen", "web", "bench", "export", "quantize", "tflite"},
    "commands": {
        "codegen",
        "compare",
        "export",
        "onnx",
        "quantize",
        "search",
        "tflite",
        "toolchain",
        "web",
    },
    "cli": {"commands"},
}

# What build.py imports before there is an environment: nothing but the standard library.
BEFORE_SET_UP = (
    "octet.errors",
    "octet.toolchain.arguments",
    "octet.toolchain.clean",
    "octet.toolchain.environment",
    "octet.toolchain.lock",
    "octet.toolchain.system",
)

IMPORT = re.compile(
    r"""^\s*(?:import|export)\b[^;'"]*?\bfrom\s*["']([^"']+)["']"""
    r"""|^\s*import\s*["']([^"']+)["']|\bimport\(\s*["']([^"']+)["']""",
    re.MULTILINE,
)


def code_of(path: Path) -> str:
    """The JavaScript in ``path`` without comments: types in JSDoc cross every border."""
    text = re.sub(r"/\*.*?\*/", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
    return re.sub(r"^\s*//.*$", "", text, flags=re.MULTILINE)


def javascript_imports(path: Path, packages: Sequence[str] = ()) -> list[Path]:
    """The files that ``path`` imports; a package is an error unless it is among ``packages``."""
    found = ("".join(groups) for groups in IMPORT.findall(code_of(path)))
    targets = [target for target in found if target not in packages]
    for target in targets:
        assert target.startswith("."), f"{path}: imports {target!r}, which is not a relative path"
    return [(path.parent / target).resolve() for target in targets]


def javascript_files() -> list[Path]:
    return sorted(POLYFILL.rglob("*.js"))


def within(path: Path) -> str:
    return path.relative_to(POLYFILL).as_posix()


def layer_of(path: Path) -> str:
    return within(path).split("/")[0]


def test_javascript_layers() -> None:
    wrong = [
        f"{within(path)} imports {within(target)}"
        for path in javascript_files()
        for target in javascript_imports(path)
        if layer_of(target) != layer_of(path)
        and not {layer_of(target), within(target)} & JAVASCRIPT[layer_of(path)]
    ]
    assert not wrong


def test_javascript_imports_exist() -> None:
    wrong = [
        f"{within(path)} imports {within(target)}"
        for path in javascript_files()
        for target in javascript_imports(path)
        if not target.is_file()
    ]
    assert not wrong


def test_javascript_has_no_import_cycles() -> None:
    graph = {path: javascript_imports(path) for path in javascript_files()}
    done: set[Path] = set()

    def visit(path: Path, trail: tuple[Path, ...]) -> None:
        if path in trail:
            cycle = " → ".join(map(within, (*trail[trail.index(path) :], path)))
            pytest.fail(f"import cycle: {cycle}")
        if path not in done:
            for target in graph.get(path, []):
                visit(target, (*trail, path))
            done.add(path)

    for path in graph:
        visit(path, ())


def test_javascript_exports_by_name() -> None:
    pattern = re.compile(r"^\s*export\s+(default\b|\*)", re.MULTILINE)
    assert not [within(path) for path in javascript_files() if pattern.search(code_of(path))]


def test_every_operator_file_is_registered() -> None:
    index = POLYFILL / "ops/index.js"
    reached: set[Path] = set()
    todo = [index] if index.exists() else []
    while todo:
        path = todo.pop()
        if path not in reached:
            reached.add(path)
            todo += javascript_imports(path)
    assert not [within(path) for path in (POLYFILL / "ops").glob("*.js") if path not in reached]


def python_imports(path: Path) -> Iterator[str]:
    """The modules that ``path`` imports, wherever in the file."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: a relative import"
            assert node.module is not None
            yield from (module_named(node.module, alias.name) for alias in node.names)


def module_named(module: str, name: str) -> str:
    """``a.b`` for ``from a import b`` if that is a module of octet, else ``a``."""
    base = ROOT / module.replace(".", "/") / name
    return f"{module}.{name}" if base.is_dir() or base.with_suffix(".py").is_file() else module


def test_python_layers() -> None:
    wrong = []
    for path in sorted((ROOT / "octet").rglob("*.py")):
        parts = path.relative_to(ROOT / "octet").with_suffix("").parts
        layer = "" if parts[0] == "__init__" else parts[0]
        for module in python_imports(path):
            package, *rest = module.split(".")
            allowed = PYTHON[layer] | {layer, "errors"}
            if package == "octet" and rest and not {rest[0], ".".join(rest)} & allowed:
                wrong.append(f"octet.{'.'.join(parts)} imports {module}")
    assert not wrong


def test_the_first_half_of_the_build_needs_no_packages() -> None:
    seen: set[str] = set()
    todo = list(BEFORE_SET_UP)
    while todo:
        module = todo.pop()
        if module in seen:
            continue
        seen.add(module)
        path = ROOT / f"{module.replace('.', '/')}.py"
        for name in python_imports(path if path.exists() else path.with_suffix("") / "__init__.py"):
            if name.split(".")[0] == "octet":
                todo.append(name)
            else:
                assert name.split(".")[0] in sys.stdlib_module_names, f"{module} imports {name}"


def test_kernels_include_headers_only() -> None:
    wrong = []
    for path in sorted(KERNELS.glob("*.[ch]")):
        for name in re.findall(r'^#include "([^"]+)"', path.read_text(), re.MULTILINE):
            generated = (path.name, name) == ("plan.c", "plan_kernels.inc")
            if not generated and (not name.endswith(".h") or not (KERNELS / name).is_file()):
                wrong.append(f"{path.name} includes {name}")
    assert not wrong


def test_node_is_started_in_one_place() -> None:
    """With the flags of octet/node.py; set-up, which asks for its version, comes before those."""
    starters = {"octet/node.py", "octet/toolchain/system.py"}
    wrong = [
        name
        for folder in ("octet", "tests")
        for path in (ROOT / folder).rglob("*.py")
        if (name := path.relative_to(ROOT).as_posix()) not in starters
        and re.search(r"""\[\s*["']node["']""", path.read_text(encoding="utf-8"))
    ]
    assert not wrong
