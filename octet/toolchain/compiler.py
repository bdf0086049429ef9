# SPDX-License-Identifier: Apache-2.0
"""Kernels to wasm: one C source, three modules that differ only in what they ask of the engine.

C → objects → linked by emcc → unused exports removed, optimized (binaryen from npm) → build/dist.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from pyodide_build.build_env import get_emscripten_version_info
from pyodide_build.common import find_missing_executables, replace_env
from pyodide_build.pywasmcross import calculate_object_exports_readobj

from octet.codegen.cheader import read_catalogue
from octet.errors import OctetError
from octet.node import node_command
from octet.toolchain import process, system, wasm
from octet.toolchain.paths import DIST, KERNELS, NODE_BIN, NODE_MODULES, WASM
from octet.toolchain.tasks import Step, partial_of, write_whole

FEATURES = {
    "mutable-globals": "mutable-globals",
    "sign-ext": "sign-ext",
    "nontrapping-fptoint": "nontrapping-float-to-int",
    "bulk-memory": "bulk-memory",
    "atomics": "threads",
    "simd128": "simd",
    "relaxed-simd": "relaxed-simd",
}
"""clang's name of a wasm feature to binaryen's."""

_SIMD = ("mutable-globals", "sign-ext", "nontrapping-fptoint", "bulk-memory", "atomics", "simd128")

VARIANTS = {
    "scalar": ("mutable-globals",),
    "simd": _SIMD,
    "relaxed": (*_SIMD, "relaxed-simd"),
}
"""The wasm features each module may use, beyond the first version of wasm."""

RELAXED_SOURCES = {
    "dot_class.c",
    "dwconv.c",
    "gemm.c",
    "qdwconv.c",
    "qdwpack.c",
    "qgemm.c",
    "qpack.c",
}
"""The files that may use relaxed SIMD, and do so by name. Elsewhere the compiler would turn plain
comparisons of floats into relaxed ones, whose results a CPU may choose."""

COMPILE_FLAGS = (
    *("-std=gnu11", "-O3", "-DNDEBUG", "-Wall", "-Wextra", "-Werror"),
    # The numeric contract: wrapping int32, every float operation rounded on its own.
    *("-fwrapv", "-ffp-contract=off"),
    # Loop strength reduction keeps a pointer per row; the int8 GEMM is 18 % faster without.
    *("-mllvm", "-disable-lsr"),
)

EXPORTS = (
    *("plan_run", "pool_run", "pool_serve", "dot_classes"),
    *("__stack_pointer", "__heap_base"),
)
"""What a module offers; one without threads lacks ``pool_``, one without relaxed SIMD ``dot_``."""

MEMORY_PAGES = (2, 32768)
"""Minimum and maximum of the memory that a module imports, in 64 KiB pages."""

STACK_KIB = 64

LINK_FLAGS = (
    *("-O1", "--no-entry", "-sWASM_BIGINT"),
    # emcc must not run a wasm-opt of its own: Debian's corrupts relaxed SIMD opcodes.
    "-sERROR_ON_WASM_CHANGES_AFTER_LINK",
    *("-sIMPORTED_MEMORY=1", "-sALLOW_MEMORY_GROWTH=1", f"-sTOTAL_STACK={STACK_KIB}KB"),
    f"-sINITIAL_MEMORY={MEMORY_PAGES[0] * 64}KB",
    f"-sMAXIMUM_MEMORY={MEMORY_PAGES[1] * 64}KB",
    *(f"-Wl,--export-if-defined={name}" for name in EXPORTS),
)

OPTIMIZE_FLAGS = (
    "-O3",
    # Kernels stay functions of their own: inlined into the interpreter they would be one function
    # that engines compile late and allocate registers for badly.
    "--skip-pass=inlining-optimizing",
)

OLDEST_CLANG = 19


@dataclass(frozen=True)
class Toolchain:
    """The Emscripten on this machine.

    Attributes:
        version: what ``emcc -v`` says first, and its clang.
        env: variables that make it work.
        link_flags: what linking with it needs on top of LINK_FLAGS.
        bin: a folder with its LLVM's tools; None if they are found without.
    """

    version: str
    env: dict[str, str]
    link_flags: tuple[str, ...] = ()
    bin: Path | None = None


def find_toolchain() -> Toolchain:
    """Return the Emscripten on PATH.

    Debian's (3.1.6) is made to use LLVM 22 instead of its LLVM 14; a current Emscripten SDK is
    used as it is.

    Raises:
        OctetError: when there is none, or its LLVM is too old.
    """
    missing = find_missing_executables(["emcc", "node"])
    if missing:
        raise OctetError(f"not on PATH: {', '.join(missing)}")
    if system.debian_emcc():
        env = {
            "EM_LLVM_ADD_VERSION": system.LLVM,
            "EM_CLANG_ADD_VERSION": system.LLVM,
            # Where Debian keeps acorn, for a Node that is not Debian's.
            "NODE_PATH": "/usr/share/nodejs",
        }
        # This lld puts the stack first unless told, which Emscripten 3.1.6 refuses. And errno is
        # state that no kernel needs and every instance would initialise.
        link_flags = ("-Wl,--no-stack-first", "-sSUPPORT_ERRNO=0")
        toolchain = Toolchain("", env, link_flags, Path(f"/usr/lib/llvm-{system.LLVM}/bin"))
    else:
        toolchain = Toolchain("", {})
    with replace_env({**os.environ, **toolchain.env}):
        said = get_emscripten_version_info()
    clang = re.search(r"clang version (\d+)", said)
    if clang is None:
        raise OctetError(f"cannot tell the version of emcc: {said[:200]!r}")
    if int(clang[1]) < OLDEST_CLANG:
        raise OctetError(f"emcc uses clang {clang[1]}; octet needs clang {OLDEST_CLANG} or newer")
    version = "\n".join(said.splitlines()[:2])
    return Toolchain(version, toolchain.env, toolchain.link_flags, toolchain.bin)


def compile_steps(toolchain: Toolchain) -> list[Step]:
    """Return the steps that compile every C file for every variant."""
    headers = sorted(KERNELS.glob("*.h")) + [WASM / "plan_kernels.inc"]
    steps = []
    for variant in VARIANTS:
        for source in sorted(KERNELS.glob("*.c")):
            output = object_path(variant, source)
            flags = (*COMPILE_FLAGS, *source_features(variant, source), f"-I{WASM}")
            steps.append(
                Step(
                    f"compile/{variant}/{source.name}",
                    [source, *headers],
                    [output],
                    partial(compile_object, toolchain, flags, source, output),
                    key=" ".join([*flags, toolchain.version]),
                )
            )
    return steps


def catalogue_step(toolchain: Toolchain) -> Step:
    """Return the step that checks that every variant defines every kernel of the catalogue."""
    sources = sorted(KERNELS.glob("*.c"))
    objects = {name: [object_path(name, source) for source in sources] for name in VARIANTS}
    flat = [path for paths in objects.values() for path in paths]
    output = WASM / "defined.json"
    return Step(
        "catalogue",
        [*flat, KERNELS / "kernels.h"],
        [output],
        partial(_check_catalogue, toolchain, objects, output),
    )


def link_steps(toolchain: Toolchain) -> list[Step]:
    """Return the steps that link each variant's objects and check what came of it."""
    steps = []
    for variant in VARIANTS:
        objects = [object_path(variant, source) for source in sorted(KERNELS.glob("*.c"))]
        flags = (*feature_flags(variant), *LINK_FLAGS, *toolchain.link_flags)
        output = WASM / f"{variant}.linked.wasm"
        steps.append(
            Step(
                f"link/{variant}",
                objects,
                [output],
                partial(link_module, toolchain, flags, objects, output),
                key=" ".join([*flags, toolchain.version]),
            )
        )
    return steps


