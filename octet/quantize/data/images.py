# SPDX-License-Identifier: Apache-2.0
"""Makes records of images: sized, cropped, normalized, laid out as a model takes them."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError

from octet.errors import OctetError
from octet.quantize.data.check import DataError
from octet.quantize.data.files import PICTURES
from octet.tflite.types import Array

FITS = ("crop", "stretch", "pad")
LAYOUTS = ("nhwc", "nchw")
CHANNELS = ("rgb", "bgr", "gray")


@dataclass(frozen=True)
class ImageOptions:
    """How an image becomes a record.

    Attributes:
        height: of the record.
        width: of the record.
        resize: length of the image's shorter side before a crop; 0 for the least that fills the
            record.
        fit: ``crop`` the centre, ``stretch`` to the size, or ``pad`` with the mean.
        mean: subtracted from pixels of 0 to 255; one number, or one per channel.
        std: by which the difference is divided; one number, or one per channel.
        layout: one of LAYOUTS.
        channels: one of CHANNELS.
        dtype: element type of the record; other than float32 only with mean 0 and std 1.
    """

    height: int
    width: int
    resize: int = 0
    fit: str = "crop"
    mean: tuple[float, ...] = (127.5,)
    std: tuple[float, ...] = (127.5,)
    layout: str = "nhwc"
    channels: str = "rgb"
    dtype: str = "float32"


def find_images(paths: Sequence[Path]) -> list[Path]:
    """Return the image files in ``paths``, directories searched, in the order of their names.

    Raises:
        DataError: if a path does not exist, or there is no image.
    """
    found: list[Path] = []
    for path in paths:
        if path.is_dir():
            inside = (p for p in path.rglob("*") if p.suffix.lower() in PICTURES)
            found += sorted(p for p in inside if p.is_file())
        elif path.is_file():
            found.append(path)
        else:
            raise DataError(f"{path}: no such file or directory.")
    if not found:
        raise DataError(f"{', '.join(map(str, paths))}: got no images, expected at least one.")
    return found


def shuffled(paths: Sequence[Path], seed: int) -> list[Path]:
    """Return ``paths`` in an order that depends on the seed alone."""
    order = list(paths)
    random.Random(seed).shuffle(order)
    return order


def image_record(path: Path, options: ImageOptions) -> Array:
    """Return an image as a record, [1, height, width, channels] or [1, channels, height, width].

    Raises:
        DataError: if the file is no image, or the options do not go together.
    """
    try:
        with Image.open(path) as opened:
            image = opened.convert("L" if options.channels == "gray" else "RGB")
    except UnidentifiedImageError:
        raise DataError(f"{path}: not an image.") from None
    except OSError as error:
        raise DataError(f"{path}: {error.strerror or error}.") from None
    pixels = np.asarray(_fitted(image, options))
    pixels = pixels[:, :, np.newaxis] if pixels.ndim == 2 else pixels
    if options.channels == "bgr":
        pixels = pixels[:, :, ::-1]
    values = _normalized(pixels, options)
    if options.layout == "nchw":
        values = values.transpose(2, 0, 1)
    return np.ascontiguousarray(values[np.newaxis])


def image_records(paths: Sequence[Path], options: ImageOptions) -> Iterator[list[Array]]:
    """Yield a record of one input per image. Raises DataError."""
    for path in paths:
        yield [image_record(path, options)]


def _fitted(image: Image.Image, options: ImageOptions) -> Image.Image:
    size = (options.width, options.height)
    if options.fit == "stretch":
        return image.resize(size, Image.Resampling.BILINEAR)
    factors = options.width / image.width, options.height / image.height
    if options.fit == "pad":
        factor = min(factors)
        inner = _resized(image, factor)
        color = tuple(round(value) for value in _per_channel(options.mean, len(image.getbands())))
        canvas = Image.new(image.mode, size, color if len(color) > 1 else color[0])
        left = (options.width - inner.width) // 2
        canvas.paste(inner, (left, (options.height - inner.height) // 2))
        return canvas
    factor = max(factors)
    if options.resize:
        factor = options.resize / min(image.width, image.height)
        if factor < max(factors) - 1e-9:
            raise OctetError(
                f"resize: got {options.resize}, which is too small for a crop of "
                f"{options.width} x {options.height} from {image.width} x {image.height}."
            )
    inner = image if abs(factor - 1) < 1e-9 else _resized(image, factor)
    left, top = (inner.width - options.width) // 2, (inner.height - options.height) // 2
    return inner.crop((left, top, left + options.width, top + options.height))


def _resized(image: Image.Image, factor: float) -> Image.Image:
    size = max(1, round(image.width * factor)), max(1, round(image.height * factor))
    return image.resize(size, Image.Resampling.BILINEAR)


def _normalized(pixels: Array, options: ImageOptions) -> Array:
    mean, std = (_per_channel(values, pixels.shape[2]) for values in (options.mean, options.std))
    if options.dtype != "float32":
        if any(mean) or any(value != 1 for value in std):
            raise OctetError(f"{options.dtype} records are pixels as they are: --mean 0 --std 1.")
        return pixels.astype(options.dtype)
    low, factor = np.array(mean, np.float32), np.array(std, np.float32)
    return np.asarray((pixels.astype(np.float32) - low) / factor)


def _per_channel(values: tuple[float, ...], channels: int) -> tuple[float, ...]:
    if len(values) not in (1, channels):
        raise OctetError(f"mean and std: got {len(values)} numbers, expected 1 or {channels}.")
    return values * channels if len(values) == 1 else values
