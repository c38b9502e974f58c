"""Images that tell something about a network: where it is wrong, where it doubts, where it looks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch.nn import functional as F

from framework.data.contract import read_image
from framework.data.decode import BadImage, quiet_decoding
from framework.data.preprocess import Preprocessor
from framework.data.sources import file_of
from framework.data.splits import find_split
from framework.errors import UserError
from framework.evaluation.predictions import image_keys
from framework.evaluation.probabilities import probabilities
from framework.inference.activation import activation_maps, overlay
from framework.report.choice import choose
from framework.report.page.images import thumbnail

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor

    from framework.components import ImageSource
    from framework.evaluation.predictions import Predictions
    from framework.inference.evaluated_model import EvaluatedModel
    from framework.inference.predictor import Predictor
    from framework.report.page.elements import Markup

TOLERANCE = 0.005
"""Of a probability: computed on another device it may differ by so much; beyond it the image is another."""
ENLARGED = 144
"""Pixels that a tiny image with a map is enlarged to, so that the map is smooth."""


@dataclass(frozen=True)
class Picture:
    """An image with what the network said of it, as `framework predict` would; probabilities are fractions of one."""

    name: str
    true: str
    predicted: str
    probability: float
    """Of the predicted class."""
    of_true: float
    """Of the true class."""
    image: Markup | None = None
    heat: Markup | None = None
    """The same image, coloured by where the network looked."""
    file: Path | None = None
    why_not: str = ""
    """Why there is no image."""


@dataclass(frozen=True)
class Pictures:
    """The images of a report, in the groups of `Choice`."""

    mistakes: tuple[Picture, ...]
    correct: tuple[Picture, ...]
    sample: tuple[Picture, ...]
    """With activation maps, unless `no_maps` says why not."""
    chosen: int
    absent: int
    """How many of them are not there, or are others by now."""
    no_maps: str = ""


def find_pictures(model: EvaluatedModel, split: str, predictions: Predictions) -> Pictures:
    """Choose, read and check the images; raises `UserError` where there is no such data, or none of the images in it.

    An image of which the network no longer says what it said is not shown: it is another than the metrics tell of.
    """
    source = find_split(model.splits, split)
    shown = predictions.at_temperature(model.trained.temperature)
    choice = choose(shown)
    gathering = _Gathering(source, shown)
    gathering.read(choice.all, Preprocessor.from_dict(model.trained.documents["model"]["preprocess"]))
    if not gathering.pixels:
        raise UserError(f"none of the images that were answered for is in the split '{split}' of the data set")
    try:
        no_maps = gathering.look(model.predictor, choice.sample)
    except UserError as error:
        no_maps = f"the network cannot be built any more: {error}"
    mistakes, correct = gathering.finished(choice.mistakes), gathering.finished(choice.correct)
    sample = gathering.finished(choice.sample, mapped=True)
    wanted = len(choice.all)
    return Pictures(mistakes, correct, sample, wanted, wanted - len(gathering.pixels), no_maps)


@dataclass
class _Gathering:
    """Pictures by their index in the predictions, and the pixels of those that are there."""

    source: ImageSource
    predictions: Predictions
    pictures: dict[int, Picture] = field(default_factory=dict)
    pixels: dict[int, NDArray[np.uint8]] = field(default_factory=dict)
    heats: dict[int, Markup] = field(default_factory=dict)
    """Activation maps, of the sample only."""

    def read(self, wanted: Sequence[int], preprocess: Preprocessor) -> None:
        """Read those images that still have the same name and class."""
        classes = (self.source.classes[label] for label in self.source.labels)
        places = {key: place for place, key in enumerate(image_keys(self.source.names, classes))}
        keys = self.predictions.keys
        with quiet_decoding():
            for index in wanted:
                self.pictures[index] = self._read(index, places.get(keys[index]), preprocess)

    def look(self, predictor: Predictor, sample: Sequence[int]) -> str:
        """Leave out images that are others by now, and add activation maps to the sample, or say why there are none."""
        seen = {index: predictor.preprocess(array) for index, array in self.pixels.items()}
        now = predictor.probabilities(torch.stack(list(seen.values())))
        then = probabilities(self.predictions.logits[list(seen)].double(), self.predictions.activation)
        for index, moved in zip(list(seen), (now - then).abs().amax(dim=1).tolist(), strict=True):
            if moved > TOLERANCE:
                self.pictures[index] = replace(self.pictures[index], file=None, why_not="another image by now")
                del self.pixels[index], seen[index]
        mapped = [index for index in sample if index in seen]
        if not mapped:
            return ""
        images = torch.stack([seen[index] for index in mapped])
        try:
            maps = activation_maps(predictor, images, self.predictions.logits[mapped].argmax(dim=1))
        except UserError as error:
            return str(error)
        for index, image, heat in zip(mapped, images, maps, strict=True):
            alt = f"where the network looked at {self.pictures[index].name}"
            self.heats[index] = thumbnail(_overlaid(image, heat), alt)
        return ""

    def finished(self, indices: Sequence[int], mapped: bool = False) -> tuple[Picture, ...]:
        """Some of the pictures, with their thumbnails and, where asked for, their maps."""
        return tuple(
            replace(
                self.pictures[index],
                image=thumbnail(self.pixels[index], self.pictures[index].name),
                heat=self.heats.get(index) if mapped else None,
            )
            if index in self.pixels
            else self.pictures[index]
            for index in indices
        )

    def _read(self, index: int, place: int | None, preprocess: Preprocessor) -> Picture:
        row = probabilities(self.predictions.logits[index : index + 1].double(), self.predictions.activation)[0]
        best, label, classes = int(row.argmax()), int(self.predictions.labels[index]), self.predictions.classes
        name = self.predictions.names[index]
        picture = Picture(name, classes[label], classes[best], float(row[best]), float(row[label]))
        if place is None:
            return replace(picture, why_not="not in the data set any more")
        try:
            self.pixels[index] = read_image(self.source, place, name, preprocess.least_side, preprocess.value_range)
        except BadImage as error:
            return replace(picture, why_not=f"cannot be read any more: {error.reason}")
        file = file_of(self.source, place)
        return replace(picture, file=file.absolute() if file else None)


def _overlaid(image: Tensor, heat: Tensor) -> NDArray[np.uint8]:
    """The image, uint8 C×H×W, pixel by pixel, under its smooth map H×W in [0, 1]."""
    factor = max(1, ENLARGED // max(image.shape[1:]))
    enlarged = image.repeat_interleave(factor, 1).repeat_interleave(factor, 2)
    smooth = F.interpolate(heat[None, None], scale_factor=float(factor), mode="bilinear")[0, 0]
    shown: NDArray[np.uint8] = overlay(enlarged, smooth.clamp(0, 1)).numpy()
    return shown
