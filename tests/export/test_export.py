# SPDX-License-Identifier: Apache-2.0
"""``octet export`` over real networks: pages in Chromium, byte for byte, and what they download."""

from __future__ import annotations

import hashlib
import subprocess
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import brotli
import numpy as np
import pytest
from playwright.sync_api import Page

from octet.cli import main
from octet.node import node_command
from octet.toolchain.assets import Finder
from octet.toolchain.models import MODELS, read_catalogue
from octet.toolchain.paths import DIST, LOADERS
from octet.web.browser import ConsoleLog
from octet.web.runner import runner
from octet.web.server import Server

MOST_BYTES = 60_000
"""Of a page with one network, brotli, weights not counted: the project's aim."""

NETWORK = "models/tflite-uint8/mobilenet_v2_1.0_224_quant.tflite"
LABELS = "models/labels/imagenet_labels.txt"
DETECTOR = "models/tflite-uint8/ssd_mobilenet_v1_coco_quant_detect.tflite"

RUN = """async ([loader, url]) => {
  const { load } = await import(loader);
  const model = await load(await navigator.ml.createContext());
  const bytes = new Uint8Array(await (await fetch(url)).arrayBuffer());
  const results = await model.run(bytes);
  model.destroy();
  return Object.entries(results).map(([name, array]) => [name, Array.from(array, Number)]);
}"""


@pytest.fixture(scope="module")
def folder(octet_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """MobileNetV2 with the kernels, operators and passes that it needs."""
    output = tmp_path_factory.mktemp("mobilenet")
    words = [str(octet_data / NETWORK), "-o", str(output), "--kernels", "minimal"]
    labels = ["--labels", str(octet_data / LABELS), "--name", "mobilenet"]
    assert main(["export", *words, *labels]) == 0
    return output


@pytest.fixture
def exported(folder: Path) -> Iterator[Server]:
    """A server over the exported folder."""
    with Server({"/": folder}) as running:
        yield running


def expected(model: Path, array: np.ndarray) -> dict[str, np.ndarray]:
    """What the loader at run time gives."""
    with runner() as session, session.load(model) as loaded:
        return loaded.run({"input": array})


def test_same_bytes_as_the_runtime_loader(
    octet_data: Path, exported: Server, page: Page, console: ConsoleLog
) -> None:
    array = np.random.default_rng(1).integers(0, 256, (1, 224, 224, 3), np.uint8)
    exported.blobs["/input"] = array.tobytes()
    page.goto(f"{exported.url}/")
    page.wait_for_function("document.querySelector('pre').textContent === 'Ready.'")
    results = dict(page.evaluate(RUN, [f"{exported.url}/mobilenet.js", "/input"]))
    assert console.lines == []
    for name, want in expected(octet_data / NETWORK, array).items():
        np.testing.assert_array_equal(np.array(results[name], want.dtype), want.ravel())


def test_transfer_of_the_page(octet_data: Path, folder: Path, exported: Server, page: Page) -> None:
    paths: set[str] = set()
    page.context.on("request", lambda request: paths.add(urlsplit(request.url).path))
    page.goto(f"{exported.url}/")
    page.wait_for_function("document.querySelector('pre').textContent === 'Ready.'")
    page.set_input_files("input", octet_data / "models/images/cat.png")
    page.wait_for_function("document.querySelector('pre').textContent.includes('Egyptian cat')")
    sizes = {}
    for path in sorted(paths - {"/mobilenet.bin"}):
        file = folder / ("index.html" if path == "/" else path.lstrip("/"))
        sizes[path] = len(brotli.compress(file.read_bytes()))
    assert set(sizes) == {
        "/",
        "/labels.js",
        "/mobilenet.js",
        "/octet/octet.js",
        "/octet/octet_relaxed.wasm",
        "/octet/octet_worker.js",
    }
    assert sum(sizes.values()) <= MOST_BYTES, sizes


@pytest.mark.parametrize("variant", ["scalar", "simd"])
def test_every_variant_has_the_kernels(variant: str, exported: Server, page: Page) -> None:
    page.goto(f"{exported.url}/")
    page.wait_for_function("document.querySelector('pre').textContent === 'Ready.'")
    digest = """async ([loader, variant]) => {
      const { configure } = await import('/octet/octet.js');
      configure({ variant });
      const { load } = await import(loader);
      const model = await load(await navigator.ml.createContext());
      const input = Uint8Array.from({ length: 224 * 224 * 3 }, (_, i) => (i * 7919) >> 3);
      const [result] = Object.values(await model.run(input));
      return Array.from(result);
    }"""
    found = [
        page.evaluate(digest, [f"{exported.url}/mobilenet.js", name])
        for name in (variant, "relaxed")
    ]
    assert found[0] == found[1]


def test_the_engine_has_no_more_than_the_model_needs(
    folder: Path, exported: Server, page: Page
) -> None:
    page.goto(f"{exported.url}/")
    kinds = page.evaluate("""async () => {
      const context = await navigator.ml.createContext();
      const builder = new MLGraphBuilder(context);
      return `${typeof builder.conv2d} ${typeof builder.lstm}`;
    }""")
    assert kinds == "function undefined"
    assert len((folder / "octet/octet_simd.wasm").read_bytes()) < len(
        (DIST / "octet_simd.wasm").read_bytes()
    )


def test_a_detector_brings_its_postprocessing(octet_data: Path, tmp_path: Path, page: Page) -> None:
    words = [str(octet_data / DETECTOR), "-o", str(tmp_path), "--name", "detector"]
    assert main(["export", *words]) == 0
    array = np.random.default_rng(2).integers(0, 256, (1, 300, 300, 3), np.uint8)
    with Server({"/": tmp_path}) as server:
        server.blobs["/input"] = array.tobytes()
        page.goto(f"{server.url}/")
        page.wait_for_function("document.querySelector('pre').textContent === 'Ready.'")
        results = dict(page.evaluate(RUN, [f"{server.url}/detector.js", "/input"]))
    with runner() as session, session.load(octet_data / DETECTOR) as loaded:
        want = loaded.run({loaded.inputs[0].name: array})
    assert set(results) == set(want)
    for name, values in want.items():
        np.testing.assert_array_equal(np.float32(results[name]), values.ravel())


def test_the_build_makes_loaders_for_the_demo_networks(octet_data: Path) -> None:
    catalogue = read_catalogue(MODELS)
    finder = Finder([octet_data], downloads=None)
    wanted = [
        f"{network.id}_{model.id}"
        for network in catalogue.networks
        for model in network.models
        if finder.find(model)
    ]
    assert wanted
    for name in wanted:
        script = LOADERS / name / f"{name}.js"
        subprocess.run(node_command("--check", script), check=True)
        digest = hashlib.sha256(script.with_suffix(".bin").read_bytes()).hexdigest()
        assert f'sha256: "{digest}"' in script.read_text()


def test_a_demo_loader_finds_octet_beside_it(octet_data: Path, page: Page) -> None:
    with Server({"/dist": DIST, "/loaders": LOADERS}) as server:
        page.goto(f"{server.url}/loaders/mobilenet_v1_025_uint8/")
        page.wait_for_function("document.querySelector('pre').textContent === 'Ready.'")
        page.set_input_files("input", octet_data / "models/images/sunflower.png")
        page.wait_for_function("document.querySelector('pre').textContent.includes('daisy')")