def optimize_steps() -> list[Step]:
    """Return the steps that optimize the linked modules into ``build/dist/octet_*.wasm``."""
    steps = []
    for variant in VARIANTS:
        linked, output = WASM / f"{variant}.linked.wasm", DIST / f"octet_{variant}.wasm"
        flags = binaryen_flags(variant)
        steps.append(
            Step(
                f"optimize/{variant}",
                [linked, NODE_MODULES / "binaryen/package.json"],
                [output],
                partial(optimize_module, flags, linked, output),
                key=" ".join([*flags, *OPTIMIZE_FLAGS, *EXPORTS]),
            )
        )
    return steps


def object_path(variant: str, source: Path) -> Path:
    """Return where the build keeps what a variant's C file was compiled to."""
    return WASM / variant / f"{source.stem}.o"


def feature_flags(variant: str) -> tuple[str, ...]:
    """Return the compiler's flags for what a variant's module may use."""
    return ("-mcpu=mvp", *(f"-m{feature}" for feature in VARIANTS[variant]))


def binaryen_flags(variant: str) -> tuple[str, ...]:
    """Return binaryen's flags for what a variant's module may use."""
    return ("--mvp-features", *(f"--enable-{FEATURES[name]}" for name in VARIANTS[variant]))


def source_features(variant: str, source: Path) -> tuple[str, ...]:
    """Return the compiler's flags for what one C file may use in a variant's module."""
    flags = feature_flags(variant)
    if source.name in RELAXED_SOURCES:
        return flags
    return tuple(flag for flag in flags if flag != "-mrelaxed-simd")


