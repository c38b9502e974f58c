"""The loss modules: logits and class probabilities, both B×K, give a scalar."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from torch import nn
from torch.nn import functional as F

if TYPE_CHECKING:
    from torch import Tensor


class WeightedMean(nn.Module):
    """Mean over images of loss × class weight of the target."""

    weights: Tensor | None

    def __init__(self, weights: Sequence[float] | None) -> None:
        super().__init__()
        self.register_buffer("weights", None if weights is None else torch.tensor(weights))

    def mean(self, losses: Tensor, targets: Tensor) -> Tensor:
        """The weighted sum of B losses, divided by B.

        `nn.CrossEntropyLoss` divides by the batch's sum of weights: weights then have no effect at batch size 1, and
        gradients depend on how a step is split into micro-batches.
        """
        return losses.mean() if self.weights is None else (losses * (targets @ self.weights)).mean()


class SoftCrossEntropy(WeightedMean):
    """-Σ t log softmax(z)."""

    def __init__(self, weights: Sequence[float] | None, label_smoothing: float) -> None:
        super().__init__(weights)
        self.label_smoothing = label_smoothing

    def forward(self, logits: Tensor, targets: Tensor) -> Tensor:
        """The scalar loss."""
        smoothed = smooth(targets, self.label_smoothing)
        return self.mean(-(smoothed * F.log_softmax(logits, dim=1)).sum(dim=1), targets)


class SoftFocal(WeightedMean):
    """-Σ t (1-p)^γ log p."""

    def __init__(self, weights: Sequence[float] | None, gamma: float) -> None:
        super().__init__(weights)
        self.gamma = gamma

    def forward(self, logits: Tensor, targets: Tensor) -> Tensor:
        """The scalar loss."""
        log_p = F.log_softmax(logits, dim=1)
        rest = (-torch.expm1(log_p)).clamp(min=1e-12)  # at 0 the power has no finite slope for gamma below 1
        return self.mean(-(targets * rest**self.gamma * log_p).sum(dim=1), targets)


class OneAgainstRest(WeightedMean):
    """Binary cross entropy, summed over classes."""

    def __init__(self, weights: Sequence[float] | None, label_smoothing: float) -> None:
        super().__init__(weights)
        self.label_smoothing = label_smoothing

    def forward(self, logits: Tensor, targets: Tensor) -> Tensor:
        """The scalar loss."""
        smoothed = smooth(targets, self.label_smoothing)
        losses = F.binary_cross_entropy_with_logits(logits, smoothed, reduction="none").sum(dim=1)
        return self.mean(losses, targets)


def smooth(targets: Tensor, smoothing: float) -> Tensor:
    """Label smoothing: distribute the fraction `smoothing` of each row uniformly over all classes."""
    return targets if smoothing == 0 else targets * (1 - smoothing) + smoothing / targets.shape[1]
