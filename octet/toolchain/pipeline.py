# SPDX-License-Identifier: Apache-2.0
"""The stages of a build, in order. Read this first.

A stage is a list of independent steps (`tasks.Step`); the next one may read what it wrote.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from pyodide_build.common import make_zip_archive
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from octet import __version__
from octet.codegen.outputs import GENERATED, Generated
from octet.toolchain import (
    assets,
    bundle,
    compiler,
    loaders,
    models,
    native,
    pages,
    quantized,
    size,
)
from octet.toolchain.paths import BUILD, DIST, NODE_MODULES, ROOT, SITE, STAMPS
from octet.toolchain.tasks import Runner, Step, partial_of, write_whole

console = Console(highlight=False)


def build() -> None:
    """Build everything in build/dist, the release archive, and print the sizes.

    Raises:
        OctetError: the first thing that failed.
    """
    runner = prepare_sources()
    toolchain = compiler.find_toolchain()
    _stage(runner, "kernels: compile", compiler.compile_steps(toolchain))
    _stage(runner, "kernels: catalogue", [compiler.catalogue_step(toolchain)])
    _stage(runner, "kernels: link", compiler.link_steps(toolchain))
    kernels, bundles = compiler.optimize_steps(), bundle.bundle_steps()
    _stage(runner, "kernels: optimize", kernels)
    _stage(runner, "bundle", [*bundles, bundle.license_step()])
    made = [path for step in (*kernels, *bundles, bundle.license_step()) for path in step.outputs]
    _remove_others(DIST, made)
    _stage(runner, "sizes", [size.measure_step(made)])
    _stage(runner, "release", [release_step(made)])
    build_site(runner)
    console.print(size.size_table(size.load_sizes()))


def build_site(runner: Runner) -> None:
    """Build what models.toml names: loaders in build/loaders, the demo pages in build/site."""
    finder = assets.Finder([assets.data_folder(), assets.MADE])
    catalogue = models.read_catalogue(models.MODELS)
    _stage(runner, "quantized networks", quantized.quantize_steps(catalogue, finder))
    _stage(runner, "loaders", loaders.loader_steps(catalogue, finder))
    found = pages.find_all(catalogue, finder)
    stages = pages.site_stages(found, DIST, size.load_sizes(), SITE)
    for title, steps in stages:
        _stage(runner, title, steps)
    _remove_others(SITE, [path for _, steps in stages for step in steps for path in step.outputs])
    for line in [*finder.problems, *found.gaps()]:
        console.print(f"site: {line}")


def prepare_sources() -> Runner:
    """Install npm's tools and render the generated files: what the checks need, too."""
    runner = Runner(STAMPS)
    # Stamped where it installs: cleaning build/ leaves it be.
    _stage(Runner(NODE_MODULES / ".octet"), "npm packages", [bundle.npm_step()])
    _stage(runner, "generated files", generate_steps())
    return runner


def build_native() -> None:
    """Build the runners in build/native. Raises OctetError: the first thing that failed."""
    runner = Runner(STAMPS)
    _stage(runner, "generated files", generate_steps())
    _stage(runner, "native: compile", native.compile_steps())
    _stage(runner, "native: link", native.link_steps())


def generate_steps() -> list[Step]:
    """Return the steps that render every generated file."""
    generators = sorted((ROOT / "octet/codegen").glob("*.py"))
    return [
        Step(
            f"generate/{file.path}",
            [*(ROOT / source for source in file.sources), *generators],
            [ROOT / file.path],
            partial(_generate, file),
            file.key,
        )
        for file in GENERATED
    ]


def release_step(files: Sequence[Path]) -> Step:
    """Return the step that packs build/dist."""
    archive = BUILD / f"octet-{__version__}.zip"
    return Step("release", files, [archive], partial(_pack, archive))


def _generate(file: Generated) -> None:
    write_whole(ROOT / file.path, file.render(ROOT).encode())


def _pack(archive: Path) -> None:
    partial_archive = partial_of(archive)
    make_zip_archive(partial_archive, DIST)
    partial_archive.replace(archive)


def _stage(runner: Runner, title: str, steps: Sequence[Step]) -> None:
    """Run a stage behind a progress bar; say how long it took if there was anything to do."""
    pending = runner.pending(steps)
    if not pending:
        return
    start = time.monotonic()
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    # A single step may report by itself; where nobody watches, the line below is enough.
    hidden = len(pending) == 1 or not console.is_terminal
    with Progress(*columns, console=console, transient=True, disable=hidden) as progress:
        bar = progress.add_task(title, total=len(pending))
        runner.run(pending, on_done=lambda _: progress.advance(bar))
    console.print(f"{title}: {len(pending)} in {time.monotonic() - start:.1f} s")


def _remove_others(folder: Path, files: Sequence[Path]) -> None:
    """Remove the files in ``folder`` that an earlier build made and this one does not."""
    for path in folder.rglob("*"):
        if path.is_file() and path not in files:
            path.unlink()
