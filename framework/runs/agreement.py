"""Whether two trainings of one recipe gave the same result: the same bytes, or metrics that agree."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import torch

from framework.evaluation.intervals import wilson_interval
from framework.evaluation.metric_intervals import metric_intervals
from framework.evaluation.predictions import Predictions
from framework.runs.weights import read_weights

if TYPE_CHECKING:
    from torch import Tensor

    from framework.components import Metric
    from framework.runs.folder import RunFolder

SPLITS = ("test", "validation")
FRACTIONS = ("top1", "top5")
"""Metrics with a Wilson interval; all others have the intervals of `metric_intervals`."""


@dataclass(frozen=True)
class MetricPair:
    """A metric of the original and of the reproduction."""

    original: float
    interval: tuple[float, float]
    """The 95 % interval of the original."""
    reproduced: float

    @property
    def agrees(self) -> bool:
        """Whether the reproduced value is in the interval of the original."""
        low, high = self.interval
        return low <= self.reproduced <= high or self.reproduced == self.original


@dataclass(frozen=True)
class Agreement:
    """What a reproduction has in common with the original."""

    weights: bool
    """Whether all bytes of the weights are equal."""
    logits: Mapping[str, bool]
    """By split, whether images and logits are equal, byte by byte; without splits whose predictions are missing."""
    metrics: Mapping[str, Mapping[str, MetricPair]]
    """By split and name."""

    @property
    def same_bytes(self) -> bool:
        """Whether weights and logits are equal."""
        return self.weights and all(self.logits.values())

    @property
    def same_metrics(self) -> bool:
        """Whether there are metrics and all of them agree."""
        pairs = [pair for of_split in self.metrics.values() for pair in of_split.values()]
        return bool(pairs) and all(pair.agrees for pair in pairs)

    @property
    def level(self) -> str | None:
        """`bytes`, `metrics`, or None where not even the metrics agree."""
        return "bytes" if self.same_bytes else "metrics" if self.same_metrics else None

    def as_dict(self) -> dict[str, Any]:
        """As JSON types."""
        metrics = {
            split: {name: {**asdict(pair), "agrees": pair.agrees} for name, pair in pairs.items()}
            for split, pairs in self.metrics.items()
        }
        return {"agreement": self.level, "weights": self.weights, "logits": dict(self.logits), "metrics": metrics}


def agreement(original: RunFolder, reproduction: RunFolder, components: Sequence[Metric] = ()) -> Agreement:
    """Compare two finished runs; raises `UserError` where a file is damaged.

    `components` are the metrics of the recipe that are not fixed.
    """
    logits: dict[str, bool] = {}
    metrics: dict[str, dict[str, MetricPair]] = {}
    before, after = original.read("results"), reproduction.read("results")
    for split in SPLITS:
        files = [run.predictions(split) for run in (original, reproduction)]
        predictions = [Predictions.load(file) if file.is_file() else None for file in files]
        if predictions[0] and predictions[1]:
            logits[split] = _same_predictions(predictions[0], predictions[1])
        if split in before and split in after:
            metrics[split] = _pairs(before[split], after[split], predictions[0], components)
    weights = _same_tensors(read_weights(original.weights), read_weights(reproduction.weights))
    return Agreement(weights, logits, metrics)


def _pairs(
    before: Mapping[str, Any],
    after: Mapping[str, Any],
    predictions: Predictions | None,
    components: Sequence[Metric],
) -> dict[str, MetricPair]:
    intervals = {name: wilson_interval(before[name], before["images"]) for name in FRACTIONS if name in before}
    if predictions:
        intervals |= metric_intervals(predictions, components)
    return {
        name: MetricPair(before[name], interval, after[name])
        for name, interval in intervals.items()
        # The interval of ECE is around a corrected value.
        if before.get(name) is not None and after.get(name) is not None and name != "ece"
    }


def _same_predictions(one: Predictions, other: Predictions) -> bool:
    if (one.names, one.classes) != (other.names, other.classes):
        return False
    return _same_tensors({"": one.logits, "labels": one.labels}, {"": other.logits, "labels": other.labels})


def _same_tensors(one: Mapping[str, Tensor], other: Mapping[str, Tensor]) -> bool:
    return one.keys() == other.keys() and all(_same_bytes(tensor, other[name]) for name, tensor in one.items())


def _same_bytes(one: Tensor, other: Tensor) -> bool:
    if (one.dtype, one.shape) != (other.dtype, other.shape):
        return False
    return torch.equal(*(tensor.contiguous().reshape(-1).view(torch.uint8) for tensor in (one, other)))
