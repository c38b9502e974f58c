"""From an uploaded file to inputs of the network: the whole image, or the regions that a detector finds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from framework.attribution import label_of, plugin_file_of, provider_of
from framework.data.decode import decode
from framework.data.regions import BuiltDetector, Region, cut, regions_of
from framework.errors import UserError

if TYPE_CHECKING:
    from torch import Tensor

    from framework.inference.predictor import Predictor
    from framework.inference.serving.limits import Limits
    from framework.inference.serving.uploads import Upload


class DetectorFailed(Exception):
    """The detector failed on an image; the message names its plugin, but nothing of this machine."""


@dataclass(frozen=True)
class Reading:
    """What is classified in one file."""

    regions: Sequence[Region | None] = (None,)
    """For each input of the network its region; None for the whole image."""
    size: tuple[int, int] | None = None
    """Width and height of the upright image, if the detector was used."""
    left_out: int = 0
    """Detected regions beyond the limit."""


@dataclass(frozen=True)
class UploadReader:
    """Reads files for a network, from several threads."""

    predictor: Predictor
    limits: Limits
    detector: BuiltDetector | None = None

    def read(self, upload: Upload, detect: bool) -> tuple[Reading, Iterator[Tensor]]:
        """The whole image or, with `detect` and a detector, its regions; raises `BadImage` or `DetectorFailed`.

        The iterator has an input of the network for each region, uint8 C×H×W; it holds the decoded image.
        """
        if self.detector is None or not detect:
            return Reading(), iter([self.predictor.read(upload.content, upload.name, self.limits.pixels)])
        preprocess, name = self.predictor.preprocess, upload.name
        image = decode(upload.content, name, max_pixels=self.limits.pixels, value_range=preprocess.value_range)
        try:
            found = regions_of(image, self.detector, name)
        except UserError as error:
            raise DetectorFailed(_failure(self.detector)) from error
        regions = found[: self.limits.regions]
        inputs = (preprocess(cut(image, region)) for region in regions)
        return Reading(regions, (image.shape[2], image.shape[1]), len(found) - len(regions)), inputs


def _failure(detector: BuiltDetector) -> str:
    file = plugin_file_of(detector.component)
    provider = f"plugin file '{Path(file).name}'" if file else provider_of(detector.component)
    return f"{label_of(detector.component)} failed" + (f"; it comes from {provider}" if provider else "")
