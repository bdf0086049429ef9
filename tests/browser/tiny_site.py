# SPDX-License-Identifier: Apache-2.0
"""The demo site over networks and pictures made here: small, exact, and free to be published.

What a network says of a picture is plain from its weights: colours are its classes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from flatbuffers import flexbuffers  # type: ignore[import-untyped]
from PIL import Image, ImageDraw

from octet.toolchain import assets, models, pages, size
from octet.toolchain.paths import DIST
from octet.toolchain.tasks import Runner
from tests.tflite.tiny_models import Array, Operator, Tensor, constant, write_model

RED, GREEN, BLUE, GREY = (230, 20, 20), (20, 200, 20), (20, 20, 230), (127, 127, 127)

COLOURS = ("background", "red", "green", "blue")
"""Classes of the classifier and the segmenter."""

WEIGHTS = np.array([[-1, -1, -1], [2, -1, -1], [-1, 2, -1], [-1, -1, 2]], np.float32)
"""How much red, green and blue, from -1 to 1, speak for each of COLOURS."""

CATALOGUE = """
[labels.colours]
file = "labels/colours.txt"

[labels.objects]
file = "labels/objects.txt"
skip = 1

[credits.nobody]
author = "octet's tests"
licence = "Apache-2.0"
"""

PRECISIONS = ("uint8", "f32")


def real(precision: str, *shape: int, scale: float = 1 / 128, zero_point: int = 128) -> Tensor:
    """A tensor of real numbers in a precision."""
    if precision == "f32":
        return Tensor(shape)
    return Tensor(shape, "uint8", scale, zero_point)


def weights(precision: str, values: Array, scale: float = 1 / 64) -> Tensor:
    """A constant of real numbers in a precision."""
    if precision == "f32":
        return constant(values, "float32")
    coded = np.clip(np.round(values / scale) + 128, 0, 255)
    return constant(coded, "uint8", scale=scale, zero_point=128)


def bias(precision: str, values: Array, scale: float = 1 / 64 / 128) -> Tensor:
    """A constant to add to the products of input and weights."""
    if precision == "f32":
        return constant(values, "float32")
    return constant(np.round(values / scale), "int32", scale=scale)


def classifier(precision: str, pixels: int = 32) -> bytes:
    """The mean colour's class."""
    tensors = {
        "image": real(precision, 1, pixels, pixels, 3),
        "mean": real(precision, 1, 1, 1, 3),
        "weights": weights(precision, WEIGHTS),
        "bias": bias(precision, np.zeros(4)),
        "logits": real(precision, 1, 4, scale=1 / 16),
        "scores": real(precision, 1, 4, scale=1 / 256, zero_point=0),
    }
    pool = {"filterWidth": pixels, "filterHeight": pixels, "strideW": 1, "strideH": 1, "padding": 1}
    operators = [
        Operator("AVERAGE_POOL_2D", ("image",), ("mean",), "Pool2DOptions", pool),
        Operator(
            "FULLY_CONNECTED", ("mean", "weights", "bias"), ("logits",), "FullyConnectedOptions"
        ),
        Operator("SOFTMAX", ("logits",), ("scores",), "SoftmaxOptions", {"beta": 1.0}),
    ]
    return write_model(tensors, operators, ("image",), ("scores",))


def segmenter(precision: str, pixels: int = 65) -> bytes:
    """Each pixel's class by its colour; grey is background."""
    towards_background = np.array([0.5, 0, 0, 0])
    tensors = {
        "image": real(precision, 1, pixels, pixels, 3),
        "weights": weights(precision, WEIGHTS.reshape(4, 1, 1, 3)),
        "bias": bias(precision, towards_background),
        "scores": real(precision, 1, pixels, pixels, 4, scale=1 / 16),
        "axis": constant(3),
        "classes": Tensor((1, pixels, pixels), "int64"),
    }
    convolution = {"strideW": 1, "strideH": 1}
    argmax = {"outputType": 4}
    operators = [
        Operator(
            "CONV_2D", ("image", "weights", "bias"), ("scores",), "Conv2DOptions", convolution
        ),
        Operator("ARG_MAX", ("scores", "axis"), ("classes",), "ArgMaxOptions", argmax),
    ]
    return write_model(tensors, operators, ("image",), ("classes",))


