# SPDX-License-Identifier: Apache-2.0
"""octet for one model: wasm modules with its kernels, a script with its operators and passes.

Of the kernels only the interpreter is compiled anew, with fewer cases in its switch; what they do
not call is left out by the linker. Kernels keep their numbers in the catalogue. The script is
bundled from the sources with shorter tables.
"""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

from octet.codegen.cheader import Catalogue, read_catalogue
from octet.codegen.render import notice, render, render_kernel_bindings
from octet.errors import OctetError
from octet.export.record import Requirements
from octet.toolchain import bundle, compiler
from octet.toolchain.paths import DIST, KERNELS, POLYFILL
from octet.toolchain.tasks import write_whole

INTERPRETER = KERNELS / "plan.c"
CASES = "plan_kernels.inc"


WORKER = "octet_worker.js"


ENTRY = """\
import { install } from "./api/install.js";

export { install } from "./api/install.js";
export { configure } from "./runtime/settings.js";

install();
"""

PASS = re.compile(r'^  \["[^"]+", \w+\],\n', re.MULTILINE)
DECLARATION = re.compile(r"^(?:export )?const (\w+) = ")


def build_engine(needed: Requirements, folder: Path) -> None:
    """Write octet's script, its worker and its wasm modules for one model into ``folder``.

    Raises:
        OctetError: for a kernel that is not in the catalogue, or when nothing is built yet.
    """
    catalogue = read_catalogue(KERNELS / "kernels.h")
    absent = set(needed.kernels) - {kernel.name for kernel in catalogue.kernels}
    if absent:
        raise OctetError(f"kernels.h has no {', '.join(sorted(absent))}")
    if not (DIST / WORKER).is_file():
        raise OctetError(f"there is no {DIST / WORKER}; run: python3 build.py")
    chosen = tuple(kernel for kernel in catalogue.kernels if kernel.name in needed.kernels)
    fewer = replace(catalogue, kernels=chosen)
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(DIST / WORKER, folder / WORKER)
    _build_script(fewer, needed, folder / "octet.js")
    _build_modules(fewer, folder)


def _build_script(catalogue: Catalogue, needed: Requirements, output: Path) -> None:
    """Bundle a copy of the sources with shorter lists of operators, passes and kernels."""
    with tempfile.TemporaryDirectory() as work:
        sources = Path(work) / "polyfill"
        shutil.copytree(POLYFILL, sources, ignore=shutil.ignore_patterns("tflite", "templates"))
        templates = POLYFILL / "templates"
        files = {
            "index.js": ENTRY,
            "gen/kernels.js": render_kernel_bindings(catalogue, templates / "kernels.js.j2"),
            "compile/passes.js": _only_passes(
                (POLYFILL / "compile/passes.js").read_text(encoding="utf-8"), needed.passes
            ),
        }
        for path in (POLYFILL / "ops").glob("*.js"):
            files[f"ops/{path.name}"] = droppable(path.read_text(encoding="utf-8"))
        files["ops/families.js"] = render(
            templates / "families.js.j2", notice=notice("a model"), operators=needed.operators
        )
        for name, text in files.items():
            write_whole(sources / name, text.encode())
        bundle.bundle(sources / "index.js", output, sourcemap=False)


def _only_passes(text: str, places: Collection[int]) -> str:
    """Return the list of passes with those at ``places`` alone."""
    entries = iter(range(len(PASS.findall(text))))
    return PASS.sub(lambda match: match[0] if next(entries) in places else "", text)


def droppable(text: str) -> str:
    """Return a module in which the bundler may drop each top-level constant that is not used.

    esbuild keeps what calls a function or spreads an object, which may have side effects. Those of
    operators' records have none. The text is formatted: a declaration ends where the next line that
    is not indented begins.
    """
    lines = text.split("\n")
    result = []
    start = 0
    while start < len(lines):
        found = DECLARATION.match(lines[start])
        end = start + 1
        if found:
            while not lines[end - 1].endswith(";") or re.match(r"[\s)}\]]+\S|[)}\]]", lines[end]):
                end += 1
            head, value = found[0], "\n".join(lines[start:end])[len(found[0]) : -1]
            result.append(f"{head}/* @__PURE__ */ (() => ({value}))();")
        else:
            result.append(lines[start])
        start = end
    return "\n".join(result)


def _build_modules(catalogue: Catalogue, folder: Path) -> None:
    text = render_kernel_bindings(catalogue, KERNELS / f"{CASES}.j2")
    toolchain = compiler.find_toolchain()
    with tempfile.TemporaryDirectory() as work:
        write_whole(Path(work) / CASES, text.encode())
        with ThreadPoolExecutor() as pool:
            builds = [
                pool.submit(
                    _build_module, toolchain, name, Path(work), folder / f"octet_{name}.wasm"
                )
                for name in compiler.VARIANTS
            ]
        for build in builds:
            build.result()


def _build_module(toolchain: compiler.Toolchain, variant: str, work: Path, output: Path) -> None:
    sources = [source for source in sorted(KERNELS.glob("*.c")) if source != INTERPRETER]
    objects = [compiler.object_path(variant, source) for source in sources]
    missing = [path for path in objects if not path.is_file()]
    if missing:
        raise OctetError(f"there is no {missing[0]}; run: python3 build.py")
    interpreter, linked = work / f"{variant}.o", work / f"{variant}.linked.wasm"
    features = compiler.source_features(variant, INTERPRETER)
    flags = (*compiler.COMPILE_FLAGS, *features, f"-I{work}")
    compiler.compile_object(toolchain, flags, INTERPRETER, interpreter)
    link_flags = (
        *compiler.feature_flags(variant),
        *compiler.LINK_FLAGS,
        *toolchain.link_flags,
    )
    compiler.link_module(toolchain, link_flags, [interpreter, *objects], linked)
    compiler.optimize_module(compiler.binaryen_flags(variant), linked, output)
