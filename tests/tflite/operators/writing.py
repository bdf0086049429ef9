# SPDX-License-Identifier: Apache-2.0
"""Drafts as files: the same operator in each kind's coding, with inputs to run it on."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from tests.tflite.operators.draft import (
    CODED,
    DTYPES,
    Draft,
    Generator,
    Part,
    parts_operator,
    plain_tensor,
)
from tests.tflite.operators.litert import run_litert
from tests.tflite.tiny_models import Array, Operator, Tensor, write_model

SUMS = {
    "BATCH_MATMUL",
    "BIDIRECTIONAL_SEQUENCE_LSTM",
    "BIDIRECTIONAL_SEQUENCE_RNN",
    "COMPLEX_ABS",
    "CONV_2D",
    "CONV_3D",
    "CUMSUM",
    "DEPTHWISE_CONV_2D",
    "FLOOR_MOD",
    "FULLY_CONNECTED",
    "GELU",
    "IMAG",
    "LOG_SOFTMAX",
    "MEAN",
    "REAL",
    "RESIZE_BILINEAR",
    "RFFT2D",
    "RNN",
    "SUM",
    "TRANSPOSE_CONV",
    "UNIDIRECTIONAL_SEQUENCE_LSTM",
    "UNIDIRECTIONAL_SEQUENCE_RNN",
}
"""Float results of numbers that cancel out: a small one is left with the roundings of large ones.
LiteRT's own, too, where it adds in another order, or, in GELU, subtracts an erf from 1."""

CONVERSIONS = ("from float", "from other", "again", "to float")


@dataclass(frozen=True)
class Sample:
    """A model, its inputs in order, and how close results must be.

    ``twin`` is the float32 model of the same (dequantized) constants where LiteRT itself computes
    with fewer bits than the file asks for, and ``bound`` how far LiteRT may then be from it.
    ``sums``: of SUMS. ``exact`` are the right outputs where LiteRT's may be some ``steps`` beside
    them.
    """

    model: bytes
    inputs: tuple[Array, ...]
    steps: int = 1
    sums: bool = False
    twin: bytes | None = None
    bound: float = 0.0
    exact: tuple[Array, ...] | None = None


@dataclass(frozen=True)
class Coded:
    """Stored integers with their scale and zero point, one for each channel of ``axis``."""

    stored: Array
    scale: Array
    zero_point: Array
    axis: int

    def tensor(self, *, fed: bool) -> Tensor:
        scale, point = self.scale.tolist(), self.zero_point.tolist()
        return Tensor(
            self.stored.shape,
            self.stored.dtype.name,
            tuple(scale),
            tuple(point),
            self.axis,
            None if fed else self.stored,
        )

    @property
    def real(self) -> Array:
        """What the integers stand for."""
        along = [1] * self.stored.ndim
        if self.scale.size > 1:
            along[self.axis] = -1
        scale, point = self.scale.reshape(along), self.zero_point.reshape(along)
        return ((self.stored.astype(np.float64) - point) * scale).astype(np.float32)


def range_coding(kind: str, low: float, high: float, draw: Generator) -> tuple[float, int]:
    """A scale and zero point for a range that holds 0, with some slack or saturation."""
    stretch = draw.rng.uniform(0.8, 1.3)
    low, high = min(low, 0.0) * stretch, max(high, 0.0) * stretch
    if high - low < 1e-3:
        high = low + 1e-3
    if kind == "i16":
        return float(np.float32(max(-low, high) / 32767)), 0
    info = np.iinfo(DTYPES[kind])
    scale = float(np.float32((high - low) / (info.max - info.min)))
    point = int(np.clip(round(info.min - low / scale), info.min, info.max))
    return scale, point


def quantized(data: Array, dtype: str, scale: float, point: int) -> Coded:
    """Values as stored integers of one scale."""
    info = np.iinfo(dtype)
    stored = np.clip(np.round(data.astype(np.float64) / scale + point), info.min, info.max)
    return Coded(stored.astype(dtype), np.array([scale]), np.array([point]), 0)


