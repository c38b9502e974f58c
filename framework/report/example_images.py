"""Example images of a report: mistakes, narrow decisions and activation maps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
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
from framework.report.example_selection import select_examples
from framework.report.page.images import PageImage, thumbnail

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    from framework.components import ImageSource
    from framework.evaluation.predictions import Predictions
    from framework.inference.evaluated_model import EvaluatedModel
    from framework.inference.predictor import Predictor

TOLERANCE = 0.005
"""Probabilities of an image may differ by this much between devices; more means that the image has changed."""
ENLARGED = 144
"""Tiny images are enlarged to this many pixels below an activation map, so that the map is smooth."""


ClassProbability = tuple[str, float]


@dataclass(frozen=True)
class ExampleImage:
    """An image with its true and its predicted classes, which have their probabilities."""

    name: str
    true: tuple[ClassProbability, ...]
    predicted: tuple[ClassProbability, ...]
    correct: bool
    image: PageImage | None = None
    activation_map: PageImage | None = None
    file: Path | None = None
    unavailable: str = ""
    """The reason if there is no image."""

    @property
    def hits(self) -> list[ClassProbability]:
        """The true classes that are predicted."""
        return [one for one in self.predicted if one in self.true]

    @property
    def wrong(self) -> list[ClassProbability]:
        """The classes that are predicted and not true."""
        return [one for one in self.predicted if one not in self.true]

    @property
    def missed(self) -> list[ClassProbability]:
        """The true classes that are not predicted."""
        return [one for one in self.true if one not in self.predicted]


@dataclass(frozen=True)
class ExampleImages:
    """The images of a report, in the groups of `ExampleSelection`."""

    mistakes: tuple[ExampleImage, ...]
    correct: tuple[ExampleImage, ...]
    sample: tuple[ExampleImage, ...]
    """With activation maps, unless `no_maps` gives a reason."""
    selected: int
    unavailable: int
    """Number of selected images that are missing or have changed."""
    no_maps: str = ""


def load_examples(model: EvaluatedModel, split: str, predictions: Predictions) -> ExampleImages:
    """Select, read and verify the images; raises `UserError` if the dataset or all images are missing.

    An image whose prediction is no longer reproduced has changed and is not shown.
    """
    source = find_split(model.splits, split)
    calibrated = predictions.at_temperature(model.trained.temperature)
    selection = select_examples(calibrated)
    loader = _Loader(source, calibrated)
    loader.read(selection.all, Preprocessor.from_dict(model.trained.documents["model"]["preprocess"]))
    if not loader.pixels:
        raise UserError(f"the split '{split}' of the dataset has none of the evaluated images")
    try:
        loader.verify(model.predictor)
        no_maps = loader.add_maps(model.predictor, selection.sample)
    except UserError as error:
        no_maps = f"the model cannot be built: {error}"
    return ExampleImages(
        mistakes=loader.finished(selection.mistakes),
        correct=loader.finished(selection.correct),
        sample=loader.finished(selection.sample, mapped=True),
        selected=len(selection.all),
        unavailable=len(selection.all) - len(loader.pixels),
        no_maps=no_maps,
    )


@dataclass
class _Loader:
    """Images by their index in the predictions, and the pixels of those that are available."""

    source: ImageSource
    predictions: Predictions
    images: dict[int, ExampleImage] = field(default_factory=dict)
    pixels: dict[int, NDArray[np.uint8]] = field(default_factory=dict)
    inputs: dict[int, Tensor] = field(default_factory=dict)
    maps: dict[int, PageImage] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.true_names, self.predicted_names = self.predictions.label_names, self.predictions.predicted_names
        self.correct: list[bool] = self.predictions.correct.tolist()

    def read(self, indices: Sequence[int], preprocess: Preprocessor) -> None:
        """Read the images that still have the same name and class."""
        names = self.predictions.task.label_names(np.asarray(self.source.labels), self.source.classes)
        labels = map("|".join, names)
        positions = {key: position for position, key in enumerate(image_keys(self.source.names, labels))}
        keys = self.predictions.keys
        with quiet_decoding():
            for index in indices:
                self.images[index] = self._read(index, positions.get(keys[index]), preprocess)

    def _read(self, index: int, position: int | None, preprocess: Preprocessor) -> ExampleImage:
        row = probabilities(self.predictions.logits[index : index + 1].double(), self.predictions.activation)[0]
        name, probability = (
            self.predictions.names[index],
            dict(zip(self.predictions.classes, row.tolist(), strict=True)),
        )
        true, predicted = (
            tuple(sorted(((label, probability[label]) for label in names[index]), key=lambda pair: -pair[1]))
            for names in (self.true_names, self.predicted_names)
        )
        image = ExampleImage(name, true, predicted, self.correct[index])
        if position is None:
            return replace(image, unavailable="no longer in the dataset")
        try:
            self.pixels[index] = read_image(self.source, position, name, preprocess.least_side, preprocess.value_range)
        except BadImage as error:
            return replace(image, unavailable=f"cannot be read: {error.reason}")
        file = file_of(self.source, position)
        return replace(image, file=file.absolute() if file else None)

    def verify(self, predictor: Predictor) -> None:
        """Remove images whose probabilities have changed."""
        self.inputs = {index: predictor.preprocess(array) for index, array in self.pixels.items()}
        indices = list(self.inputs)
        now = predictor.probabilities(torch.stack(list(self.inputs.values())))
        before = probabilities(self.predictions.logits[indices].double(), self.predictions.activation)
        for index, change in zip(indices, (now - before).abs().amax(dim=1).tolist(), strict=True):
            if change > TOLERANCE:
                self.images[index] = replace(self.images[index], file=None, unavailable="the image has changed")
                del self.pixels[index], self.inputs[index]

    def add_maps(self, predictor: Predictor, sample: Sequence[int]) -> str:
        """Activation maps of the sample; returns the reason if there are none."""
        indices = [index for index in sample if index in self.inputs]
        if not indices:
            return ""
        inputs = torch.stack([self.inputs[index] for index in indices])
        try:
            maps = activation_maps(predictor, inputs, self.predictions.logits[indices].argmax(dim=1))
        except UserError as error:
            return str(error)
        for index, pixels, heat in zip(indices, inputs, maps, strict=True):
            self.maps[index] = thumbnail(_overlaid(pixels, heat), f"activation map of {self.images[index].name}")
        return ""

    def finished(self, indices: Sequence[int], mapped: bool = False) -> tuple[ExampleImage, ...]:
        """The images with their thumbnails, and with their activation maps if `mapped`."""
        return tuple(
            replace(
                self.images[index],
                image=thumbnail(self.pixels[index], self.images[index].name),
                activation_map=self.maps.get(index) if mapped else None,
            )
            if index in self.pixels
            else self.images[index]
            for index in indices
        )


def _overlaid(image: Tensor, heat: Tensor) -> NDArray[np.uint8]:
    """The enlarged image, uint8 C×H×W, below its smooth map H×W in [0, 1]."""
    factor = max(1, ENLARGED // max(image.shape[1:]))
    enlarged = image.repeat_interleave(factor, 1).repeat_interleave(factor, 2)
    smooth = F.interpolate(heat[None, None], scale_factor=float(factor), mode="bilinear")[0, 0]
    shown: NDArray[np.uint8] = overlay(enlarged, smooth.clamp(0, 1)).numpy()
    return shown
