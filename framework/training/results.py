"""The results of trained weights: metrics of validation and test, and the predictions they are computed from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from framework.evaluation.copies import metrics_without_copies
from framework.evaluation.predictions import Predictions

if TYPE_CHECKING:
    from torch import nn

    from framework.data.stores.store import Store
    from framework.evaluation.evaluate import Evaluator
    from framework.runs.folder import RunFolder

SPLITS = ("validation", "test")
METRICS = (*SPLITS, "test_without_copies")
"""The keys of `results.json` that hold metrics."""


def evaluated_splits(
    run: RunFolder, model: nn.Module, evaluator: Evaluator, stores: Mapping[str, Store], *, validated: bool = False
) -> dict[str, Any]:
    """Evaluate validation and test, save their predictions in the run folder, and return their metrics by split.

    With `validated`, the saved predictions of the validation split are used: they are those of `model`.
    """
    metrics: dict[str, Any] = {}
    for split in (split for split in SPLITS if split in stores):
        file = run.predictions(split)
        if validated and split == "validation":
            predictions = Predictions.load(file)
        else:
            predictions = evaluator.predictions(model, stores[split])
            predictions.save(file)
        metrics[split] = predictions.metrics()
        if split == "test":
            metrics |= metrics_without_copies(stores, predictions)
    return metrics