def coded_weights(part: Part, kind: str) -> Coded:
    """uint8 weights with a zero point, or int8 ones without, per channel where there is an axis."""
    data = part.data.astype(np.float64)
    if kind == "u8":
        low, high = min(data.min(), 0.0), max(data.max(), 1e-3)
        scale = float(np.float32((high - low) / 255))
        return quantized(data, "uint8", scale, round(-low / scale))
    if part.axis is None:
        scale = float(np.float32(max(np.abs(data).max(), 1e-3) / 127))
        return quantized(data, "int8", scale, 0)
    others = tuple(i for i in range(data.ndim) if i != part.axis)
    scales = np.maximum(np.abs(data).max(axis=others), 1e-3).astype(np.float32) / np.float32(127)
    along = [1] * data.ndim
    along[part.axis] = -1
    stored = np.clip(np.round(data / scales.reshape(along)), -127, 127).astype(np.int8)
    return Coded(stored, scales.astype(np.float64), np.zeros(scales.size, np.int64), part.axis)


def coded_bias(part: Part, kind: str, first: Coded, weights: Coded) -> Coded:
    """A bias in units of input scale × weight scale."""
    scale = np.float32(first.scale[0]) * weights.scale.astype(np.float32)
    stored = np.round(part.data.astype(np.float64) / scale)
    dtype = "int64" if kind == "i16" else "int32"
    return Coded(stored.astype(dtype), scale.astype(np.float64), np.zeros(scale.size, np.int64), 0)


def write(draft: Draft, kind: str, draw: Generator) -> Sample:
    """Write the draft as a model of ``kind``."""
    if draft.coding in CONVERSIONS:
        return _write_conversion(draft, kind, draw)
    if kind in CODED and draft.coding != "raw":
        return _write_coded(draft, kind, draw)
    if kind == "f16":
        return _write_half(draft)
    if kind == "hybrid":
        return _write_hybrid(draft)
    return _sample(draft, _plain(draft))


def _plain(draft: Draft) -> bytes:
    tensors = {name: plain_tensor(part) for name, part in draft.inputs.items()}
    operators = list(draft.chain) or [parts_operator(draft)]
    return _finish(draft, tensors | draft.between, operators)


def _write_half(draft: Draft) -> Sample:
    tensors: dict[str, Tensor] = {}
    operators = []
    for name, part in draft.inputs.items():
        if part.role in ("feed", "literal") or part.data.dtype.kind != "f":
            tensors[name] = plain_tensor(part)
            continue
        half = part.data.astype(np.float16)
        tensors[f"{name}.half"] = Tensor(half.shape, "float16", data=half)
        tensors[name] = Tensor(half.shape)
        operators.append(Operator("DEQUANTIZE", (f"{name}.half",), (name,)))
    model = _finish(draft, tensors, [*operators, parts_operator(draft)])
    return _sample(draft, model)


def _write_hybrid(draft: Draft) -> Sample:
    """LiteRT codes the activations in 8 bits as it runs: half a step of them for each weight."""
    tensors, twin, sums = {}, {}, []
    for name, part in draft.inputs.items():
        tensors[name] = twin[name] = plain_tensor(part)
        if part.role == "weights":
            weights = coded_weights(part, "i8")
            tensors[name] = weights.tensor(fed=False)
            twin[name] = Tensor(weights.real.shape, data=weights.real)
            axis = 0 if part.axis is None else part.axis
            others = tuple(i for i in range(weights.real.ndim) if i != axis)
            sums.append(np.abs(weights.real).sum(axis=others).max())
    most = max(np.abs(part.data).max() for part in draft.inputs.values() if part.role == "feed")
    operators = [parts_operator(draft)]
    sample = _sample(draft, _finish(draft, tensors, operators))
    bound = float(2 * most / 255 * sum(sums))
    return replace(sample, twin=_finish(draft, twin, operators), bound=bound)


def _write_conversion(draft: Draft, kind: str, draw: Generator) -> Sample:
    """QUANTIZE and DEQUANTIZE: one side in ``kind``, the other as the draft's coding says."""
    part = draft.inputs["x"]
    other = {"u8": "i8", "i8": "u8"}.get(kind, kind)
    given = other if draft.coding == "from other" else kind
    coded = quantized(part.data, DTYPES[given], *range_coding(given, part.low, part.high, draw))
    again = range_coding(kind, part.low, part.high, draw)
    output = Tensor(part.data.shape, DTYPES[kind], *again)
    if draft.coding == "to float":
        output = Tensor(part.data.shape)
    if draft.coding == "from float":
        source, feed = plain_tensor(part), part.data
    else:
        source, feed = coded.tensor(fed=True), coded.stored
    model = write_model({"x": source, "y": output}, [parts_operator(draft)], ("x",), ("y",))
    return Sample(model, (feed,))


