# SPDX-License-Identifier: Apache-2.0
"""Loaders of the networks in models.toml, in build/loaders, as `octet export` writes them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from octet.export.loader import TEMPLATES, Loader, Preprocessing, file_name
from octet.export.record import MapOptions, record
from octet.toolchain.assets import Finder
from octet.toolchain.models import Catalogue, Labels, Model, Network
from octet.toolchain.paths import LOADERS, POLYFILL, ROOT
from octet.toolchain.tasks import Step, write_whole

ENGINE = "../../dist/"
"""Where the pages find octet."""


def loader_steps(catalogue: Catalogue, finder: Finder) -> list[Step]:
    """Return a step for each network that can be had."""
    sources = _sources()
    steps = []
    for network in catalogue.networks:
        labels = catalogue.labels[network.labels]
        labels_path = finder.find(labels)
        for model in network.models:
            path = finder.find(model)
            if path and labels_path:
                steps.append(_step(network, model, path, labels, labels_path, sources))
    return steps


def label_names(path: Path, labels: Labels) -> list[str]:
    """Return the names of a list that models.toml describes."""
    lines = path.read_text(encoding="utf-8").splitlines()[labels.skip :]
    return lines[: lines.index("")] if "" in lines else lines


def _sources() -> list[Path]:
    """Return what decides a loader besides the model: the mapping, validation, templates."""
    folders = [POLYFILL / name for name in ("tflite", "api", "ops", "ir")]
    scripts = [path for folder in folders for path in sorted(folder.glob("*.js"))]
    here = sorted((ROOT / "octet/export").glob("*.*"))
    return [*scripts, *here, *sorted(TEMPLATES.glob("loader.*.j2")), Path(__file__)]


def _step(
    network: Network,
    model: Model,
    path: Path,
    labels: Labels,
    labels_path: Path,
    sources: Sequence[Path],
) -> Step:
    name = file_name(f"{network.id}_{model.id}")
    folder = LOADERS / name
    preprocessing = Preprocessing(network.fit, network.mean, network.deviation)
    files = (f"{name}.js", f"{name}.d.ts", f"{name}.bin", "index.html", "labels.js")

    def write() -> None:
        recording = record(path, MapOptions())
        names = label_names(labels_path, labels)
        loader = Loader(name, path.name, recording, preprocessing, names, ENGINE)
        for file, content in loader.files().items():
            write_whole(folder / file, content)

    key = json.dumps([asdict(preprocessing), labels.skip, ENGINE])
    inputs = [path, labels_path, *sources]
    return Step(f"loader/{name}", inputs, [folder / file for file in files], write, key)
