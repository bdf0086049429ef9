# SPDX-License-Identifier: Apache-2.0
"""The demo site: site/ and what models.toml names become build/site, files for any web server."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import brotli
from PIL import Image, ImageOps

from octet import __version__
from octet.codegen.render import render
from octet.toolchain import process
from octet.toolchain.assets import Finder
from octet.toolchain.loaders import label_names
from octet.toolchain.models import Asset, Catalogue, Labels, Model, Network, Sample
from octet.toolchain.paths import NODE_BIN, NODE_MODULES, ROOT
from octet.toolchain.tasks import Step, write_whole

SOURCES = ROOT / "site"

SCRIPTS = {
    "benchmark": "tools/benchmark.js",
    "charts": "charts.js",
    "demo": "demo/demo.js",
    "home": "home.js",
    "model": "tools/model.js",
    "network_worker": "worker/network_worker.js",
    "profile": "tools/profile.js",
}
"""Module scripts: name in the site's assets to source."""

ESBUILD = (
    *("--bundle", "--minify", "--target=es2022", "--legal-comments=none", "--log-level=warning"),
    f"--banner:js=/* octet {__version__}, Apache-2.0 */",
)

PRECISIONS = {"f32": "float32"}
"""What pages call a precision, if not by its own name."""

COMPRESSED = {".html", ".css", ".js", ".json", ".svg", ".txt", ".wasm", ".webmanifest"}
"""Suffixes of files that lie in the site compressed, too."""

PICTURE_PIXELS, PICTURE_QUALITY = 1024, 82
THUMB_PIXELS, THUMB_QUALITY = 96, 70


@dataclass(frozen=True, kw_only=True)
class Page:
    """A page of the site, as site/pages.toml describes it.

    Attributes:
        name: of its file.
        title: its heading, and its link's text.
        lead: what it is for, in a sentence.
        template: the file in site/templates.
        script: a key of SCRIPTS.
        task: of a demo page, one of models.TASKS; "" for a page about all networks.
        explanation: how its answers come about.
        in_nav: whether the pages link to it.
    """

    name: str
    title: str
    lead: str
    template: str
    script: str
    task: str = ""
    explanation: str = ""
    in_nav: bool = True


def read_pages(path: Path = SOURCES / "pages.toml") -> tuple[Page, ...]:
    """Return the site's pages in the order of their links."""
    return tuple(Page(**page) for page in tomllib.loads(path.read_text(encoding="utf-8"))["pages"])


@dataclass
class Found:
    """What of a catalogue can be had: published path to the file it comes from.

    Attributes:
        absent: by task, the files that cannot.
    """

    files: dict[str, Path] = field(default_factory=dict)
    networks: list[dict[str, Any]] = field(default_factory=list)
    samples: list[dict[str, Any]] = field(default_factory=list)
    labels: dict[Path, tuple[str, Labels]] = field(default_factory=dict)
    pictures: dict[Path, str] = field(default_factory=dict)
    absent: dict[str, list[str]] = field(default_factory=dict)

    def gaps(self) -> list[str]:
        """Return a line for each page that lacks networks."""
        return [
            f"{task}.html lacks {len(files)} files, the first is {files[0]}"
            for task, files in self.absent.items()
            if files
        ]


def find_all(catalogue: Catalogue, finder: Finder) -> Found:
    """Return what the pages can offer of ``catalogue``."""
    found = Found()
    for network in catalogue.networks:
        labels = catalogue.labels[network.labels]
        absent = found.absent.setdefault(network.task, [])
        labels_path = _find(finder, labels, absent)
        models = [
            _model_entry(model, _find(finder, model, [] if model.optional else absent), found)
            for model in network.models
        ]
        present = [model for model in models if model]
        if labels_path and present:
            url = f"labels/{network.labels}.txt"
            found.labels[labels_path] = (url, labels)
            found.networks.append(_network_entry(network, url, present))
    for sample in catalogue.samples:
        path = finder.find(sample)
        if path:
            found.pictures[path] = sample.id
            found.samples.append(_sample_entry(sample, catalogue))
    return found


def _find(finder: Finder, asset: Asset, absent: list[str]) -> Path | None:
    path = finder.find(asset)
    if path is None:
        absent.append(asset.file)
    return path


