# SPDX-License-Identifier: Apache-2.0
"""Runs a ``.tflite`` file in headless Chromium through the built bundle."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from playwright.sync_api import Browser, Page
from playwright.sync_api import Error as PlaywrightError

from octet.errors import OctetError
from octet.toolchain.paths import DIST
from octet.web.browser import ConsoleLog, PageFailedError, chromium, evaluate, open_page
from octet.web.server import Server

Array = npt.NDArray[Any]

PAGE = b"<!doctype html><title>octet run</title><script type=module src=/runner/runner.js></script>"

VARIANTS = ("scalar", "simd", "relaxed")
DOTS = ("none", "unsigned", "signed", "pairs")
"""What the dot products of bytes may be (wasm_kernels/dots.h)."""


@dataclass(frozen=True)
class TensorInfo:
    """An input or output of a model.

    Attributes:
        name: as in the file.
        shape: its dimensions.
        dtype: NumPy's name of its element type.
        scale: quantization scales, empty for a tensor that is not quantized.
        zero_point: one for each scale.
    """

    name: str
    shape: tuple[int, ...]
    dtype: str
    scale: tuple[float, ...]
    zero_point: tuple[int, ...]


class ModelFailedError(OctetError):
    """The browser refused the model or failed to run it; the message is the page's own."""


class BrowserModel:
    """A model that is loaded in a page; made by `Runner.load`.

    Attributes:
        name: of its file.
        inputs: what `run` takes.
        outputs: what it returns, in order.
        operators: the file's operators, as the loader reports them.
        steps: the kernel steps of a dispatch.
        notes: by operator label, why it stayed in float.
        graph_text: the compiled graph, where it was asked for.
        engine: wasm variant and thread count.
    """

    def __init__(self, name: str, page: Page, server: Server, facts: Mapping[str, Any]) -> None:
        self.name = name
        self._page = page
        self._server = server
        self.inputs = [_tensor_info(tensor) for tensor in facts["inputs"]]
        self.outputs = [_tensor_info(tensor) for tensor in facts["outputs"]]
        self.operators: list[dict[str, Any]] = facts["operators"]
        self.steps: list[dict[str, Any]] = facts["graph"]["steps"]
        self.notes: dict[str, str] = facts["graph"]["notes"]
        self.graph_text: str = facts["graph"]["text"]
        self.engine: dict[str, Any] = facts["engine"]

    def run(self, inputs: Mapping[str, Array]) -> dict[str, Array]:
        """Run once and return the outputs by name.

        Raises:
            OctetError: for a missing or unknown input, a wrong shape or dtype.
        """
        urls = self._upload(inputs)
        _evaluate(self._page, "([urls, to]) => octetRunner.run(urls, to)", [urls, "/out"])
        results = {}
        for index, info in enumerate(self.outputs):
            body = self._server.uploads.pop(f"/out/{index}")
            results[info.name] = np.frombuffer(body, info.dtype).reshape(info.shape).copy()
        return results

    def time(self, inputs: Mapping[str, Array], warmup: int = 5, runs: int = 20) -> list[float]:
        """Return the milliseconds of ``runs`` runs after ``warmup`` uncounted ones."""
        urls = self._upload(inputs)
        script = "([urls, warmup, runs]) => octetRunner.time(urls, warmup, runs)"
        times: list[float] = _evaluate(self._page, script, [urls, warmup, runs])
        return times

    def profile(self, runs: int = 5) -> list[dict[str, Any]]:
        """Return the kernel steps with ``ms``, the median time of each on one thread."""
        steps: list[dict[str, Any]] = _evaluate(
            self._page, "(runs) => octetRunner.steps(runs)", runs
        )
        return steps

    def _upload(self, inputs: Mapping[str, Array]) -> list[str]:
        arrays = match_inputs(self.name, self.inputs, inputs)
        urls = []
        for index, array in enumerate(arrays):
            url = f"/in/{index}"
            self._server.blobs[url] = array.tobytes()
            urls.append(url)
        return urls