def _write_coded(draft: Draft, kind: str, draw: Generator) -> Sample:
    tensors: dict[str, Tensor] = {}
    inputs, real = [], {}
    first: Coded | None = None
    weights: Coded | None = None
    for name, part in draft.inputs.items():
        real[name] = part
        if part.role == "literal" or part.data.dtype.kind != "f":
            tensors[name] = plain_tensor(part)
            if part.role == "feed":
                inputs.append(part.data)
            continue
        if part.role == "weights":
            weights = coded = coded_weights(part, kind)
        elif part.role == "bias":
            assert first is not None and weights is not None
            coded = coded_bias(part, kind, first, weights)
        else:
            coding = part.coding or range_coding(kind, part.low, part.high, draw)
            if draft.coding == "same" and first is not None:
                coding = (float(first.scale[0]), int(first.zero_point[0]))
            coded = quantized(part.data, DTYPES[kind], *coding)
            first = first or coded
            if part.role == "feed":
                inputs.append(coded.stored)
        tensors[name] = coded.tensor(fed=part.role == "feed")
        real[name] = replace(part, data=coded.real)
    assert first is not None
    outputs, results = _outputs(replace(draft, inputs=real), kind, first, draw)
    operator = replace(parts_operator(draft), intermediates=draft.intermediates)
    if draft.inner is not None:
        tensors |= draft.inner(outputs)
        draft = replace(draft, states={})
    model = _finish(draft, tensors, [operator], outputs)
    sample = Sample(model, tuple(inputs))
    if kind not in draft.rough:
        return sample
    return replace(sample, steps=draft.rough[kind], exact=results)


def _outputs(
    draft: Draft, kind: str, first: Coded, draw: Generator
) -> tuple[dict[str, Tensor], tuple[Array, ...]]:
    """Outputs as the draft wants them coded, and the stored values of the float32 twin."""
    tensors, results = {}, []
    feeds = tuple(part.data for part in draft.inputs.values() if part.role == "feed")
    for name, result in zip(draft.outputs, run_litert(_plain(draft), feeds), strict=True):
        results.append(result)
        if result.dtype.kind != "f":
            tensors[name] = Tensor(result.shape, result.dtype.name)
            continue
        if not isinstance(draft.coding, str):
            coding = draft.coding[kind]
        elif draft.coding == "same":
            coding = float(first.scale[0]), int(first.zero_point[0])
        else:
            coding = range_coding(kind, float(result.min()), float(result.max()), draw)
        tensors[name] = Tensor(result.shape, DTYPES[kind], *coding)
        results[-1] = quantized(result, DTYPES[kind], *coding).stored
    return tensors, tuple(results)


def _finish(
    draft: Draft,
    tensors: dict[str, Tensor],
    operators: list[Operator],
    outputs: dict[str, Tensor] | None = None,
) -> bytes:
    """The file; without ``outputs``, their types and shapes are those LiteRT infers."""
    fed = tuple(name for name, part in draft.inputs.items() if part.role == "feed")
    states = {name: Tensor(shape, variable=True) for name, shape in draft.states.items()}

    def written(results: dict[str, Tensor]) -> bytes:
        return write_model({**tensors, **states, **results}, operators, fed, draft.outputs)

    if outputs is not None:
        return written(outputs)
    dtype = draft.output_dtype or _first_dtype(draft)
    open_rank = {name: Tensor((), draft.output_dtypes.get(name, dtype)) for name in draft.outputs}
    feeds = tuple(draft.inputs[name].data for name in fed)
    results = run_litert(written(open_rank), feeds)
    shapes = {
        name: Tensor(array.shape, array.dtype.name)
        for name, array in zip(draft.outputs, results, strict=True)
    }
    return written(shapes)


def _first_dtype(draft: Draft) -> str:
    return next(
        (part.data.dtype.name for part in draft.inputs.values() if part.role != "literal"),
        "float32",
    )


def _sample(draft: Draft, model: bytes) -> Sample:
    feeds = tuple(part.data for part in draft.inputs.values() if part.role == "feed")
    return Sample(model, feeds, sums=draft.name in SUMS)
