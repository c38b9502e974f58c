"""The intervals of all metrics of a split."""

from __future__ import annotations

from collections.abc import Sequence

from framework.components import Metric
from framework.evaluation.bootstrap import Interval, macro_f1_interval
from framework.evaluation.ece_interval import ece_interval
from framework.evaluation.intervals import mean_recall_interval
from framework.evaluation.predictions import Predictions


def metric_intervals(predictions: Predictions, more: Sequence[Metric] = ()) -> dict[str, Interval]:
    """The 95 % intervals of `balanced_accuracy`, `macro_f1`, `ece` and the components in `more`; deterministic.

    They cover the metrics on further images of the same distribution; tests/evaluation/test_coverage.py measures the
    coverage. Macro F1 has none if all predictions are correct.
    """
    confusion = predictions.confusion()
    support = confusion.support
    diagonal = confusion.true == confusion.predicted
    correct = dict(zip(confusion.true[diagonal].tolist(), confusion.images[diagonal].tolist(), strict=True))
    tested = support.nonzero()[0].tolist()
    intervals = {
        "balanced_accuracy": mean_recall_interval(
            [correct.get(label, 0) for label in tested], support[tested].tolist()
        ),
        "ece": ece_interval(predictions.confidences, predictions.correct),
    }
    of_f1 = macro_f1_interval(confusion)
    if of_f1 is not None:
        intervals["macro_f1"] = of_f1
    return intervals | predictions.intervals(more)
