# SPDX-License-Identifier: Apache-2.0
"""models.toml: what it may say, and how its files are found."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from octet.errors import OctetError
from octet.toolchain.assets import Finder
from octet.toolchain.models import MODELS, TASKS, Asset, read_catalogue
from octet.web.server import Server

GOOD = """
[sources]
here = "https://example.org/files/"

[labels.names]
file = "names.txt"
url = "here:names.txt"
sha256 = "00"

[[networks]]
id = "net"
task = "classify"
title = "Net"
labels = "names"
fit = "crop"

[[networks.models]]
id = "f32"
file = "net.tflite"

[credits.us]
author = "us"
licence = "CC0-1.0"

[[samples]]
id = "one"
title = "One"
tasks = ["detect"]
file = "one.png"
credit = "us"
"""


def test_the_one_of_the_repository() -> None:
    catalogue = read_catalogue(MODELS)
    assert {network.task for network in catalogue.networks} == set(TASKS)
    for network in catalogue.networks:
        assert {"uint8", "f32"} <= {model.precision for model in network.models}
    assert all(sample.tasks for sample in catalogue.samples)


def test_sources_are_put_before_urls(tmp_path: Path) -> None:
    path = tmp_path / "models.toml"
    path.write_text(GOOD)
    labels = read_catalogue(path).labels["names"]
    assert labels.url == "https://example.org/files/names.txt"


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('task = "classify"', 'task = "clasify"', "network 'net': unknown task 'clasify'. Did you"),
        ('fit = "crop"', 'fit = "fill"', "unknown fit 'fill'"),
        ('labels = "names"', 'labels = "name"', "unknown labels 'name'"),
        ('credit = "us"', 'credit = "them"', "sample 'one': unknown credit 'them'"),
        ('tasks = ["detect"]', 'tasks = ["see"]', "unknown tasks 'see'"),
        ('title = "Net"', 'titel = "Net"', "unknown key 'titel'. Did you mean 'title'?"),
        ('title = "One"\n', "", "sample 'one': title is missing"),
        ('url = "here:names.txt"', 'url = "there:names.txt"', "unknown source 'there'"),
        ('sha256 = "00"', "", "names.txt: a url needs a sha256"),
        ("[credits.us]", "[credit.us]", "unknown table 'credit'"),
        ("[[networks.models]]", '[[networks.models]]\nid = "f32"\nfile = "a"\n'
         "[[networks.models]]", "'f32' is there twice"),
        ("[labels.names]", "[labels.names", "Expected"),
    ],
)  # fmt: skip
def test_mistakes_are_named(tmp_path: Path, old: str, new: str, message: str) -> None:
    path = tmp_path / "models.toml"
    assert old in GOOD
    path.write_text(GOOD.replace(old, new))
    with pytest.raises(OctetError) as error:
        read_catalogue(path)
    assert str(error.value).startswith((f"{path.name}: ", f"{path}: "))
    assert message in str(error.value)


CONTENT = b"some model"
DIGEST = hashlib.sha256(CONTENT).hexdigest()


def test_the_data_folder_comes_first(tmp_path: Path) -> None:
    (tmp_path / "a.tflite").write_bytes(b"mine")
    finder = Finder([tmp_path], tmp_path / "downloads")
    asset = Asset(file="a.tflite", url="http://localhost:1/a.tflite", sha256=DIGEST)
    assert finder.find(asset) == tmp_path / "a.tflite"
    assert finder.find(Asset(file="b.tflite")) is None
    assert finder.problems == []


def test_downloads_are_checked_and_kept(tmp_path: Path) -> None:
    downloads = tmp_path / "downloads"
    finder = Finder([tmp_path], downloads)
    with Server({"/": tmp_path}) as server:
        server.blobs["/a.tflite"] = CONTENT
        asset = Asset(file="a.tflite", url=f"{server.url}/a.tflite", sha256=DIGEST)
        wrong = Asset(file="b.tflite", url=f"{server.url}/a.tflite", sha256="0" * 64)
        missing = Asset(file="c.tflite", url=f"{server.url}/c.tflite", sha256=DIGEST)
        found = finder.find(asset)
        assert finder.find(wrong) is None
        assert finder.find(missing) is None
    assert found is not None
    assert found.read_bytes() == CONTENT
    assert "not the file" in finder.problems[0]
    assert finder.problems[1].endswith("HTTP status 404")
    # The server is gone; what was downloaded stays, and it is asked only once for more.
    again = Finder([tmp_path], downloads)
    assert again.find(asset) == found
    assert again.find(wrong) is None
    assert again.find(missing) is None
    assert len(again.problems) == 1
