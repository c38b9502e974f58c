"""The metrics of a classifier with several labels per image, and their intervals."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from framework.evaluation.average_precision import AveragePrecision
from framework.evaluation.bootstrap import Interval, corrected_interval, percentile_interval
from framework.evaluation.metrics import calibration_error
from framework.evaluation.probabilities import blocks, losses, probabilities

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    from framework.components import Predicted


def multilabel_metrics(predictions: Predicted, predicted: Tensor) -> dict[str, Any]:
    """All metrics as JSON types, as fractions; `predicted` is int64 N×K of 0 and 1.

    - `map`: mean over the classes that have images of their average precision (mAP).
    - `micro_f1`: F1 over all decisions; `macro_f1`: mean F1 over the classes that have images or are predicted.
    - `label_accuracy`: fraction of right decisions, of all images and classes.
    - `subset_accuracy`: fraction of images whose predicted labels are all right and complete.
    - `ranking_loss`: mean fraction of pairs of a label that the image has and one that it has not which are ranked
      wrongly, over the images that have such pairs (Schapire and Singer, 2000).
    - `loss`: binary cross entropy summed over the classes, or cross entropy of the softmax.
    - `ece`: expected calibration error of the probabilities of all labels, in 15 bins.
    - `per_class`: average precision, precision, recall, F1, threshold (a probability) and support; all but the last two
      are None for a class without images.
    """
    labels, classes = predictions.labels, predictions.classes
    counts = _Counts.of(labels.numpy(), predicted.numpy())
    support, f1 = counts.support, counts.f1()
    tested, counted = support > 0, (support + counts.predicted) > 0
    precisions = AveragePrecision(predictions.logits.double().numpy(), labels.numpy()).of_classes()
    loss = sum(
        losses(block.double(), of_block, predictions.activation).sum().item()
        for block, of_block in blocks(predictions.logits, labels)
    )
    ranking = _ranking_losses(predictions.logits, labels)
    return {
        "images": len(labels),
        "loss": loss / len(labels),
        "map": _mean(precisions[tested]),
        "micro_f1": counts.micro_f1(),
        "macro_f1": _mean(f1[counted]),
        "label_accuracy": (predicted == labels).double().mean().item(),
        "subset_accuracy": (predicted == labels).all(dim=1).double().mean().item(),
        "ranking_loss": _mean(ranking[~np.isnan(ranking)]),
        "ece": calibration_error(predictions.probabilities.flatten(), labels.flatten() > 0),
        "tested_classes": int(tested.sum()),
        "f1_classes": int(counted.sum()),
        "per_class": {
            name: _of_class(row) | {"threshold": threshold, "support": images} if images
            else dict.fromkeys(NAMES) | {"threshold": threshold, "support": 0}
            for name, row, threshold, images in zip(
                classes,
                np.stack([precisions, counts.precision(), counts.recall(), f1], axis=1).tolist(),
                threshold_probabilities(predictions),
                support.tolist(),
                strict=True,
            )
        },
    }  # fmt: skip


Measures = dict[str, Callable[["NDArray[np.int64]"], "float | None"]]
"""Metrics by name, as functions of the indices of images, which may be repeated."""


def multilabel_intervals(predictions: Predicted, predicted: Tensor) -> dict[str, Interval]:
    """The 95 % intervals of `map`, `micro_f1`, `macro_f1` and `ranking_loss`, by resampling images; deterministic."""
    biased = ("map", "macro_f1")  # too high or too low on few images of a class
    found = {
        name: (corrected_interval if name in biased else percentile_interval)(measure, *predictions.labels.shape)
        for name, measure in _measures(predictions, predicted).items()
    }
    return {name: interval for name, interval in found.items() if interval is not None}


def multilabel_differences(
    first: Predicted, first_predicted: Tensor, other: Predicted, other_predicted: Tensor
) -> dict[str, tuple[float, Interval]]:
    """`other`'s metrics less `first`'s with their 95 % intervals, for the same images, which are resampled in pairs."""
    found = {}
    others = _measures(other, other_predicted)
    for name, measure in _measures(first, first_predicted).items():

        def difference(
            drawn: NDArray[np.int64], one: Callable[..., float | None] = measure, name: str = name
        ) -> float | None:
            before, after = one(drawn), others[name](drawn)
            return None if before is None or after is None else after - before

        value = difference(np.arange(len(first.labels)))
        interval = percentile_interval(difference, *first.labels.shape)
        if value is not None and interval is not None:
            found[name] = (value, interval)
    return found


def _measures(predictions: Predicted, predicted: Tensor) -> Measures:
    labels, chosen = predictions.labels.numpy(), predicted.numpy()
    precision = AveragePrecision(predictions.logits.double().numpy(), labels)
    ranking = _ranking_losses(predictions.logits, predictions.labels)
    return {
        "map": lambda drawn: _mean(_known(precision.of_classes(np.bincount(drawn, minlength=len(labels))))),
        "micro_f1": lambda drawn: _Counts.of(labels[drawn], chosen[drawn]).micro_f1(),
        "macro_f1": lambda drawn: _Counts.of(labels[drawn], chosen[drawn]).macro_f1(),
        "ranking_loss": lambda drawn: _mean(_known(ranking[drawn])),
    }


NAMES = ("average_precision", "precision", "recall", "f1")


def _of_class(values: list[float]) -> dict[str, float | None]:
    return dict(zip(NAMES, values, strict=True))


def threshold_probabilities(predictions: Predicted) -> list[float]:
    """The thresholds of the classes as probabilities, K; 0.5 without thresholds."""
    if predictions.thresholds is None:
        return [0.5] * len(predictions.classes)
    row: list[float] = probabilities(predictions.thresholds[None], "sigmoid")[0].tolist()
    return row


class _Counts:
    """Images of each class: with the label, predicted, and both; int64 K each."""

    def __init__(self, both: NDArray[np.int64], predicted: NDArray[np.int64], support: NDArray[np.int64]) -> None:
        self.both, self.predicted, self.support = both, predicted, support

    @classmethod
    def of(cls, labels: NDArray[np.int64], predicted: NDArray[np.int64]) -> _Counts:
        return cls((labels & predicted).sum(axis=0), predicted.sum(axis=0), labels.sum(axis=0))

    def precision(self) -> NDArray[np.float64]:
        """0 if the class is never predicted."""
        return self.both / np.maximum(self.predicted, 1)

    def recall(self) -> NDArray[np.float64]:
        return self.both / np.maximum(self.support, 1)

    def f1(self) -> NDArray[np.float64]:
        values: NDArray[np.float64] = 2 * self.both / np.maximum(self.predicted + self.support, 1)
        return values

    def micro_f1(self) -> float | None:
        whole = int(self.predicted.sum() + self.support.sum())
        return 2 * int(self.both.sum()) / whole if whole else None

    def macro_f1(self) -> float | None:
        return _mean(self.f1()[self.predicted + self.support > 0])


def _ranking_losses(logits: Tensor, labels: Tensor) -> NDArray[np.float64]:
    """The ranking loss of each image, N; NaN for an image with all labels or none. Ties count as half."""
    found = []
    for block, of_block in blocks(logits, labels):
        scores, has = block.double(), of_block > 0
        rank = _mean_ranks(scores)
        positives = has.sum(dim=1).double()
        negatives = has.shape[1] - positives
        # The Mann-Whitney statistic: the rank sum of the labels less its minimum counts the pairs in the right order.
        right = (rank * has).sum(dim=1) - positives * (positives + 1) / 2
        found.append(1 - right / (positives * negatives))
    losses_: NDArray[np.float64] = torch.cat(found).numpy()
    losses_[~np.isfinite(losses_)] = np.nan
    return losses_


def _mean_ranks(scores: Tensor) -> Tensor:
    """The rank of each score in its row, from 1 for the lowest; equal scores have their mean rank."""
    ordered = scores.sort(dim=1).values.contiguous()
    below = torch.searchsorted(ordered, scores.contiguous(), right=False)
    up_to = torch.searchsorted(ordered, scores.contiguous(), right=True)
    return (below + up_to + 1).double() / 2


def _known(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return values[~np.isnan(values)]


def _mean(values: NDArray[np.float64]) -> float | None:
    return float(values.mean()) if len(values) else None