def compile_object(toolchain: Toolchain, flags: Sequence[str], source: Path, output: Path) -> None:
    """Compile one C file. Raises CommandError."""
    output.parent.mkdir(parents=True, exist_ok=True)
    process.run(["emcc", *flags, "-c", source, "-o", output], env=toolchain.env)


def link_module(
    toolchain: Toolchain, flags: Sequence[str], objects: Sequence[Path], output: Path
) -> None:
    """Link objects and check that there is no mutable data. Raises OctetError."""
    process.run(["emcc", *objects, *flags, "-o", output], env=toolchain.env)
    check_data(output)


def optimize_module(flags: Sequence[str], linked: Path, output: Path) -> None:
    """Drop exports that emcc adds, optimize, strip, check."""
    wanted = [name for name in EXPORTS if name in wasm.read(linked).exports]
    graph = [{"name": name, "export": name} for name in wanted]
    root = {"name": "octet", "root": True, "reaches": wanted}
    graph_file, pruned = linked.with_suffix(".graph.json"), linked.with_suffix(".pruned.wasm")
    write_whole(graph_file, json.dumps([root, *graph]).encode())
    metadce, wasm_opt = NODE_BIN / "wasm-metadce", NODE_BIN / "wasm-opt"
    process.run([*node_command(metadce), linked, "--graph-file", graph_file, *flags, "-o", pruned])
    partial_output = partial_of(output)
    strip = ("--strip-debug", "--strip-producers", "--strip-target-features")
    command: list[str | Path] = [*node_command(wasm_opt), pruned]
    process.run([*command, *flags, *OPTIMIZE_FLAGS, *strip, "-o", partial_output])
    check_module(partial_output, wanted)
    partial_output.replace(output)


def _check_catalogue(
    toolchain: Toolchain, objects: Mapping[str, Sequence[Path]], output: Path
) -> None:
    catalogue = KERNELS / "kernels.h"
    kernels = {kernel.name for kernel in read_catalogue(catalogue).kernels}
    search = [str(toolchain.bin)] if toolchain.bin else []
    path = os.pathsep.join([*search, os.environ["PATH"]])
    defined = {}
    with replace_env({**os.environ, "PATH": path}):
        for variant, paths in objects.items():
            names = calculate_object_exports_readobj([str(path) for path in paths]) or []
            absent = kernels - set(names)
            if absent:
                missing = ", ".join(sorted(absent))
                raise OctetError(f"{catalogue}: no C file defines {missing} ({variant})")
            defined[variant] = sorted(names)
    write_whole(output, json.dumps(defined, indent=1).encode())


def check_data(linked: Path) -> None:
    """Raise OctetError if the module has mutable static data.

    Threads share one memory and each instantiates the module: initial values would be written
    again under the feet of the others.
    """
    module = wasm.read(linked)
    mutable = [name for name in module.segment_names if not name.startswith(".rodata")]
    if mutable or module.has_start or module.segments != len(module.segment_names):
        raise OctetError(
            f"{linked}: static data that is not const ({', '.join(mutable) or '.bss'}). "
            "Kernels keep no state: make it const or local."
        )


def check_module(path: Path, exports: Sequence[str]) -> None:
    """Check a finished module: it imports one memory and offers ``exports``, nothing else.

    Raises:
        OctetError: saying what is there instead.
    """
    module = wasm.read(path)
    if module.imports != ["env.memory"] or module.memory_pages != MEMORY_PAGES:
        pages = f"{module.memory_pages} pages, expected {MEMORY_PAGES}"
        raise OctetError(f"{path}: imports {module.imports} with {pages}, expected env.memory")
    if sorted(module.exports) != sorted(exports):
        raise OctetError(f"{path}: exports {module.exports}, expected {list(exports)}")
