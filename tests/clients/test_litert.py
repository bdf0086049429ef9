# SPDX-License-Identifier: Apache-2.0
"""LiteRT.js with its WebNN accelerator, against its own wasm kernels."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from tests.clients.conftest import Answer, Array, Client

OPERATORS = 66
"""Of MobileNetV2, as LiteRT counts them."""

RELATIVE = OPERATORS * 3.0e-6
"""LiteRT's own for an operator, between XNNPACK and its reference: tflite/delegates/xnnpack/
conv_2d_tester.cc and its siblings."""

FLOAT = ["float32 float32"]
FLOATS = ["float32 float32 float32"]

LAYERS = {
    "conv2d": FLOATS,
    "clamp": FLOAT,
    "add": FLOATS,
    "averagePool2d": FLOAT,
    "reshape": FLOAT,
    "softmax": FLOAT,
}
"""What MobileNetV2 asks of octet, with the types of operands and result."""

QUANTIZATIONS = {
    "quantizeLinear": ["float32 float32 uint8 uint8"],
    "dequantizeLinear": [
        "int32 float32 int32 float32",
        "uint8 float32 uint8 float32",
    ],
}

PICTURE = np.random.default_rng(1).integers(0, 256, (1, 224, 224, 3), np.uint8)


def both(client: Client, path: Path, picture: Array) -> tuple[Answer, Answer]:
    """Run a network on octet and on the client's own kernels; all of it runs on octet."""
    on_octet, own = (
        client.run(path.read_bytes(), picture, accelerator) for accelerator in ("webnn", "wasm")
    )
    assert on_octet.facts["isFullyAccelerated"] is True
    assert (on_octet.graphs, on_octet.dispatches) == (1, 1)
    assert (own.graphs, own.dispatches) == (0, 0)
    return on_octet, own


def test_float_network(client: Client, octet_data: Path) -> None:
    path = octet_data / "models/tflite-derived/mobilenet_v2_1.0_224_f32.tflite"
    on_octet, own = both(client, path, PICTURE.astype(np.float32) / 127.5 - 1)
    assert on_octet.operators == LAYERS
    [got], [expected] = on_octet.outputs, own.outputs
    np.testing.assert_allclose(got, expected, rtol=RELATIVE, atol=0)


def test_quantized_network(client: Client, octet_data: Path) -> None:
    path = octet_data / "models/tflite-uint8/mobilenet_v2_1.0_224_quant.tflite"
    on_octet, own = both(client, path, PICTURE)
    assert on_octet.operators == LAYERS | QUANTIZATIONS
    # Bytes come and go: nothing computes in float.
    assert [kernel for kernel in on_octet.kernels if "f32" in kernel] == []
    [got], [expected] = on_octet.outputs, own.outputs
    # A step, as between XNNPACK and LiteRT's reference.
    assert abs(got - expected).max() <= 1
    assert got.argmax() == expected.argmax()
