# SPDX-License-Identifier: Apache-2.0
"""The table of scales and zero points, for people and for DNNLibrary."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from octet.cli import main
from octet.errors import OctetError
from octet.quantize.config import Config
from octet.quantize.table import COLUMNS, make_table
from octet.tflite.model import Model
from tests.quantize.networks import Net, classifier, quantized, scales, tensor


def odd_names() -> Model:
    """Names as TFLite's own fusions make them, and worse."""
    net = Net()
    x = net.input("in put\t1", 1, 4, 4, 2)
    return net.finish(net.conv('a/conv;b "c"', x, 2))


@pytest.mark.parametrize("make", [classifier, odd_names])
def test_tsv_has_every_scale(make: object) -> None:
    assert callable(make)
    model = quantized(make()).model
    text = make_table(model)
    header, *lines = csv.reader(text.splitlines(), delimiter="\t", quoting=csv.QUOTE_NONE)
    assert tuple(header) == COLUMNS
    found = {}
    for name, index, dtype, shape, axis, factors, points in lines:
        at = int(index)
        assert json.loads(name) == model.tensors[at].name
        assert dtype == model.dtype(at)
        assert tuple(map(int, shape.split(","))) == model.shape(at)
        found[at] = [np.float32(f) for f in factors.split(",")], [int(p) for p in points.split(",")]
        assert (axis != "") == (len(found[at][0]) > 1)
    quantized_tensors = {
        i: (
            [np.float32(s) for s in t.quantization.scale],
            [int(z) for z in t.quantization.zeroPoint],
        )
        for i, t in enumerate(model.tensors)
        if t.quantization is not None and t.quantization.scale is not None
    }
    assert found == quantized_tensors


def test_dnnlibrary() -> None:
    """name n scales m zero-points type; a bias has -2 and the tensors whose scales multiply."""
    model = quantized(classifier(), config=Config(dtype="uint8")).model
    lines = [line.split(" ") for line in make_table(model, "dnnlibrary", ("logits",)).splitlines()]
    assert lines[-1] == ["dequantize", "after:", "logits"]
    by_name = {words[0]: words[1:] for words in lines[:-1]}
    (scale,), (point,) = scales(model, "stem")
    assert by_name["stem"] == ["1", str(np.float32(scale)), "1", str(point), "quant8_asymm"]
    (scale,), (point,) = scales(model, "stem_w")
    assert by_name["stem_w_conv_w"] == [
        "1",
        str(np.float32(scale)),
        "1",
        str(point),
        "quant8_asymm",
    ]
    assert by_name["stem_b_conv_b"] == ["-2", "image_uint8", "stem_w_conv_w", "0", "int32"]
    assert tensor(model, "stem_b") and len(by_name) == len(lines) - 1


def test_what_dnnlibrary_cannot_say() -> None:
    with pytest.raises(OctetError, match="got int8 with 1 scales, expected uint8 with one"):
        make_table(quantized(classifier()).model, "dnnlibrary")
    made = quantized(odd_names(), config=Config(dtype="uint8")).model
    with pytest.raises(OctetError, match="the dnnlibrary form has no names with blanks"):
        make_table(made, "dnnlibrary")
    with pytest.raises(OctetError, match="table format: got 'csv', expected one of tsv, dnnlib"):
        make_table(made, "csv")


def test_the_command(tmp_path: Path) -> None:
    model, out, table = (tmp_path / name for name in ("m.tflite", "out.tflite", "out.tsv"))
    classifier().write(model)
    words = ["quantize", str(model), "-o", str(out), "--random", "3", "--table", str(table)]
    assert main(words) == 0
    assert table.read_text() == make_table(Model.read(out))
    table.unlink()
    out.unlink()
    assert main([*words, "--table-format", "dnnlibrary"]) == 1
    assert not table.exists() and not out.exists()
