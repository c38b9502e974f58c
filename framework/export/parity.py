"""Parity: the predictions of a run and of its export on the same images, compared."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from framework.data.decode import BadImage
from framework.errors import RunFailed, count

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    from framework.export.sample import Sample
    from framework.inference.engine import Engine
    from framework.inference.predictor import Predictor

LIMIT = 1e-4
"""Largest allowed difference of a probability: float32 sums in another order differ by about 1e-6."""
BATCH = 64
WAITING_PIXELS = 50_000_000
"""Pixels held back until a batch of one image size is full."""
SHOWN_NAMES = 10


@dataclass(frozen=True)
class RunPredictions:
    """The run's predictions for the readable images of a sample."""

    sample: Sample
    probabilities: NDArray[np.float64]
    """N×K."""
    reduced: list[int]
    """Positions of the JPEGs that were decoded at a reduced size."""
    skipped: int
    """Unreadable images."""


@dataclass(frozen=True)
class Comparison:
    """The export's predictions compared with the run's."""

    images: int
    largest_difference: float
    """Of a probability."""
    same_class: int
    """Images with the same predicted class."""
    ties: int
    """Images with another class that the run considers as probable as its own, up to `LIMIT`."""
    differing: tuple[str, ...]
    """Names of some images with another class, without ties."""
    top1: tuple[float, float] | None
    """Top-1 accuracy of run and export as fractions, if labels are known."""

    @property
    def passed(self) -> bool:
        """Whether the export predicts what the run predicts."""
        return self.same_class + self.ties == self.images and self.largest_difference <= LIMIT

    def as_dict(self) -> dict[str, Any]:
        """As JSON types; agreement and top-1 are fractions."""
        return {
            "images": self.images,
            "largest_difference": self.largest_difference,
            "agreement": self.same_class / self.images,
            "ties": self.ties,
            "differing": list(self.differing),
            "top1": None if self.top1 is None else {"run": self.top1[0], "export": self.top1[1]},
        }


def predict_with_run(predictor: Predictor, sample: Sample) -> RunPredictions:
    """Predict as the run does: reduced decoding, preprocessing image by image, then the network."""
    least = predictor.preprocess.least_side
    readable: list[int] = []
    reduced: list[int] = []

    def preprocessed() -> Iterator[NDArray[np.uint8]]:
        for place in range(len(sample)):
            try:
                image = sample.read(place, least)
            except BadImage:
                continue
            # Reduced decoding never goes below `least`.
            if min(image.shape[1:]) >= least and sample.read(place).shape != image.shape:
                reduced.append(len(readable))
            readable.append(place)
            yield predictor.preprocess(image).numpy()

    probabilities = _in_batches(predictor.probabilities, preprocessed())
    if not readable:
        images = count(len(sample), "image")
        raise RunFailed(f"parity cannot be measured: none of {images} of {sample.label} can be read")
    return RunPredictions(sample.selected(readable), probabilities, reduced, len(sample) - len(readable))


def predict_with_export(engine: Engine, run: RunPredictions, least: int) -> NDArray[np.float64]:
    """Probabilities N×K of the same images, decoded as by the run; the export does all else."""
    return _in_batches(engine.probabilities, run.sample.images(least))


def predict_at_full_size(engine: Engine, run: RunPredictions, known: NDArray[np.float64]) -> NDArray[np.float64]:
    """Probabilities N×K with all files decoded at full size, as other software does; `known` as the run decodes."""
    probabilities = known.copy()
    if run.reduced:
        images = run.sample.selected(run.reduced).images()
        probabilities[run.reduced] = _in_batches(engine.probabilities, images)
    return probabilities


def compare(run: RunPredictions, exported: NDArray[np.float64]) -> Comparison:
    """Compare an export's probabilities N×K with the run's; a NaN counts as a difference of 1."""
    expected = run.probabilities
    difference = np.nan_to_num(np.abs(expected - exported), nan=1.0)
    predicted = exported.argmax(1)
    others = expected.argmax(1) != predicted
    ties = others & (expected.max(1) - expected[np.arange(len(expected)), predicted] <= LIMIT)
    differing = np.flatnonzero(others & ~ties)
    names, labels = run.sample.names, run.sample.labels
    top1 = None if labels is None else (_accuracy(expected, labels), _accuracy(exported, labels))
    return Comparison(
        len(expected), float(difference.max()), int((~others).sum()), int(ties.sum()),
        tuple(names[place] for place in differing[:SHOWN_NAMES]), top1,
    )  # fmt: skip


def _accuracy(probabilities: NDArray[np.float64], labels: list[int]) -> float:
    return float((probabilities.argmax(1) == np.array(labels)).mean())


def _in_batches(compute: Callable[[Tensor], Tensor], images: Iterable[NDArray[np.uint8]]) -> NDArray[np.float64]:
    """Probabilities N×K in the order of the images; a batch has images of one shape."""
    waiting: dict[tuple[int, ...], list[tuple[int, NDArray[np.uint8]]]] = {}
    rows: dict[int, NDArray[Any]] = {}

    def flush(shape: tuple[int, ...]) -> None:
        places, batch = zip(*waiting.pop(shape), strict=True)
        rows.update(zip(places, compute(torch.from_numpy(np.stack(batch))).numpy(), strict=True))

    for place, image in enumerate(images):
        waiting.setdefault(image.shape, []).append((place, image))
        if len(waiting[image.shape]) == BATCH:
            flush(image.shape)
        elif sum(len(group) * group[0][1].size for group in waiting.values()) > WAITING_PIXELS:
            flush(max(waiting, key=lambda shape: len(waiting[shape]) * int(np.prod(shape))))
    for shape in list(waiting):
        flush(shape)
    return np.array([rows[place] for place in range(len(rows))], np.float64)
