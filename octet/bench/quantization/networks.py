# SPDX-License-Identifier: Apache-2.0
"""The networks whose accuracy is measured, with the records to calibrate and to test them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from octet.bench.models import models_folder
from octet.bench.quantization import quantizers
from octet.bench.quantization.quantizers import Quantizer
from octet.errors import OctetError
from octet.quantize.data.images import ImageOptions, find_images, image_record
from octet.tflite.types import Array

CALIBRATION = 100
"""Records that ranges are recorded from."""

Sample = tuple[Array, int | None]
"""A record and its class, where it is known."""


@dataclass(frozen=True)
class Network:
    """A network to quantize.

    Attributes:
        name: for the table.
        file: of the float model, in the folder of models.
        quantizers: by whom.
        samples: all records in order: every n-th is for calibration, the others for the test.
        measure: ``top-1``, or ``pixels`` where only agreement with the float model is known.
        data: a sentence on the records.
        published: an int8 model that others made of it, or "".
    """

    name: str
    file: str
    quantizers: Sequence[Quantizer]
    samples: Callable[[], Sequence[Callable[[], Sample]]]
    measure: str
    data: str
    published: str = ""

    @property
    def path(self) -> Path:
        """Return the float model's file. Raises OctetError if it is not there."""
        path = models_folder() / self.file
        if not path.is_file():
            raise OctetError(f"{self.name}: there is no {path} (set OCTET_DATA)")
        return path

    def split(self) -> tuple[list[Callable[[], Sample]], list[Callable[[], Sample]]]:
        """Return what is for calibration, and what for the test."""
        loaders = list(self.samples())
        chosen = set(range(0, len(loaders), max(1, len(loaders) // CALIBRATION))[:CALIBRATION])
        rest = [load for i, load in enumerate(loaders) if i not in chosen]
        return [loaders[i] for i in sorted(chosen)], rest

    def calibration(self) -> Path:
        """Return a NumPy file with the calibration records, written if it is not there."""
        path = quantizers.FOLDER / f"{Path(self.file).stem}-calibration.npy"
        if not path.is_file():
            path.parent.mkdir(parents=True, exist_ok=True)
            chosen, _ = self.split()
            partial = path.with_suffix(".partial.npy")
            np.save(partial, np.stack([load()[0] for load in chosen]))
            partial.replace(path)
        return path

    def test(self) -> Iterator[Sample]:
        """Yield the test records."""
        for load in self.split()[1]:
            yield load()


def _imagenet() -> list[Callable[[], Sample]]:
    """1000 photos, one of each class, whose number is in the name; class 0 is the background."""
    options = ImageOptions(224, 224, resize=256)
    paths = find_images([models_folder() / "data/imagenet1000_256"])

    def loader(path: Path) -> Callable[[], Sample]:
        return lambda: (image_record(path, options), int(path.name[:4]) + 1)

    return [loader(path) for path in paths]


def _cifar() -> list[Callable[[], Sample]]:
    with np.load(models_folder() / "data/cifar10_test1000_jpeg.npz") as data:
        pixels, classes = data["x"], data["y"]

    def loader(index: int) -> Callable[[], Sample]:
        return lambda: (pixels[index : index + 1].astype(np.float32), int(classes[index]))

    return [loader(index) for index in range(len(pixels))]


def _photos(size: int) -> Callable[[], list[Callable[[], Sample]]]:
    """Photos of things that Pascal VOC has classes for, and 100 of ImageNet for calibration."""

    def samples() -> list[Callable[[], Sample]]:
        options = ImageOptions(size, size, fit="stretch")
        every = find_images([models_folder() / "data/imagenet1000_256"])[::10]
        photos = find_images([models_folder() / "images"])
        photos = [path for path in photos if "mask" not in path.name and path.suffix != ".bmp"]

        def loader(path: Path) -> Callable[[], Sample]:
            return lambda: (image_record(path, options), None)

        return [loader(path) for path in (*every, *photos)]

    return samples


NETWORKS = (
    Network(
        "MobileNetV2 1.0, 224 px",
        "tflite-derived/mobilenet_v2_1.0_224_f32.tflite",
        quantizers.MODEL_QUANTIZERS,
        _imagenet,
        "top-1",
        "100 photos of ImageNet to calibrate, 900 others to test: the central 224 of 256 pixels",
    ),
    Network(
        "ResNet8, CIFAR-10",
        "tflite-f32/resnet8_cifar_f32.tflite",
        quantizers.OWN_QUANTIZERS,
        _cifar,
        "top-1",
        "100 pictures of CIFAR-10 to calibrate, 900 others to test",
        "tflite-int8/resnet8_cifar_int8.tflite",
    ),
    Network(
        "DeepLab v3, 257 px",
        "tflite-f32/deeplabv3_257_mv_gpu.tflite",
        quantizers.OWN_QUANTIZERS,
        _photos(257),
        "pixels",
        "100 photos of ImageNet to calibrate, other photos to test",
    ),
    Network(
        "DeepLab v3, 513 px, output stride 8",
        "tflite-derived/deeplabv3_mnv2_pascal_os8_f32.tflite",
        quantizers.OWN_QUANTIZERS,
        _photos(513),
        "pixels",
        "100 photos of ImageNet to calibrate, other photos to test",
    ),
)
