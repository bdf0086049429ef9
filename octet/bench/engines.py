# SPDX-License-Identifier: Apache-2.0
"""The engines that the benchmark measures. Each has an adapter in ``page/engines/<name>.js``."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Engine:
    """An engine that runs in a page.

    Attributes:
        name: as in results, and of its adapter.
        package: the npm package whose version is its version; None for octet itself.
        model_format: what it loads: ``tflite``, ``onnx`` or ``tfjs``.
        on_octet: whether octet does the computing.
        against: the engine that it is compared with; None for the fastest peer.
    """

    name: str
    package: str | None
    model_format: str
    on_octet: bool = False
    against: str | None = None


OCTET = Engine("octet", None, "tflite", on_octet=True)

PEERS = (
    Engine("tfjs-tflite", "@tensorflow/tfjs-tflite", "tflite"),
    Engine("litert", "@litertjs/core", "tflite"),
    Engine("onnxruntime-web", "onnxruntime-web", "onnx"),
    Engine("tfjs-wasm", "@tensorflow/tfjs-backend-wasm", "tfjs"),
)

CLIENTS = (
    Engine(
        "onnxruntime-web-octet",
        "onnxruntime-web",
        "onnx",
        on_octet=True,
        against="onnxruntime-web",
    ),
)
"""Peers that compute on octet: by its WebNN."""

ENGINES = {engine.name: engine for engine in (OCTET, *PEERS, *CLIENTS)}
"""Every engine by its name."""


@dataclass(frozen=True)
class Entry:
    """An engine as it is set up for a run.

    Attributes:
        engine: its name.
        threads: how many compute.
        variant: octet's wasm file; None for its choice, and for other engines.
    """

    engine: str
    threads: int
    variant: str | None = None

    @property
    def label(self) -> str:
        """How messages and tables call it."""
        variant = f" {self.variant}" if self.variant else ""
        return f"{self.engine}{variant} {self.threads}T"
