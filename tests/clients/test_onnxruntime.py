# SPDX-License-Identifier: Apache-2.0
"""ONNX Runtime Web with its WebNN execution provider, against its own wasm kernels."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from octet.bench import onnx_twin
from tests.clients.conftest import Answer, Array, Client

ABSOLUTE, RELATIVE = 1e-4, 1e-6
"""ONNX Runtime Web's own, for networks on wasm: js/web/test/test-runner.ts, WASM_THRESHOLD_*.
Either will do."""

FLOAT = ["float32 float32"]
FLOATS = ["float32 float32 float32"]

NETWORKS = {
    "mnist": {
        "conv2d": FLOATS,
        "relu": FLOAT,
        "maxPool2d": FLOAT,
        "reshape": FLOAT,
        "gemm": FLOATS,
    },
    "squeezenet1.1_f32": {
        "conv2d": FLOATS,
        "relu": FLOAT,
        "maxPool2d": FLOAT,
        "concat": FLOATS,
        "averagePool2d": FLOAT,
        "reshape": FLOAT,
    },
    "mobilenet_v1_0.25_128_deq_f32": {
        "conv2d": FLOATS,
        "clamp": FLOAT,
        "averagePool2d": FLOAT,
        "transpose": FLOAT,
        "reshape": FLOAT,
        "softmax": FLOAT,
    },
    "yunet_n_320_320": {
        "conv2d": FLOATS,
        "relu": FLOAT,
        "maxPool2d": FLOAT,
        "transpose": FLOAT,
        "reshape": FLOAT,
        "resample2d": FLOAT,
        "add": FLOATS,
        "sigmoid": FLOAT,
    },
}
"""By network: the operators that it asks of octet, with the types of operands and result."""


@dataclass(frozen=True)
class Quantized:
    """A network as ONNX Runtime's quantizer is asked to make it.

    Attributes:
        activations: their type, as the quantizer calls it.
        convolutions: how many the network has.
        reshapes: types that it reshapes: scales and zero points, too.
        operators: float operators between the quantizations, as in `NETWORKS`.
    """

    activations: str
    convolutions: int
    reshapes: list[str]
    operators: dict[str, list[str]]


QUANTIZED = {
    "mobilenet_v1_0.25_128_deq_f32": Quantized(
        "QUInt8",
        28,
        ["float32 float32", "int8 int8", "uint8 uint8"],
        {"conv2d": FLOATS, "averagePool2d": FLOAT, "transpose": FLOAT, "softmax": FLOAT},
    ),
    "squeezenet1.1_f32": Quantized(
        "QInt8",
        26,
        ["float32 float32", "int8 int8"],
        {"conv2d": FLOATS, "maxPool2d": FLOAT, "concat": FLOATS, "averagePool2d": FLOAT},
    ),
}

EDGES = {"f32_qu8_quantize", "qu8_f32_dequantize"}
"""Kernels from the float input and to the float output."""


def input_shape(model: onnx.ModelProto) -> list[int]:
    return [size.dim_value or 1 for size in model.graph.input[0].type.tensor_type.shape.dim]


def noise(shape: list[int], seed: int = 0) -> Array:
    return np.random.default_rng(seed).uniform(-1, 1, shape).astype(np.float32)


def both(client: Client, path: Path) -> tuple[Answer, Answer]:
    """Run a network on octet and on the client's own kernels; all of it runs on octet."""
    data = noise(input_shape(onnx.load(path)), seed=1)
    answers = {
        provider: client.run(path.read_bytes(), data, provider) for provider in ("webnn", "wasm")
    }
    on_octet, own = answers["webnn"], answers["wasm"]
    # The session was refused if a node had run elsewhere; one graph holds them all.
    assert (on_octet.graphs, on_octet.dispatches) == (1, 1)
    assert (own.graphs, own.dispatches) == (0, 0)
    assert len(on_octet.outputs) == len(own.outputs) > 0
    return on_octet, own


@pytest.mark.parametrize("name", NETWORKS)
def test_float_network(client: Client, octet_data: Path, name: str) -> None:
    on_octet, own = both(client, octet_data / f"models/onnx/{name}.onnx")
    assert on_octet.operators == NETWORKS[name]
    for got, expected in zip(on_octet.outputs, own.outputs, strict=True):
        difference = abs(got - expected)
        assert np.all((difference <= ABSOLUTE) | (difference <= RELATIVE * abs(expected)))


def test_tensors_stay_on_octet(client: Client, octet_data: Path) -> None:
    path = octet_data / "models/onnx/mnist.onnx"
    data = noise(input_shape(onnx.load(path)))
    on_tensors, on_arrays = (
        client.run(path.read_bytes(), data, way) for way in ("tensors", "webnn")
    )
    assert (on_tensors.graphs, on_tensors.dispatches) == (1, 1)
    assert np.array_equal(on_tensors.outputs, on_arrays.outputs)


@pytest.fixture(params=QUANTIZED)
def network(
    request: pytest.FixtureRequest, octet_data: Path, tmp_path: Path
) -> Iterator[tuple[Quantized, Path]]:
    wanted = QUANTIZED[request.param]
    source = octet_data / f"models/onnx/{request.param}.onnx"
    batch, channels, height, width = input_shape(onnx.load(source))
    images = [noise([batch, height, width, channels], seed) for seed in range(2, 6)]
    path = tmp_path / "quantized.onnx"
    onnx_twin.quantize(source, path, images, wanted.activations)
    yield wanted, path


def one_step(path: Path, answer: Array) -> Array:
    """What a step of each of the last quantized tensors makes of an output.

    Where the last operator is a softmax, a step of s in what it reads, up in one place and down in
    others, multiplies a probability by at most exp(2 s).
    """
    graph = onnx.load(path).graph
    producers = {name: node for node in graph.node for name in node.output}
    scales = {item.name: item for item in graph.initializer}

    def scale(name: str) -> float:
        assert producers[name].op_type == "DequantizeLinear"
        return float(numpy_helper.to_array(scales[producers[name].input[1]]))

    output = graph.output[0].name
    quantize = producers[producers[output].input[0]]
    last = producers[quantize.input[0]]
    growth = np.expm1(2 * scale(last.input[0])) if last.op_type == "Softmax" else 0
    step: Array = scale(output) + answer * growth
    return step


def test_quantized_network(client: Client, network: tuple[Quantized, Path]) -> None:
    wanted, path = network
    on_octet, own = both(client, path)
    integer = "uint8" if wanted.activations == "QUInt8" else "int8"
    assert on_octet.operators == {
        **wanted.operators,
        "reshape": wanted.reshapes,
        "quantizeLinear": [f"float32 float32 {integer} {integer}"],
        "dequantizeLinear": [
            f"{kind} float32 {kind} float32" for kind in sorted({"int32", "int8", integer})
        ],
    }
    # Each convolution became an integer kernel, and nothing between the edges computes in float.
    products = [kernel for kernel in on_octet.kernels if "gemm" in kernel or "dwconv" in kernel]
    assert len(products) == wanted.convolutions
    assert [kernel for kernel in on_octet.kernels if "f32" in kernel and kernel not in EDGES] == []
    [got], [expected] = on_octet.outputs, own.outputs
    # Sums in another order move a value from one step to the next: so much lies between the
    # client's integer kernels and its own float ones, too.
    assert np.all(abs(got - expected) <= one_step(path, expected) + ABSOLUTE)
    assert got.argmax() == expected.argmax()
