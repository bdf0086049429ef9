# SPDX-License-Identifier: Apache-2.0
"""Networks of the pages that octet quantizes itself, while it is built, from the float ones.

Their ranges come from the sample pictures of their page, the only ones that may be published: each
cropped and stretched, as it is and mirrored.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np

from octet.errors import OctetError
from octet.quantize.config import Config
from octet.quantize.data.images import ImageOptions, image_record
from octet.quantize.data.source import ArrayRecords
from octet.quantize.quantize import QuantizeOptions, quantize_model
from octet.tflite.model import Model as TfliteModel
from octet.toolchain.assets import MADE, Finder
from octet.toolchain.models import Catalogue, Model, Network
from octet.toolchain.paths import ROOT
from octet.toolchain.tasks import Step, write_whole

FITS = ("crop", "stretch")

FEWEST = 4
"""Pictures, below which ranges would say too little."""


def quantize_steps(catalogue: Catalogue, finder: Finder) -> list[Step]:
    """Return a step for each network that says what it is quantized from, if that can be had."""
    steps = []
    for network in catalogue.networks:
        samples = [sample for sample in catalogue.samples if network.task in sample.tasks]
        pictures = [path for path in map(finder.find, samples) if path]
        by_id = {model.id: model for model in network.models}
        for model in network.models:
            source = finder.find(by_id[model.quantized_from]) if model.quantized_from else None
            if source and len(pictures) >= FEWEST:
                steps.append(_step(network, model, source, pictures))
    return steps


def _step(network: Network, model: Model, source: Path, pictures: Sequence[Path]) -> Step:
    code = [
        path for name in ("quantize", "tflite") for path in (ROOT / "octet" / name).rglob("*.py")
    ]
    target = MADE / model.file
    return Step(
        name=f"quantize-{network.id}-{model.id}",
        inputs=[source, *pictures, *sorted(code), Path(__file__)],
        outputs=[target],
        run=partial(quantize_network, network, model, source, pictures, target),
        key=f"{model.precision} {network.mean} {network.deviation}",
    )


def quantize_network(
    network: Network, model: Model, source: Path, pictures: Sequence[Path], target: Path
) -> None:
    """Write ``target``, the float network in ``source`` in the precision of ``model``.

    Raises:
        OctetError: if it cannot be quantized.
    """
    floats = TfliteModel.read(source)
    shape = floats.shape(floats.inputs[0])
    if len(floats.inputs) != 1 or len(shape) != 4:
        raise OctetError(f"{network.id}: {source.name} takes no picture")
    mean, std = (network.mean,), (network.deviation,)
    options = [ImageOptions(shape[1], shape[2], fit=fit, mean=mean, std=std) for fit in FITS]
    records = [image_record(path, one) for path in pictures for one in options]
    records += [np.ascontiguousarray(record[:, :, ::-1]) for record in records]
    wanted = QuantizeOptions(
        config=Config(dtype=model.precision),
        equalize=model.precision == "uint8",
        bias_correction="fast",
    )
    data = ArrayRecords([[record] for record in records], "pictures")
    made = quantize_model(floats, wanted, data)
    write_whole(target, made.model.to_bytes())
