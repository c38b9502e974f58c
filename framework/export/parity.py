"""Parity: the predictions of a run and of its export on the same images, compared."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from framework.data.decode import BadImage
from framework.errors import RunFailed, count
from framework.evaluation.predictions import Predictions
from framework.evaluation.probabilities import logits_of
from framework.registry import default_task

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    from framework.components import Activation, Task
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
    classes: tuple[str, ...] = ()
    task: Task = field(default_factory=default_task)
    activation: Activation = "softmax"
    thresholds: Tensor | None = None
    """As `Predictions.thresholds`."""

    def predictions(self, probabilities: NDArray[np.float64]) -> Predictions:
        """These probabilities N×K of the same images as predictions; labels are 0 if they are not known."""
        logits = logits_of(torch.from_numpy(np.ascontiguousarray(probabilities)), self.activation)
        labels = self.sample.labels
        found = torch.zeros(len(logits), dtype=torch.int64) if labels is None else torch.from_numpy(labels)
        known, _ = self.task.true_labels(found)
        names, thresholds = tuple(self.sample.names), self.thresholds
        return Predictions(
            self.classes, names, known, logits, activation=self.activation, task=self.task, thresholds=thresholds
        )


@dataclass(frozen=True)
class Comparison:
    """The export's predictions compared with the run's."""

    images: int
    largest_difference: float
    """Of a probability."""
    same_class: int
    """Images with the same predicted classes."""
    ties: int
    """Images with other classes that the run considers as probable as its own, up to `LIMIT`."""
    differing: tuple[str, ...]
    """Names of some images with other classes, without ties."""
    accuracy: tuple[float, float] | None
    """Accuracy of run and export as fractions, if labels are known."""
    metric: str = "top1"
    """The name of the accuracy: `Task.accuracy`."""

    @property
    def passed(self) -> bool:
        """Whether the export predicts what the run predicts."""
        return self.same_class + self.ties == self.images and self.largest_difference <= LIMIT

    def as_dict(self) -> dict[str, Any]:
        """As JSON types; agreement and accuracy are fractions."""
        return {
            "images": self.images,
            "largest_difference": self.largest_difference,
            "agreement": self.same_class / self.images,
            "ties": self.ties,
            "differing": list(self.differing),
            self.metric: None if self.accuracy is None else {"run": self.accuracy[0], "export": self.accuracy[1]},
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
    return RunPredictions(
        sample.selected(readable),
        probabilities,
        reduced,
        len(sample) - len(readable),
        predictor.classes,
        predictor.task,
        predictor.trained.activation,
        predictor.threshold_logits,
    )


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
    own, found = run.predictions(expected), run.predictions(exported)
    same = own.predicted == found.predicted
    same = same if same.ndim == 1 else same.all(dim=1)
    ties = ~same & run.task.ties(own, found.predicted, LIMIT)
    differing = (~same & ~ties).nonzero().flatten().tolist()
    accuracy = None
    if run.sample.labels is not None:
        accuracy = own.correct.double().mean().item(), found.correct.double().mean().item()
    return Comparison(
        len(expected), float(difference.max()), int(same.sum()), int(ties.sum()),
        tuple(own.names[place] for place in differing[:SHOWN_NAMES]),
        accuracy, run.task.accuracy,
    )  # fmt: skip


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