def _model_entry(model: Model, path: Path | None, found: Found) -> dict[str, Any] | None:
    if path is None:
        return None
    content = path.read_bytes()
    digest = hashlib.sha256(content).hexdigest()
    # The name says what is in it: what a browser stored never gets old.
    url = f"models/{Path(model.file).stem}.{digest[:8]}.tflite"
    found.files[url] = path
    return {
        "id": model.id,
        "precision": model.precision,
        "title": model.title or PRECISIONS.get(model.precision, model.precision),
        "note": model.note,
        "url": url,
        "bytes": len(content),
        "sha256": digest,
    }


def _network_entry(
    network: Network, labels: str, models: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    return asdict(network) | {"labels": labels, "models": list(models)}


def _sample_entry(sample: Sample, catalogue: Catalogue) -> dict[str, Any]:
    return {
        "id": sample.id,
        "title": sample.title,
        "tasks": sample.tasks,
        "url": f"samples/{sample.id}.webp",
        "thumb": f"samples/{sample.id}.thumb.webp",
        "page": sample.page,
        "credit": asdict(catalogue.credits[sample.credit]),
    }


def site_stages(
    found: Found, engine: Path, sizes: Mapping[str, Mapping[str, int]], output: Path
) -> list[tuple[str, list[Step]]]:
    """Return the stages that make the site: titles and steps, each stage after the one before.

    Args:
        found: what the pages offer.
        engine: the folder build/dist.
        sizes: of the engine's files.
        output: the site's folder.
    """
    assets = [*_script_steps(output), _style_step(output), *_copies(found, engine, output)]
    known = read_pages()
    pages = [_page_step(page, known, found, sizes, output) for page in known]
    pages.append(_manifest_step(output))
    made = [path for step in (*assets, *pages) for path in step.outputs]
    worker = _service_worker_step(made, output)
    made += worker.outputs
    packed = [_compress_step(path, output) for path in made if path.suffix in COMPRESSED]
    return [
        ("site", assets),
        ("site: pages", pages),
        ("site: service worker", [worker]),
        ("site: compress", packed),
    ]


def _script_steps(output: Path) -> list[Step]:
    sources = sorted((SOURCES / "scripts").rglob("*.js"))
    entries = {name: SOURCES / "scripts" / path for name, path in SCRIPTS.items()}
    steps = [_esbuild(name, entry, sources, output, "esm") for name, entry in entries.items()]
    theme = SOURCES / "scripts/theme.js"
    return [*steps, _esbuild("theme", theme, sources, output, "iife")]


def _esbuild(name: str, entry: Path, sources: Sequence[Path], output: Path, form: str) -> Step:
    target = output / f"assets/{name}.js"
    flags = (*ESBUILD, f"--format={form}")
    command: list[str | Path] = [NODE_BIN / "esbuild", entry, *flags, f"--outfile={target}"]
    tools = [NODE_MODULES / package / "package.json" for package in ("esbuild", "uplot")]
    inputs = [*sources, *tools]
    return Step(f"site/{name}.js", inputs, [target], lambda: _run(command), " ".join(flags))


def _style_step(output: Path) -> Step:
    target = output / "assets/site.css"
    entry = SOURCES / "styles/site.css"
    flags = ("--bundle", "--minify", "--log-level=warning")
    command: list[str | Path] = [NODE_BIN / "esbuild", entry, *flags, f"--outfile={target}"]
    inputs = [*sorted((SOURCES / "styles").glob("*.css")), NODE_MODULES / "uplot/package.json"]
    return Step("site/site.css", inputs, [target], lambda: _run(command), " ".join(flags))


def _run(command: Sequence[str | Path]) -> None:
    process.run(command, cwd=ROOT)


def _service_worker_step(made: Sequence[Path], output: Path) -> Step:
    """Return the step that bundles the service worker with the list of what it is to keep."""
    source = SOURCES / "scripts/service_worker.js"
    target = output / "service_worker.js"
    folders = {output, output / "assets"}
    shell = sorted(path for path in made if path.parent in folders and path.suffix in COMPRESSED)

    def bundle() -> None:
        files = [path.relative_to(output).as_posix() for path in shell]
        content = hashlib.sha256(b"".join(path.read_bytes() for path in shell))
        defines = (
            f"--define:OCTET_SITE_FILES={json.dumps(files)}",
            f'--define:OCTET_SITE_VERSION="{content.hexdigest()[:12]}"',
        )
        flags = (*ESBUILD, "--format=iife", *defines, f"--outfile={target}")
        process.run([NODE_BIN / "esbuild", source, *flags], cwd=ROOT)

    return Step("site/service_worker.js", [source, *shell], [target], bundle, " ".join(ESBUILD))


def _copies(found: Found, engine: Path, output: Path) -> list[Step]:
    files = {path: output / "engine" / path.name for path in sorted(engine.iterdir())}
    files |= {path: output / url for url, path in found.files.items()}
    files[SOURCES / "icon.svg"] = output / "assets/icon.svg"
    files[NODE_MODULES / "uplot/LICENSE"] = output / "assets/uplot.LICENSE.txt"
    steps = [_copy_step(source, target, output) for source, target in files.items()]
    steps += [
        Step(f"site/{url}", [path], [output / url], partial(_labels, path, output / url, labels))
        for path, (url, labels) in found.labels.items()
    ]
    return steps + [_picture_step(path, name, output) for path, name in found.pictures.items()]


def _copy_step(source: Path, target: Path, output: Path) -> Step:
    name = f"site/{target.relative_to(output)}"
    return Step(name, [source], [target], lambda: write_whole(target, source.read_bytes()))


def _labels(source: Path, target: Path, labels: Labels) -> None:
    write_whole(target, "\n".join(label_names(source, labels)).encode() + b"\n")


def _picture_step(source: Path, name: str, output: Path) -> Step:
    picture, thumb = output / f"samples/{name}.webp", output / f"samples/{name}.thumb.webp"

    def convert() -> None:
        with Image.open(source) as opened:
            image = ImageOps.exif_transpose(opened).convert("RGB")
        small = ImageOps.fit(image, (THUMB_PIXELS, THUMB_PIXELS), Image.Resampling.LANCZOS)
        image.thumbnail((PICTURE_PIXELS, PICTURE_PIXELS), Image.Resampling.LANCZOS)
        write_whole(picture, _webp(image, PICTURE_QUALITY))
        write_whole(thumb, _webp(small, THUMB_QUALITY))

    key = f"{PICTURE_PIXELS} {PICTURE_QUALITY} {THUMB_PIXELS} {THUMB_QUALITY}"
    return Step(f"site/samples/{name}", [source], [picture, thumb], convert, key)


def _webp(image: Image.Image, quality: int) -> bytes:
    data = io.BytesIO()
    image.save(data, "WEBP", quality=quality, method=6)
    return data.getvalue()


def _page_step(
    page: Page,
    pages: Sequence[Page],
    found: Found,
    sizes: Mapping[str, Mapping[str, int]],
    output: Path,
) -> Step:
    networks = [one for one in found.networks if page.task in ("", one["task"])]
    samples = [sample for sample in found.samples if page.task in sample["tasks"]]
    values: dict[str, Any] = {
        "page": page,
        "pages": pages,
        "version": __version__,
        "sizes": sizes,
        "networks": networks,
        "samples": samples,
        "absent": found.absent.get(page.task, []),
        "catalogue": {"networks": networks, "samples": samples},
    }
    template = SOURCES / "templates" / page.template
    target = output / f"{page.name}.html"
    inputs = sorted((SOURCES / "templates").glob("*.j2"))
    key = json.dumps(values, default=asdict)

    def write() -> None:
        write_whole(target, render(template, **values).encode())

    return Step(f"site/{page.name}.html", inputs, [target], write, key)


def _manifest_step(output: Path) -> Step:
    target = output / "site.webmanifest"
    manifest = {
        "name": "octet",
        "short_name": "octet",
        "start_url": "./index.html",
        "display": "minimal-ui",
        "icons": [{"src": "assets/icon.svg", "sizes": "any", "type": "image/svg+xml"}],
    }
    content = json.dumps(manifest, indent=2).encode() + b"\n"
    jekyll = output / ".nojekyll"  # GitHub Pages takes the files as they are

    def write() -> None:
        write_whole(target, content)
        write_whole(jekyll, b"")

    return Step("site/site.webmanifest", [], [target, jekyll], write, content.decode())


def _compress_step(path: Path, output: Path) -> Step:
    targets = [path.with_name(f"{path.name}.br"), path.with_name(f"{path.name}.gz")]

    def compress() -> None:
        content = path.read_bytes()
        write_whole(targets[0], brotli.compress(content))
        write_whole(targets[1], gzip.compress(content, 9, mtime=0))

    return Step(f"site/compress/{path.relative_to(output)}", [path], targets, compress)
