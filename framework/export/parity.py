"""What a run and its export say of the same images: measured, never assumed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from framework.data.decode import BadImage
from framework.errors import RunFailed, count
from framework.inference.onnx_engine import as_rgb

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from framework.export.opened import Compute
    from framework.export.sample import Sample
    from framework.inference.predictor import Predictor

LIMIT = 1e-4
"""Probabilities may differ by no more: float32 sums in another order differ by some 1e-6."""
BATCH = 64
WAITING_PIXELS = 50_000_000
"""Pixels that wait for others of their size."""
SHOWN_NAMES = 10


@dataclass(frozen=True)
class Answered:
    """What the run said of the images of a sample that could be read."""

    sample: Sample
    probabilities: NDArray[np.float64]
    """N×K."""
    large: list[int]
    """Places of images that were decoded smaller than they are."""
    skipped: int


@dataclass(frozen=True)
class Comparison:
    """Predictions of an export beside those of the run."""

    images: int
    largest_difference: float
    """Between two probabilities."""
    same_answers: int
    ties: int
    """Of the others: images of which the run holds both predictions for equally probable, but for `LIMIT`."""
    differing: tuple[str, ...]
    """Names of images with another answer, ties apart, some of them."""
    top1: tuple[float, float] | None
    """Accuracy of run and export, fractions of one, where labels are known."""

    @property
    def passed(self) -> bool:
        """Whether the export gives the run's predictions."""
        return self.same_answers + self.ties == self.images and self.largest_difference <= LIMIT

    def as_dict(self) -> dict[str, Any]:
        """As JSON types; shares and accuracies are fractions of one."""
        return {
            "images": self.images,
            "largest_difference": self.largest_difference,
            "same_answers": self.same_answers / self.images,
            "ties": self.ties,
            "differing": list(self.differing),
            "top1": None if self.top1 is None else {"run": self.top1[0], "export": self.top1[1]},
        }


def ask_run(predictor: Predictor, sample: Sample) -> Answered:
    """The run's own way: files decoded as it decodes them, preprocessed one by one, then its engine."""
    least = predictor.preprocess.least_side
    good: list[int] = []
    large: list[int] = []

    def seen() -> Iterator[NDArray[np.uint8]]:
        for place in range(len(sample)):
            try:
                (image,) = sample.picked([place]).images(least)
            except BadImage:
                continue
            if _decoded_smaller(sample, place, image, least):
                large.append(len(good))
            good.append(place)
            yield predictor.preprocess(image).numpy()

    probabilities = _in_batches(lambda images: predictor.probabilities(torch.from_numpy(images)).numpy(), seen())
    if not good:
        images = count(len(sample), "image")
        raise RunFailed(f"parity cannot be measured: of {images} of {sample.label} none can be read")
    return Answered(sample.picked(good), probabilities, large, len(sample) - len(good))


def _decoded_smaller(sample: Sample, place: int, image: NDArray[np.uint8], least: int) -> bool:
    if min(image.shape[1:]) < least:  # nothing is decoded to less than that
        return False
    (full,) = sample.picked([place]).images(None)
    return full.shape != image.shape


def ask_export(compute: Compute, answered: Answered, least: int) -> NDArray[np.float64]:
    """Probabilities N×K of the same decoded images at their own size: all else is inside the export."""
    return _in_batches(lambda images: compute(as_rgb(images)), answered.sample.images(least))


def ask_export_in_full(compute: Compute, answered: Answered, known: NDArray[np.float64]) -> NDArray[np.float64]:
    """The same where every file is decoded at its full size, as other software may do it."""
    probabilities = known.copy()
    if answered.large:
        images = answered.sample.picked(answered.large).images(None)
        probabilities[answered.large] = _in_batches(lambda batch: compute(as_rgb(batch)), images)
    return probabilities


def compare(answered: Answered, exported: NDArray[np.float64]) -> Comparison:
    """What differs; probabilities that are no numbers differ by 1."""
    run = answered.probabilities
    difference = np.nan_to_num(np.abs(run - exported), nan=1.0)
    everyone, predictions = np.arange(len(run)), exported.argmax(1)
    others = run.argmax(1) != predictions
    ties = others & (run.max(1) - run[everyone, predictions] <= LIMIT)
    differing = np.flatnonzero(others & ~ties)
    names, labels = answered.sample.names, answered.sample.labels
    top1 = None if labels is None else (_accuracy(run, labels), _accuracy(exported, labels))
    return Comparison(
        len(run), float(difference.max()), int((~others).sum()), int(ties.sum()),
        tuple(names[place] for place in differing[:SHOWN_NAMES]), top1,
    )  # fmt: skip


def _accuracy(probabilities: NDArray[np.float64], labels: list[int]) -> float:
    return float((probabilities.argmax(1) == np.array(labels)).mean())


def _in_batches(
    compute: Callable[[NDArray[np.uint8]], NDArray[Any]], images: Iterable[NDArray[np.uint8]]
) -> NDArray[np.float64]:
    """Probabilities N×K in the order of the images, which are computed together with others of their shape."""
    waiting: dict[tuple[int, ...], list[tuple[int, NDArray[np.uint8]]]] = {}
    rows: dict[int, NDArray[Any]] = {}

    def flush(shape: tuple[int, ...]) -> None:
        places, batch = zip(*waiting.pop(shape), strict=True)
        rows.update(zip(places, compute(np.stack(batch)), strict=True))

    for place, image in enumerate(images):
        waiting.setdefault(image.shape, []).append((place, image))
        if len(waiting[image.shape]) == BATCH:
            flush(image.shape)
        elif sum(len(group) * group[0][1].size for group in waiting.values()) > WAITING_PIXELS:
            flush(max(waiting, key=lambda shape: len(waiting[shape]) * int(np.prod(shape))))
    for shape in list(waiting):
        flush(shape)
    return np.array([rows[place] for place in range(len(rows))], np.float64)
