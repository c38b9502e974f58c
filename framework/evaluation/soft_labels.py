"""Metrics against soft labels: the true distribution over the classes of each image, such as votes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from framework.evaluation.bootstrap import Interval, percentile_interval
from framework.evaluation.probabilities import blocks, losses, probabilities

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor

    from framework.components import Activation


def soft_label_metrics(logits: Tensor, targets: Tensor, activation: Activation) -> dict[str, Any]:
    """Metrics of logits N×K against targets N×K, whose rows sum to 1.

    - `soft_loss`: the loss against the distribution.
    - `total_variation`: half the sum of the absolute differences of the probabilities; 0 is best, 1 worst.
    """
    return {name: values.mean().item() for name, values in _of_images(logits, targets, activation).items()}


def soft_label_intervals(logits: Tensor, targets: Tensor, activation: Activation) -> dict[str, Interval]:
    """The 95 % intervals of the same, by resampling images."""
    found = {}
    for name, values in _of_images(logits, targets, activation).items():

        def mean(drawn: NDArray[np.int64], values: Tensor = values) -> float:
            return float(values[torch.from_numpy(drawn)].mean())

        if (interval := percentile_interval(mean, len(values), 1)) is not None:
            found[name] = interval
    return found


def _of_images(logits: Tensor, targets: Tensor, activation: Activation) -> dict[str, Tensor]:
    """The metrics of each image, float64 N."""
    soft, distance = [], []
    for block, of_block in blocks(logits, targets):
        exact, wanted = block.double(), of_block.double()
        soft.append(losses(exact, wanted, activation))
        distance.append((probabilities(exact, activation) - wanted).abs().sum(dim=1) / 2)
    return {"soft_loss": torch.cat(soft), "total_variation": torch.cat(distance)}
