"""Paired comparison of two classifiers on the same images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from framework.attribution import full_name
from framework.errors import UserError, count
from framework.evaluation.bootstrap import Interval, difference_interval, percentile_interval
from framework.evaluation.component_metrics import Measure, built_metric

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from framework.components import Metric
    from framework.evaluation.predictions import Predictions

LEVEL = 0.05
"""Significance level."""


@dataclass(frozen=True)
class Paired:
    """Two classifiers on the images that both predicted; accuracies are fractions."""

    images: int
    """In common, with the same true classes."""
    left_out: int
    """Images of either classifier that the other lacks, or has with another true class."""
    first_accuracy: float
    other_accuracy: float
    gained: int
    """Correct only by the other."""
    lost: int
    """Correct only by the first."""
    difference: float
    """The other's accuracy minus the first's."""
    interval: Interval
    """95 % interval of the difference, by a paired bootstrap."""
    p: float
    """Of McNemar's exact test."""
    other_pixels: int = 0
    """Images in common whose preprocessed pixels differ, if both saved their hashes."""

    def as_dict(self, accuracy: str) -> dict[str, Any]:
        """As JSON types; `accuracy` is the name of the compared metric."""
        renamed = {"first_accuracy": f"first_{accuracy}", "other_accuracy": f"other_{accuracy}"}
        found = {renamed.get(name, name): value for name, value in vars(self).items()}
        return {**found, "interval": list(self.interval)}


def paired(first: Predictions, other: Predictions, *, same_size: bool = False) -> Paired:
    """Compare on the images of the same name and true class; raises `UserError` if there are none.

    With `same_size`, for networks with the same preprocessing, pixels are compared too.
    """
    rows, other_rows = common_images(first, other)
    correct, other_correct = first.correct.numpy()[rows], other.correct.numpy()[other_rows]
    gained, lost = int((other_correct & ~correct).sum()), int((correct & ~other_correct).sum())
    return Paired(
        images=len(rows),
        left_out=len(first) + len(other) - 2 * len(rows),
        first_accuracy=float(correct.mean()),
        other_accuracy=float(other_correct.mean()),
        gained=gained,
        lost=lost,
        difference=(gained - lost) / len(rows),
        interval=difference_interval(correct, other_correct),
        p=mcnemar(gained, lost),
        other_pixels=_other_pixels(first, other, rows, other_rows) if same_size else 0,
    )


def common_images(first: Predictions, other: Predictions) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The positions in both of the images with the same name and true class; raises `UserError` if there are none."""
    positions = {key: index for index, key in enumerate(other.keys)}
    pairs = [(index, positions[key]) for index, key in enumerate(first.keys) if key in positions]
    if not pairs:
        raise UserError(
            f"the predictions have no image in common: one has {_examples(first)}, the other {_examples(other)}; "
            "compare runs on the same split of the same data"
        )
    rows, other_rows = np.array(pairs).T
    return rows, other_rows


def metric_differences(
    metrics: Sequence[Metric], first: Predictions, other: Predictions
) -> dict[str, tuple[float, Interval]]:
    """`other`'s value of each metric minus `first`'s on their common images, with its 95 % interval, by name.

    By a paired bootstrap, of the metrics of the task and of the components in `metrics`; those without an interval are
    left out. Raises `UserError` if there are no common images.
    """
    rows, other_rows = common_images(first, other)
    found = first.task.differences(first.at(rows), other.at(other_rows))
    for metric in metrics:
        measure = built_metric(metric, first.classes, first.activation)
        other_measure = built_metric(metric, other.classes, other.activation)

        def difference(
            drawn: NDArray[np.int64], measure: Measure = measure, other_measure: Measure = other_measure
        ) -> float | None:
            one = measure(first.logits[rows[drawn]], first.labels[rows[drawn]])
            two = other_measure(other.logits[other_rows[drawn]], other.labels[other_rows[drawn]])
            return None if one is None or two is None else two - one

        value = difference(np.arange(len(rows)))
        interval = percentile_interval(difference, len(rows), len(first.classes))
        if value is not None and interval is not None:
            found[full_name(metric)] = (value, interval)
    return found


def mcnemar(gained: int, lost: int) -> float:
    """The p-value of McNemar's test, exact and two-sided.

    Under the null hypothesis, which classifier is correct on an image where they disagree is a fair coin. McNemar,
    "Note on the Sampling Error of the Difference between Correlated Proportions or Percentages", 1947. Computed in
    integers, so that it is exact for any count.
    """
    number, ways, total = gained + lost, 1, 0
    for index in range(min(gained, lost) + 1):
        total += ways
        ways = ways * (number - index) // (index + 1)
    return min(1.0, 2 * total / (1 << number))


def holm(values: Sequence[float]) -> list[float]:
    """Adjusted p-values of several tests, by Holm's method.

    Holm, "A Simple Sequentially Rejective Multiple Test Procedure", 1979.
    """
    raised, highest = [0.0] * len(values), 0.0
    for rank, index in enumerate(sorted(range(len(values)), key=values.__getitem__)):
        highest = max(highest, min(1.0, (len(values) - rank) * values[index]))
        raised[index] = highest
    return raised


def _other_pixels(
    first: Predictions, other: Predictions, rows: NDArray[np.int64], other_rows: NDArray[np.int64]
) -> int:
    if first.hashes is None or other.hashes is None:
        return 0
    return int((first.hashes.numpy()[rows] != other.hashes.numpy()[other_rows]).sum())


def _examples(predictions: Predictions) -> str:
    return f"{count(len(predictions), 'image')} such as '{predictions.names[0]}'"
