"""Metrics that are components: their value on a split, and its interval."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING

import torch

from framework.attribution import attributed_to, fault, full_name
from framework.components import build, names_argument
from framework.evaluation.bootstrap import Interval, percentile_interval
from framework.evaluation.probabilities import probabilities

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor

    from framework.components import Activation, Metric

Measure = Callable[["Tensor", "Tensor"], float | None]
"""Logits float N×K and labels int64 N to the metric; None if it is undefined."""


def component_metrics(
    metrics: Sequence[Metric], logits: Tensor, labels: Tensor, classes: Sequence[str], activation: Activation
) -> dict[str, float | None]:
    """The value of each metric by its name in recipes; None if it is undefined. Raises `ComponentFault`.

    `logits` is float N×K, `labels` int64 N with N at least 1.
    """
    return {full_name(metric): built_metric(metric, classes, activation)(logits, labels) for metric in metrics}


def component_intervals(
    metrics: Sequence[Metric], logits: Tensor, labels: Tensor, classes: Sequence[str], activation: Activation
) -> dict[str, Interval]:
    """The 95 % interval of each metric by its name, by resampling images; metrics without one are left out."""
    found = {}
    for metric in metrics:
        measure = built_metric(metric, classes, activation)
        interval = percentile_interval(partial(_of_images, measure, logits, labels), *logits.shape)
        if interval is not None:
            found[full_name(metric)] = interval
    return found


def _of_images(measure: Measure, logits: Tensor, labels: Tensor, indices: NDArray[np.int64]) -> float | None:
    return measure(logits[indices], labels[indices])


def try_metric(metric: Metric, classes: Sequence[str], activation: Activation) -> None:
    """Compute the metric once on random logits, to find its faults before training."""
    labels = torch.arange(max(64, 2 * len(classes))) % len(classes)
    logits = torch.randn(len(labels), len(classes), generator=torch.Generator().manual_seed(0))
    built_metric(metric, classes, activation)(logits, labels)


def built_metric(metric: Metric, classes: Sequence[str], activation: Activation) -> Measure:
    """The metric as a function; raises `ComponentFault` if it cannot be built, and when it fails later."""
    compute = build(metric, classes=tuple(classes))
    if not callable(compute):
        raise fault(metric, f"returned {type(compute).__name__} from build(), which cannot be called")
    wants_logits = names_argument(compute, "logits")

    def measure(logits: Tensor, labels: Tensor) -> float | None:
        exact = logits.double()
        more = {"logits": exact} if wants_logits else {}
        with attributed_to(metric, "its call"):
            value = compute(probabilities(exact, activation), labels.clone(), **more)
        try:
            number = float(value)
        except (TypeError, ValueError, RuntimeError):
            raise fault(metric, f"must return one number; it returned {_described(value)}") from None
        return number if math.isfinite(number) else None

    return measure


def _described(value: object) -> str:
    shape = getattr(value, "shape", None)
    return f"an object of type {type(value).__name__}" + (f" and shape {tuple(shape)}" if shape is not None else "")
