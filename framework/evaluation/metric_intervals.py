"""The intervals of all metrics of a split."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from framework.components import Metric, Predicted, Task
from framework.evaluation.bootstrap import Interval, macro_f1_interval
from framework.evaluation.confusion import Confusion
from framework.evaluation.ece_interval import ece_interval
from framework.evaluation.intervals import mean_recall_interval, wilson_interval
from framework.evaluation.predictions import Predictions

if TYPE_CHECKING:
    from torch import Tensor


def metric_intervals(predictions: Predictions, more: Sequence[Metric] = ()) -> dict[str, Interval]:
    """The 95 % intervals of the metrics of the task and of the components in `more`; deterministic.

    They cover the metrics on further images of the same distribution; tests/evaluation/test_coverage.py measures the
    coverage.
    """
    return {**predictions.task.intervals(predictions), **predictions.intervals(more)}


def proportion_intervals(task: Task, metrics: Mapping[str, Any]) -> dict[str, Interval]:
    """The 95 % intervals of the metrics that are fractions of the images (Wilson, 1927)."""
    formats = task.metric_formats.items()
    return {
        name: wilson_interval(metrics[name], metrics["images"])
        for name, form in formats
        if form.proportion and metrics.get(name) is not None
    }


def classification_intervals(predictions: Predicted, confidence: Tensor, correct: Tensor) -> dict[str, Interval]:
    """The 95 % intervals of `balanced_accuracy`, `macro_f1` and `ece` for a single label per image.

    `confidence` is float64 N, `correct` bool N. Macro F1 has no interval if all predictions are correct.
    """
    confusion = Confusion.count(
        predictions.labels.numpy(), predictions.logits.argmax(dim=1).numpy(), predictions.classes
    )
    support = confusion.support
    diagonal = confusion.true == confusion.predicted
    by_class = dict(zip(confusion.true[diagonal].tolist(), confusion.images[diagonal].tolist(), strict=True))
    tested = support.nonzero()[0].tolist()
    intervals = {
        "balanced_accuracy": mean_recall_interval(
            [by_class.get(label, 0) for label in tested], support[tested].tolist()
        ),
        "ece": ece_interval(confidence, correct),
    }
    of_f1 = macro_f1_interval(confusion)
    if of_f1 is not None:
        intervals["macro_f1"] = of_f1
    return intervals
