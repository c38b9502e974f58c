"""Metrics of test images without copies of training images."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from framework.components import Metric
    from framework.data.stores.store import Store
    from framework.evaluation.predictions import Predictions


def metrics_without_copies(
    stores: Mapping[str, Store], predictions: Predictions, more: Sequence[Metric] = ()
) -> dict[str, Any]:
    """`test_without_copies`, from the predictions on `test`; empty if no test image has a copy in `train`."""
    copies = stores["test"].copies_of(stores["train"])
    if not copies.any():
        return {}
    if copies.all():
        return {"test_without_copies": {"images": 0}}
    return {"test_without_copies": predictions.only(~copies).metrics(more)}
