# SPDX-License-Identifier: Apache-2.0
"""Cases as bytes for the runners, and their results back; the comparison with the model.

All numbers are little-endian 32-bit words; blobs are padded to words.

    request   count, then per case
                kernel, extent, grain, scratch bytes, parts, buffers, words,
                kernel (-1: none), scratch bytes and words of a call that prepares it
                parts:   begin, end
                buffers: bytes, role, skew of its address, blob
                words:   0, value, 0  or  1, buffer, byte offset; then those that prepare
    response  per case, first run whole and then in parts: status, the blobs of its outputs
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from .cases import Case, Rng, catalogue
from .cases.case import memory_of, offset_of, struct_words
from .contract import Array, Struct, Weights, model

STATUS = {
    0: "",
    1: "an input was changed",
    2: "bytes outside the output were changed",
}
WORD_VALUE, WORD_ADDRESS = 0, 1
INPUT, OUTPUT, PREPARED = 0, 1, 2


@dataclass(frozen=True)
class Result:
    """What a run left in the memory of the output, and its status."""

    status: int
    output: bytes


def words(*values: int) -> bytes:
    return np.array(values, np.int64).astype(np.uint32).tobytes()


def blob(data: bytes) -> bytes:
    return data + bytes(-len(data) % 4)


def float_bits(value: float) -> int:
    with np.errstate(over="ignore"):
        return int(np.float32(value).view(np.uint32))


def parts_of(rng: Rng, extent: int) -> list[tuple[int, int]]:
    """Split [0, extent) at random places; the parts, one of them empty, come in random order."""
    cuts = rng.integers(0, extent + 1, int(rng.integers(1, 5)))
    edges = sorted({0, extent, *(int(cut) for cut in cuts)})
    parts = [*zip(edges, edges[1:], strict=False), (extent, extent)]
    return [parts[i] for i in rng.permutation(len(parts))]


class Operands:
    """Buffers and argument words of one case, or of the steps of a plan, which share buffers.

    An array that one step wrote (its `Case.expected`) and a later one reads is one buffer.
    """

    def __init__(self) -> None:
        self.buffers: list[tuple[Array, int, int]] = []  # content, role, skew
        self._index: dict[int, int] = {}  # by the identity of the content
        self._kept: list[Array] = []  # so that identities stay taken

    def add(self, memory: Array, role: int = INPUT, skew: int = 0) -> int:
        """Return the buffer that holds ``memory``; a new one unless it is known."""
        index = self._index.setdefault(id(memory), len(self.buffers))
        if index == len(self.buffers):
            self.buffers.append((memory, role, skew))
        return index

    def add_prepare(self, case: Case, rng: Rng | None = None) -> tuple[Case, bytes] | None:
        """Return the call that packs the weights of ``case`` and its argument words, if any.

        The weights are then the buffer it writes.
        """
        prepare = case.prepare
        if prepare is None:
            return None
        room = prepare.arguments["packed"]
        assert isinstance(room, np.ndarray)
        index = self.add(room, PREPARED)
        self._index[id(case.arguments["w"])] = index
        self._kept.append(room)
        return prepare, self.add_case(prepare, rng)

    def add_case(self, case: Case, rng: Rng | None = None) -> bytes:
        """Return the argument words of ``case``; with ``rng``, buffers lie at random addresses."""
        kernel = catalogue().kernel(case.kernel)
        return b"".join(
            self._argument(case, parameter.name, parameter.kind, parameter.type, rng)
            for parameter in kernel.parameters
        )

    def _argument(self, case: Case, name: str, kind: str, type_: str, rng: Rng | None) -> bytes:
        value = case.arguments[name]
        if value is None:
            return words(WORD_VALUE, 0, 0)
        if kind == "f32":
            assert isinstance(value, int | float)
            return words(WORD_VALUE, float_bits(value), 0)
        if kind == "i32":
            assert isinstance(value, int)
            return words(WORD_VALUE, value, 0)
        if isinstance(value, Struct):
            return words(WORD_ADDRESS, self.add(struct_words(type_, value)), 0)
        if isinstance(value, Weights) and value.packing is not None:
            return words(WORD_ADDRESS, self._index[id(value)], 0)
        array = value.packed if isinstance(value, Weights) else value
        assert isinstance(array, np.ndarray)
        element = 4 if name in ("packed", "w") else array.itemsize
        offset = offset_of(array) * array.itemsize
        skew = 0 if rng is None else element * int(rng.integers(16 // element) * rng.integers(2))
        if name != case.output:
            return words(WORD_ADDRESS, self.add(memory_of(array), skew=skew), offset)
        if case.in_place:
            shared = case.arguments[case.in_place]
            assert isinstance(shared, np.ndarray)
            array = shared
        index = self.add(memory_of(array), OUTPUT, skew)
        self._index[id(case.expected)] = index
        return words(WORD_ADDRESS, index, offset)

    def encoded(self) -> bytes:
        """Return the buffers of the request."""
        return b"".join(
            words(memory.nbytes, role, skew) + blob(memory.tobytes())
            for memory, role, skew in self.buffers
        )


def encode_case(case: Case, rng: Rng) -> bytes:
    """Return the request of one case; its splits and skews are random."""
    operands = Operands()
    prepare = operands.add_prepare(case, rng)
    arguments = operands.add_case(case, rng)
    parts = parts_of(rng, case.extent)
    grain = 1 + int(rng.integers(case.extent))
    head = words(catalogue().kernel(case.kernel).id, case.extent, grain, case.scratch)
    sizes = words(len(parts), len(operands.buffers), len(case.arguments))
    before = words(-1, 0, 0)
    if prepare:
        packing = prepare[0]
        before = words(
            catalogue().kernel(packing.kernel).id, packing.scratch, len(packing.arguments)
        )
        arguments += prepare[1]
    edges = words(*(edge for part in parts for edge in part))
    return b"".join((head, sizes, before, edges, operands.encoded(), arguments))


def encode(cases: Sequence[Case], seed: int) -> bytes:
    """Return the request of ``cases``."""
    rng = np.random.default_rng(seed)
    return b"".join((words(len(cases)), *(encode_case(case, rng) for case in cases)))


def encode_plan(steps: Sequence[Case], grain: int) -> bytes:
    """Return a plan for pool_worker.js: scratch bytes, buffers, steps; buffers; steps.

    A step is kernel, extent, grain, words and its words. The first input of the first step is
    buffer 0, which the worker varies.
    """
    operands = Operands()
    source = next(
        value
        for name, value in steps[0].arguments.items()
        if isinstance(value, np.ndarray) and name != steps[0].output
    )
    operands.add(source)
    encoded = []
    calls = []
    for case in steps:
        prepare = operands.add_prepare(case)
        calls += [prepare[0], case] if prepare else [case]
        for call, arguments in filter(None, (prepare, (case, operands.add_case(case)))):
            kernel = catalogue().kernel(call.kernel).id
            head = words(kernel, call.extent, min(grain, call.extent), len(call.arguments))
            encoded.append(head + arguments)
    scratch = max(call.scratch for call in calls)
    head = words(scratch, len(operands.buffers), len(calls))
    return b"".join((head, operands.encoded(), *encoded))


def decode(cases: Sequence[Case], response: bytes) -> list[tuple[Result, Result]]:
    """Return for each case its result when run whole, and in parts."""
    at = 0

    def result(size: int) -> Result:
        nonlocal at
        status = int.from_bytes(response[at : at + 4], "little")
        output = response[at + 4 : at + 4 + size]
        assert len(output) == size, "the response ends early"
        at += 4 + size + -size % 4
        return Result(status, output)

    results = [(result(case.expected.nbytes), result(case.expected.nbytes)) for case in cases]
    assert at == len(response), "the response is longer than its cases"
    return results


# ---------------------------------------------------------------------------
# Comparison


def canonical(values: Array) -> Array:
    """Return the bits of ``values``, every NaN as the same one: wasm does not fix which it is."""
    if values.dtype.kind != "f":
        return values
    bits = values.view(f"u{values.itemsize}").copy()
    bits[np.isnan(values)] = np.array(np.nan, values.dtype).view(bits.dtype)
    return bits


FUSED = frozenset(["f32_gemm", "f32_igemm", "f32_dwconv"])
"""Kernels whose products and sums the relaxed variant may round together."""


def fused_bound(case: Case) -> Array:
    """Return how far rounding products and sums together may move each output.

    A sum of K products is off by at most K roundings of its magnitude, either way.
    """
    w = case.arguments["w"]
    assert isinstance(w, Weights)
    k = w.values.shape[2] * w.values.shape[3]
    source = "a" if "a" in case.arguments else "x"
    values = case.arguments[source]
    assert isinstance(values, np.ndarray)
    magnitude = replace(w, values=np.abs(w.values), bias=np.abs(w.bias))
    arguments = {**case.arguments, source: np.abs(values), "w": magnitude}
    arguments |= {"y": np.zeros_like(case.expected), "lo": -np.inf, "hi": np.inf}
    bound = np.zeros_like(case.expected)
    model(case.kernel)(**{**arguments, "y": bound})
    scaled: Array = bound.astype(np.float64) * (2 * (k + 1) * 2.0**-24)
    return scaled


def is_wrong(case: Case, got: Array, fused: bool) -> Array:
    """Return which elements of ``got`` are not what the model says."""
    wrong = canonical(got) != canonical(case.expected)
    if fused and case.kernel in FUSED and wrong.any():
        bound = fused_bound(case)
        with np.errstate(all="ignore"):
            off = np.abs(got.astype(np.float64) - case.expected.astype(np.float64))
            wrong &= ~((off <= bound) | ~np.isfinite(bound))
    return np.asarray(wrong)


def difference(case: Case, result: Result, fused: bool) -> str:
    """Return "" if ``result`` is what the model says, else the first difference."""
    if result.status:
        return STATUS[result.status]
    got = np.frombuffer(result.output, case.expected.dtype)
    wrong = np.flatnonzero(is_wrong(case, got, fused))
    if not wrong.size:
        return ""
    first = int(wrong[0])
    return (
        f"element {first} of {got.size}: got {got[first]!r}, expected {case.expected[first]!r}"
        f" ({wrong.size} differ)"
    )


def canonical_bytes(case: Case, result: Result) -> bytes:
    return canonical(np.frombuffer(result.output, case.expected.dtype)).tobytes()


def report(
    cases: Sequence[Case], results: Sequence[tuple[Result, Result]], fused: bool = False
) -> list[str]:
    """Return one line per failing case: kernel, case, whole or parts, first difference.

    With ``fused``, products and sums may have been rounded together; parts must still equal the
    whole.
    """
    lines = []
    for case, pair in zip(cases, results, strict=True):
        for how, result in zip(("whole", "in parts"), pair, strict=True):
            found = difference(case, result, fused)
            if found:
                lines.append(f"{case.kernel}: {case.note}: run {how}: {found}")
        if canonical_bytes(case, pair[0]) != canonical_bytes(case, pair[1]):
            lines.append(f"{case.kernel}: {case.note}: parts differ from the whole")
    return lines
