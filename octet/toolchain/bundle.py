# SPDX-License-Identifier: Apache-2.0
"""npm's tools, and the JavaScript that build/dist offers: three minified ES modules."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from octet import __version__
from octet.toolchain import process
from octet.toolchain.paths import DIST, NODE_BIN, NODE_MODULES, POLYFILL, ROOT
from octet.toolchain.tasks import Step, write_whole

ENTRIES = {
    "octet": POLYFILL / "index.js",
    "octet_worker": POLYFILL / "runtime/worker.js",
    "octet_tflite": POLYFILL / "tflite/loader.js",
}
"""Name in build/dist to the module it bundles."""

FLAGS = (
    *("--bundle", "--format=esm", "--target=es2022", "--minify"),
    *("--legal-comments=none", f"--banner:js=/* octet {__version__}, Apache-2.0 */"),
    # Where the worker and the kernels lie differs between the sources and build/dist.
    *("--define:OCTET_BUNDLED=true", "--log-level=warning"),
)


def npm_step() -> Step:
    """Return the step that installs what package-lock.json says into ``node_modules``."""
    inputs = [ROOT / name for name in ("package.json", "package-lock.json", ".npmrc")]
    return Step("npm", inputs, [NODE_MODULES / ".package-lock.json"], _npm)


def bundle_steps() -> list[Step]:
    """Return the steps that bundle every entry, each with its source map."""
    sources = sorted(POLYFILL.rglob("*.js"))
    esbuild = NODE_MODULES / "esbuild/package.json"
    return [
        Step(
            f"bundle/{name}",
            [*sources, esbuild],
            [DIST / f"{name}.js", DIST / f"{name}.js.map"],
            partial(bundle, entry, DIST / f"{name}.js"),
            key=" ".join(FLAGS),
        )
        for name, entry in ENTRIES.items()
    ]


def license_step() -> Step:
    """Return the step that puts the licence beside what is released."""
    source, output = ROOT / "LICENSE", DIST / "LICENSE"
    return Step("license", [source], [output], lambda: write_whole(output, source.read_bytes()))


def _npm() -> None:
    # No package here needs its install script: they only fetch what npm has installed already.
    process.watch("npm packages", ["npm", "ci", "--ignore-scripts"], cwd=ROOT)


def bundle(entry: Path, output: Path, *, sourcemap: bool = True) -> None:
    """Bundle and minify what ``entry`` imports. Raises CommandError."""
    flags = (*FLAGS, *(["--sourcemap"] if sourcemap else []))
    process.run([NODE_BIN / "esbuild", entry, *flags, f"--outfile={output}"], cwd=ROOT)
