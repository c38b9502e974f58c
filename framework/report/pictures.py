"""Images that tell something about a network: where it is wrong, where it doubts, where it looks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from framework.data.contract import read_image
from framework.data.decode import BadImage, quiet_decoding
from framework.data.sources import file_of
from framework.data.splits import find_split
from framework.errors import UserError
from framework.evaluation.answers import image_keys
from framework.report.page.images import heat_overlay, thumbnail

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor

    from framework.components import ImageSource
    from framework.evaluation.answers import Answers
    from framework.inference.answering import Answering
    from framework.inference.predictor import Predictor
    from framework.report.page.elements import Markup

SHOWN = 12
"""Mistakes, and hits; and images with a map."""
TOLERANCE = 0.02
"""Of a probability: computed on another machine it may differ by so much; beyond it the image is another."""


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
    """The images of a report."""

    mistakes: tuple[Picture, ...]
    """The most confident first."""
    hits: tuple[Picture, ...]
    """The least confident first."""
    sample: tuple[Picture, ...]
    """Some of each class, whether right or wrong, with activation maps."""
    absent: int
    chosen: int
    no_maps: str = ""
    """Why there are no activation maps, where there are none."""


def find_pictures(answering: Answering, split: str, answers: Answers) -> Pictures:
    """Choose, read and check the images; raises `UserError` where there is no such data, or none of the images in it.

    An image whose probabilities are no longer what they were is not shown: it is another one than the figures tell of.
    """
    source = find_split(answering.splits, split)
    groups = _chosen(answers)
    wanted = sorted({index for group in groups for index in group})
    places = _places(source, answers, wanted)
    if not places:
        raise UserError(f"none of the images that were answered for is in the split '{split}' of the data set")
    shown = _calibrated(answering, answers)
    pictures = {index: _described(shown, index) for index in wanted}
    pixels: dict[int, NDArray[np.uint8]] = {}
    with quiet_decoding():
        for index in wanted:
            pictures[index] = _read(pictures[index], source, places.get(index), answering, pixels, index)
    no_maps = ""
    try:
        predictor = answering.predictor
    except UserError as error:
        no_maps = f"the network cannot be built any more: {error}"
    else:
        no_maps = _look(predictor, shown, pictures, pixels, set(groups[2]))
    for index, array in pixels.items():
        pictures[index] = replace(pictures[index], image=thumbnail(array, f"{pictures[index].name}"))
    mistakes, hits, sample = (tuple(pictures[index] for index in group) for group in groups)
    return Pictures(mistakes, hits, sample, len(wanted) - len(pixels), len(wanted), no_maps)


def _chosen(answers: Answers) -> tuple[list[int], list[int], list[int]]:
    """Indices of the most confident mistakes, the least confident hits, and a sample spread over the classes."""
    confidence, predictions = answers.probabilities.max(dim=1)
    wrong = (predictions != answers.labels).nonzero().flatten()
    right = (predictions == answers.labels).nonzero().flatten()
    mistakes = wrong[confidence[wrong].argsort(descending=True, stable=True)][:SHOWN].tolist()
    hits = right[confidence[right].argsort(stable=True)][:SHOWN].tolist()
    order = torch.randperm(len(answers), generator=torch.Generator().manual_seed(0)).tolist()
    return mistakes, hits, _spread(order, answers.labels.tolist())


def _spread(order: Iterable[int], labels: Sequence[int]) -> list[int]:
    """The first of each class, then the second of each, until there are enough; classes stay together."""
    rounds: Counter[int] = Counter()
    ranked = []
    for index in order:
        ranked.append((rounds[labels[index]], labels[index], index))
        rounds[labels[index]] += 1
    return [index for _, _, index in sorted(sorted(ranked)[:SHOWN], key=lambda entry: (entry[1], entry[0]))]


def _places(source: ImageSource, answers: Answers, wanted: Iterable[int]) -> dict[int, int]:
    """Where in the source those images are that still have the same name and class."""
    there = image_keys(source.names, (source.classes[label] for label in source.labels))
    found = {key: index for index, key in enumerate(there)}
    keys = answers.keys
    return {index: found[keys[index]] for index in wanted if keys[index] in found}


def _calibrated(answering: Answering, answers: Answers) -> Answers:
    """As `framework predict` answers."""
    return answers.at_temperature(answering.trained.temperature)


def _described(answers: Answers, index: int) -> Picture:
    row = answers.logits[index].double().softmax(dim=0)
    best, label = int(row.argmax()), int(answers.labels[index])
    return Picture(
        answers.names[index], answers.classes[label], answers.classes[best], float(row[best]), float(row[label])
    )


def _read(
    picture: Picture,
    source: ImageSource,
    place: int | None,
    answering: Answering,
    pixels: dict[int, NDArray[np.uint8]],
    index: int,
) -> Picture:
    if place is None:
        return replace(picture, why_not="not in the data set any more")
    size = answering.trained.documents["model"]["preprocess"]
    try:
        pixels[index] = read_image(source, place, picture.name, least=2 * max(size["height"], size["width"]))
    except BadImage as error:
        return replace(picture, why_not=f"cannot be read any more: {error.reason}")
    file = file_of(source, place)
    return replace(picture, file=file.absolute() if file else None)


def _look(
    predictor: Predictor,
    answers: Answers,
    pictures: dict[int, Picture],
    pixels: dict[int, NDArray[np.uint8]],
    sample: set[int],
) -> str:
    """Leave out images that are others now, and add activation maps to the sample; says why where it cannot."""
    if not pixels:
        return ""
    seen = {index: predictor.preprocess(array) for index, array in pixels.items()}
    now = predictor.probabilities(torch.stack(list(seen.values())))
    then = answers.probabilities[list(seen)]
    for index, moved in zip(list(seen), (now - then).abs().amax(dim=1).tolist(), strict=True):
        if moved > TOLERANCE:
            pictures[index] = replace(pictures[index], file=None, why_not="another image by now")
            del pixels[index], seen[index]
    mapped = [index for index in seen if index in sample]
    if not mapped:
        return ""
    images = torch.stack([seen[index] for index in mapped])
    maps, why_not = _maps(predictor, images, answers.logits[mapped].argmax(dim=1))
    if maps is not None:
        for index, image, heat in zip(mapped, images, maps, strict=True):
            alt = f"where the network looked at {pictures[index].name}"
            pictures[index] = replace(pictures[index], heat=heat_overlay(image.numpy(), heat.numpy(), alt))
    return why_not


def _maps(predictor: Predictor, images: Tensor, classes: Tensor) -> tuple[Tensor | None, str]:
    try:
        from framework.inference.activation import activation_maps
    except ImportError:
        return None, "not available"
    try:
        maps = activation_maps(predictor, images, classes)
    except UserError as error:
        return None, str(error)
    return maps, "" if maps is not None else "this network has no map of features that could be looked at"
