# SPDX-License-Identifier: Apache-2.0
"""Reads models.toml: the networks, label lists and pictures of the demo pages."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields
from pathlib import Path
from typing import Any, TypeVar

from octet.errors import OctetError, unknown
from octet.toolchain.paths import ROOT

MODELS = ROOT / "models.toml"

TASKS = ("classify", "detect", "segment")
FITS = ("crop", "stretch", "contain")


@dataclass(frozen=True, kw_only=True)
class Asset:
    """A file that the site shows or runs.

    Attributes:
        file: its path in the data folder.
        url: where to download it instead; None if it cannot be had there.
        sha256: of what `url` gives.
    """

    file: str
    url: str | None = None
    sha256: str | None = None


@dataclass(frozen=True, kw_only=True)
class Labels(Asset):
    """Names by class index, one a line, after ``skip`` lines; an empty line ends them."""

    skip: int = 0


@dataclass(frozen=True, kw_only=True)
class Model(Asset):
    """A network in one precision.

    Attributes:
        id: unique in its network.
        precision: ``f32``, ``uint8`` or ``int8``; the id unless given.
        title: what the pages call it; None takes the precision's name.
        note: a sentence on how it was made.
        licence: its licence's SPDX name.
        optional: pages do well without it: nobody is told that it is absent.
        quantized_from: id of the float model of the network that it is made of, by octet itself.
    """

    id: str
    precision: str = ""
    title: str | None = None
    note: str = ""
    licence: str = ""
    optional: bool = False
    quantized_from: str = ""


@dataclass(frozen=True, kw_only=True)
class Network:
    """An architecture for one page, and the precisions it exists in.

    Attributes:
        id: unique.
        task: one of TASKS.
        title: its name.
        about: its size and what it was trained on.
        labels: a key of `Catalogue.labels`.
        fit: one of FITS, how a picture becomes the input.
        mean, deviation: a float input is (byte - mean) / deviation.
        models: at least one.
    """

    id: str
    task: str
    title: str
    labels: str
    fit: str
    models: tuple[Model, ...]
    about: str = ""
    mean: float = 127.5
    deviation: float = 127.5


@dataclass(frozen=True, kw_only=True)
class Credit:
    """Whom a picture is owed to, and under which licence."""

    author: str
    licence: str
    link: str | None = None


@dataclass(frozen=True, kw_only=True)
class Sample(Asset):
    """A picture that visitors may try.

    Attributes:
        id: unique.
        title: what it shows.
        tasks: the pages it is offered on.
        credit: a key of `Catalogue.credits`.
        page: where it comes from.
    """

    id: str
    title: str
    tasks: tuple[str, ...]
    credit: str
    page: str | None = None


@dataclass(frozen=True)
class Catalogue:
    """What models.toml says."""

    networks: tuple[Network, ...]
    labels: Mapping[str, Labels]
    samples: tuple[Sample, ...]
    credits: Mapping[str, Credit]


Record = TypeVar("Record")


def read_catalogue(path: Path) -> Catalogue:
    """Return the catalogue in the file ``path``.

    Raises:
        OctetError: naming the entry and what is wrong with it.
    """
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise OctetError(f"{path}: {error}") from None
    try:
        catalogue = _read(table)
        _check(catalogue)
    except OctetError as error:
        raise OctetError(f"{path.name}: {error}") from None
    return catalogue


def _read(table: dict[str, Any]) -> Catalogue:
    sources = table.pop("sources", {})
    parts = ("networks", "labels", "samples", "credits")
    for key in table:
        if key not in parts:
            raise unknown("table", key, ["sources", *parts])

    def asset(kind: type[Record], where: str, values: dict[str, Any]) -> Record:
        if "url" in values:
            values["url"] = _expand(where, values["url"], sources)
        return _record(kind, where, values)

    networks = []
    for values in table.get("networks", []):
        where = f"network {values.get('id')!r}"
        models = values.pop("models", [])
        for model in models:
            model.setdefault("precision", model.get("id", ""))
        values["models"] = tuple(
            asset(Model, f"{where}, model {model.get('id')!r}", model) for model in models
        )
        networks.append(_record(Network, where, values))
    for values in table.get("samples", []):
        values["tasks"] = tuple(values.get("tasks", ()))
    return Catalogue(
        tuple(networks),
        {key: asset(Labels, f"labels {key!r}", v) for key, v in table.get("labels", {}).items()},
        tuple(asset(Sample, f"sample {v.get('id')!r}", v) for v in table.get("samples", [])),
        {key: _record(Credit, f"credit {key!r}", v) for key, v in table.get("credits", {}).items()},
    )


def _record(kind: type[Record], where: str, values: Mapping[str, Any]) -> Record:
    known = {field.name: field for field in fields(kind)}  # type: ignore[arg-type]
    for key in values:
        if key not in known:
            raise OctetError(f"{where}: {unknown('key', key, known)}")
    missing = [name for name, f in known.items() if f.default is MISSING and name not in values]
    if missing:
        raise OctetError(f"{where}: {missing[0]} is missing")
    return kind(**values)


def _expand(where: str, url: str, sources: Mapping[str, str]) -> str:
    source, colon, path = url.partition(":")
    if path.startswith("//"):
        return url
    if not colon or source not in sources:
        raise OctetError(f"{where}: url: {unknown('source', source, sources)}")
    return sources[source] + path


def _check(catalogue: Catalogue) -> None:
    assets: list[Asset] = [*catalogue.labels.values(), *catalogue.samples]
    for network in catalogue.networks:
        where = f"network {network.id!r}"
        _one_of(where, "task", network.task, TASKS)
        _one_of(where, "fit", network.fit, FITS)
        _one_of(where, "labels", network.labels, catalogue.labels)
        _unique(f"{where}: models", [model.id for model in network.models])
        for model in network.models:
            others = [other.id for other in network.models if other is not model]
            if model.quantized_from:
                _one_of(f"{where}, model {model.id!r}", "model", model.quantized_from, others)
        if not network.models:
            raise OctetError(f"{where}: it has no models")
        assets += network.models
    for sample in catalogue.samples:
        where = f"sample {sample.id!r}"
        _one_of(where, "credit", sample.credit, catalogue.credits)
        for task in sample.tasks:
            _one_of(where, "tasks", task, TASKS)
    _unique("networks", [network.id for network in catalogue.networks])
    _unique("samples", [sample.id for sample in catalogue.samples])
    for asset in assets:
        if asset.url and not asset.sha256:
            raise OctetError(f"{asset.file}: a url needs a sha256")


def _one_of(where: str, key: str, value: str, known: Any) -> None:
    if value not in known:
        raise OctetError(f"{where}: {unknown(key, value, known)}")


def _unique(where: str, ids: list[str]) -> None:
    for name in ids:
        if ids.count(name) > 1:
            raise OctetError(f"{where}: {name!r} is there twice")