def detector(precision: str, cells: int = 3, cell: int = 16, *, sees_blue: bool = True) -> bytes:
    """A box around each cell of a grid that is red (class 0) or blue (class 1)."""
    pixels, count = cells * cell, cells * cells
    centres = (np.arange(cells) + 0.5) / cells
    anchors = [[y, x, 1 / cells, 1 / cells] for y in centres for x in centres]
    classes = WEIGHTS[[0, 1, 3]].reshape(3, 1, 1, 3) * 2
    tensors = {
        "image": real(precision, 1, pixels, pixels, 3),
        "mean": real(precision, 1, cells, cells, 3),
        "no weights": weights(precision, np.zeros((4, 1, 1, 3), np.float32)),
        "no bias": bias(precision, np.zeros(4)),
        "moved": real(precision, 1, cells, cells, 4, scale=1 / 16),
        "box shape": constant([1, count, 4]),
        "boxes": real(precision, 1, count, 4, scale=1 / 16),
        "weights": weights(precision, classes, scale=1 / 32),
        "bias": bias(precision, np.array([0, -2, -2 if sees_blue else -9]), scale=1 / 32 / 128),
        "logits": real(precision, 1, cells, cells, 3, scale=1 / 10),
        "score shape": constant([1, count, 3]),
        "flat logits": real(precision, 1, count, 3, scale=1 / 10),
        "scores": real(precision, 1, count, 3, scale=1 / 256, zero_point=0),
        "anchors": _anchors(precision, np.array(anchors)),
        **{name: Tensor() for name in ("corners", "found", "certainty", "number")},
    }
    pool = {"filterWidth": cell, "filterHeight": cell, "strideW": cell, "strideH": cell}
    once = {"strideW": 1, "strideH": 1}
    postprocess = {
        "max_detections": 4,
        "max_classes_per_detection": 1,
        "nms_score_threshold": 0.3,
        "nms_iou_threshold": 0.5,
        "num_classes": 2,
        **{"y_scale": 10.0, "x_scale": 10.0, "h_scale": 5.0, "w_scale": 5.0},
    }
    operators = [
        Operator("AVERAGE_POOL_2D", ("image",), ("mean",), "Pool2DOptions", pool),
        Operator("CONV_2D", ("mean", "no weights", "no bias"), ("moved",), "Conv2DOptions", once),
        Operator("RESHAPE", ("moved", "box shape"), ("boxes",), "ReshapeOptions"),
        Operator("CONV_2D", ("mean", "weights", "bias"), ("logits",), "Conv2DOptions", once),
        Operator("RESHAPE", ("logits", "score shape"), ("flat logits",), "ReshapeOptions"),
        Operator("LOGISTIC", ("flat logits",), ("scores",)),
        Operator(
            "TFLite_Detection_PostProcess",
            ("boxes", "scores", "anchors"),
            ("corners", "found", "certainty", "number"),
            custom_options=bytes(flexbuffers.Dumps(postprocess)),
        ),
    ]
    return write_model(tensors, operators, ("image",), ("corners", "found", "certainty", "number"))


def _anchors(precision: str, values: Array) -> Tensor:
    if precision == "f32":
        return constant(values, "float32")
    return constant(np.round(values * 240), "uint8", scale=1 / 240, zero_point=0)


def write_data(folder: Path) -> Path:
    """Fill ``folder`` with networks, labels and pictures; return the path of its models.toml."""
    for name in ("labels", "models", "images"):
        (folder / name).mkdir(parents=True)
    (folder / "labels/colours.txt").write_text("\n".join(COLOURS) + "\n")
    (folder / "labels/objects.txt").write_text("???\nred thing\nblue thing\n\nnot a name\n")
    text = [CATALOGUE]
    makers: dict[str, Callable[[str], bytes]]
    makers = {"classify": classifier, "detect": detector, "segment": segmenter}
    fits = {"classify": "crop", "detect": "stretch", "segment": "contain"}
    for task, make in makers.items():
        labels = "objects" if task == "detect" else "colours"
        text.append(_table("networks", id=task, task=task, title=f"Tiny {task[:-1]}er"))
        text.append(f'labels = "{labels}"\nfit = "{fits[task]}"\n')
        for precision in PRECISIONS:
            (folder / f"models/{task}_{precision}.tflite").write_bytes(make(precision))
            file = f"models/{task}_{precision}.tflite"
            text.append(_table("networks.models", id=precision, file=file, note="Made by a test."))
        if task == "detect":
            file = "models/detect_blind.tflite"
            (folder / file).write_bytes(detector("f32", sees_blue=False))
            text.append(_table("networks.models", id="blind", precision="f32", file=file))
    for name, size_of, areas in PICTURES:
        image = Image.new("RGB", size_of, GREY)
        for box, colour in areas:
            ImageDraw.Draw(image).rectangle(box, fill=colour)
        image.save(folder / f"images/{name}.png")
        text.append(_table("samples", id=name, title=name, file=f"images/{name}.png"))
        text.append('tasks = ["classify", "detect", "segment"]\ncredit = "nobody"\n')
    path = folder / "models.toml"
    path.write_text("\n".join(text))
    return path


Area = tuple[tuple[int, int, int, int], tuple[int, int, int]]

PICTURES: Sequence[tuple[str, tuple[int, int], Sequence[Area]]] = (
    ("red", (96, 96), [((0, 0, 95, 95), RED)]),
    ("halves", (130, 65), [((0, 0, 64, 64), GREEN), ((65, 0, 129, 64), BLUE)]),
    ("blocks", (96, 96), [((0, 0, 31, 31), RED), ((64, 32, 95, 63), BLUE)]),
)
"""Name, size, and rectangles (left, top, right, bottom) of colours on grey."""


def _table(name: str, **values: str) -> str:
    return "\n".join([f"[[{name}]]", *(f'{key} = "{value}"' for key, value in values.items())])


def build_site(catalogue: Path, data: Path, output: Path) -> None:
    """Build the site of a catalogue over a data folder, as build.py builds its own."""
    finder = assets.Finder([data], downloads=None)
    found = pages.find_all(models.read_catalogue(catalogue), finder)
    runner = Runner(output.with_name(f"{output.name}-stamps"))
    for _, steps in pages.site_stages(found, DIST, size.load_sizes(), output):
        runner.run(steps)