class Runner:
    """A browser with the built bundle, ready to load models; use `runner()` to make one."""

    def __init__(self, browser: Browser, server: Server) -> None:
        self._browser = browser
        self._server = server

    def parse(self, model: Path) -> dict[str, Any]:
        """Return what a file holds, as the loader reads it, whether or not it can run.

        Raises:
            OctetError: if the file cannot be read.
            ModelFailedError: if it is not a sound model file.
        """
        with self._page(model) as page:
            options = {"url": "/model", "fileName": model.name}
            facts: dict[str, Any] = _evaluate(page, "(o) => octetRunner.parse(o)", options)
            return facts

    @contextmanager
    def load(
        self,
        model: Path,
        *,
        variant: str | None = None,
        dot: str | None = None,
        threads: int | None = None,
        float_io: bool = False,
        dump_tensors: bool = False,
        show_graph: bool = False,
    ) -> Iterator[BrowserModel]:
        """Load a model in a fresh page, which closes with the context.

        Args:
            model: a ``.tflite`` file.
            variant: one of VARIANTS; None takes the best one.
            dot: one of DOTS that the CPU has; None takes the best one.
            threads: None takes the default of the machine.
            float_io: float32 inputs and outputs for a quantized model.
            dump_tensors: every intermediate tensor becomes an output.
            show_graph: keep the compiled graph's text.

        Raises:
            OctetError: if the file cannot be read.
            ModelFailedError: if the loader refuses it.
        """
        options = {
            "url": "/model",
            "fileName": model.name,
            "settings": _settings(variant, dot, threads, show_graph),
            "floatInputs": float_io,
            "floatOutputs": float_io,
            "outputs": "all" if dump_tensors else None,
        }
        with self._page(model) as page:
            facts = _evaluate(page, "(options) => octetRunner.load(options)", options)
            yield BrowserModel(model.name, page, self._server, facts)

    @contextmanager
    def _page(self, model: Path) -> Iterator[Page]:
        """Open a fresh page that can fetch ``model`` at /model."""
        try:
            self._server.blobs["/model"] = model.read_bytes()
        except OSError as error:
            raise OctetError(f"{model}: {error.strerror}") from None
        page = open_page(self._browser)
        console = ConsoleLog(page)
        try:
            page.goto(f"{self._server.url}/runner/")
            page.wait_for_function("globalThis.octetRunner !== undefined")
            yield page
        except PlaywrightError as error:
            lines = "\n".join(console.lines)
            raise ModelFailedError(f"{model.name}: {error.message}\n{lines}".strip()) from None
        finally:
            page.close()


@contextmanager
def runner() -> Iterator[Runner]:
    """Start Chromium and a server over the built bundle.

    Raises:
        OctetError: if nothing is built or no Chromium is found.
    """
    if not (DIST / "octet.js").is_file():
        raise OctetError("nothing is built yet. Run: python3 build.py")
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        folders = {"/dist": DIST, "/runner": Path(__file__).parent, "/": folder}
        server = stack.enter_context(Server(folders, accepts_uploads=True))
        server.blobs["/runner/"] = PAGE
        yield Runner(stack.enter_context(chromium()), server)


def match_inputs(model: str, infos: list[TensorInfo], inputs: Mapping[str, Array]) -> list[Array]:
    """Return the arrays in the order of ``infos``, the inputs of ``model``, checked against them.

    A single input may have any name. float64 and float16 become float32 where that is expected;
    nothing else is converted.

    Raises:
        OctetError: naming model, input, expected and found.
    """
    names = [info.name for info in infos]
    if len(infos) == 1 and len(inputs) == 1:
        inputs = dict(zip(names, inputs.values(), strict=True))
    missing = [name for name in names if name not in inputs]
    extra = [name for name in inputs if name not in names]
    if missing or extra:
        got, expected = (", ".join(map(repr, sorted(n))) or "none" for n in (inputs, names))
        raise OctetError(f"{model}: inputs: got {got}, expected {expected}.")
    arrays = []
    for info in infos:
        array = inputs[info.name]
        if info.dtype == "float32" and array.dtype.kind == "f":
            array = array.astype(np.float32)
        if array.dtype != np.dtype(info.dtype):
            hint = ", or float input (--float-io)" if info.scale and array.dtype.kind == "f" else ""
            raise OctetError(
                f'{model}: input "{info.name}": dtype: got {array.dtype}, '
                f"expected {info.dtype}{hint}."
            )
        if array.shape != info.shape:
            raise OctetError(
                f'{model}: input "{info.name}": shape: got {list(array.shape)}, '
                f"expected {list(info.shape)}."
            )
        arrays.append(np.ascontiguousarray(array))
    return arrays


def _settings(
    variant: str | None, dot: str | None, threads: int | None, debug: bool
) -> dict[str, Any]:
    return {"debug": debug, "variant": variant, "dot": dot, "threads": threads}


def _tensor_info(tensor: Mapping[str, Any]) -> TensorInfo:
    quantization = tensor["quantization"] or {"scale": [], "zeroPoint": []}
    return TensorInfo(
        name=tensor["name"],
        shape=tuple(tensor["shape"]),
        dtype=tensor["dataType"],
        scale=tuple(quantization["scale"]),
        zero_point=tuple(int(z) for z in quantization["zeroPoint"]),
    )


def _evaluate(page: Page, script: str, argument: object) -> Any:
    try:
        return evaluate(page, script, argument)
    except PageFailedError as error:
        raise ModelFailedError(str(error)) from None
