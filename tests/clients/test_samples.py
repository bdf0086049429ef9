# SPDX-License-Identifier: Apache-2.0
"""The pattern of the standard's introductions and samples, against NumPy."""

from __future__ import annotations

import numpy as np

from tests.clients.conftest import Array, Client

ULPS = 2 * 9 + 2 * 36 + 3 * 10 + 3
"""The W3C suite's for conv2d (twice the sum's length), matmul and softmax of these sizes."""


def expected(picture: Array, filters: Array, bias: Array, matrix: Array) -> Array:
    windows = np.lib.stride_tricks.sliding_window_view(picture[0, 0], (3, 3))
    convolved = np.einsum("yxij,oij->oyx", windows, filters[:, 0]) + bias[:, None, None]
    pooled = np.maximum(convolved, 0).reshape(4, 3, 2, 3, 2).max((2, 4))
    powers = np.exp(pooled.reshape(36) @ matrix)
    result: Array = powers / powers.sum()
    return result


def test_sample(client: Client) -> None:
    random = np.random.default_rng(0)
    filters, bias = random.normal(size=(4, 1, 3, 3)), random.normal(size=4)
    matrix, picture = random.normal(size=(36, 10)) / 6, random.uniform(size=(1, 1, 8, 8))
    weights = np.concatenate([part.ravel() for part in (filters, bias, matrix)])
    answer = client.run(weights.astype(np.float32).tobytes(), picture.astype(np.float32))
    assert sorted(answer.operators) == [
        "conv2d",
        "matmul",
        "maxPool2d",
        "relu",
        "reshape",
        "softmax",
    ]
    assert (answer.graphs, answer.dispatches) == (1, 1)
    singles = (array.astype(np.float32).astype(float) for array in (picture, filters, bias, matrix))
    np.testing.assert_array_max_ulp(
        answer.outputs[0].astype(np.float32), expected(*singles).astype(np.float32), ULPS
    )
