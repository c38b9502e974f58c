"""The loss modules: logits and class probabilities, both B×K, give a scalar."""

from __future__ import annotations

from collections.abc import Callable, Sequence
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


Weighted = Callable[["Tensor", "Tensor", "Tensor"], "Tensor"]
"""`Task.weighted`: losses B×K, targets B×K and weights K to the losses of the images, B."""


class SumOverClasses(WeightedMean):
    """Mean over images of the sum over classes of their losses; the task decides what class weights multiply."""

    def __init__(self, weights: Sequence[float] | None, weighted: Weighted | None) -> None:
        super().__init__(weights)
        self.weighted = weighted

    def mean_of_sums(self, losses: Tensor, targets: Tensor) -> Tensor:
        """The scalar loss from losses B×K."""
        if self.weights is None or self.weighted is None:
            return self.mean(losses.sum(dim=1), targets)
        return self.weighted(losses, targets, self.weights).mean()


class OneAgainstRest(SumOverClasses):
    """Binary cross entropy, summed over classes."""

    def __init__(
        self, weights: Sequence[float] | None, label_smoothing: float, weighted: Weighted | None = None
    ) -> None:
        super().__init__(weights, weighted)
        self.label_smoothing = label_smoothing

    def forward(self, logits: Tensor, targets: Tensor) -> Tensor:
        """The scalar loss."""
        smoothed = smooth(targets, self.label_smoothing)
        return self.mean_of_sums(F.binary_cross_entropy_with_logits(logits, smoothed, reduction="none"), targets)


class Asymmetric(SumOverClasses):
    """-Σ t (1-p)^γ₊ log p + (1-t) q^γ₋ log(1-q), with q = max(p - clip, 0)."""

    def __init__(
        self,
        weights: Sequence[float] | None,
        gamma_negative: float,
        gamma_positive: float,
        clip: float,
        weighted: Weighted | None = None,
    ) -> None:
        super().__init__(weights, weighted)
        self.gamma_negative, self.gamma_positive, self.clip = gamma_negative, gamma_positive, clip

    def forward(self, logits: Tensor, targets: Tensor) -> Tensor:
        """The scalar loss."""
        p = torch.sigmoid(logits)
        shifted = (p - self.clip).clamp(min=0)
        positive = F.logsigmoid(logits) * _power(1 - p, self.gamma_positive)
        log_rest = torch.log1p(-shifted) if self.clip else F.logsigmoid(-logits)
        negative = log_rest * _power(shifted, self.gamma_negative)
        return self.mean_of_sums(-(targets * positive + (1 - targets) * negative), targets)


def _power(base: Tensor, exponent: float) -> Tensor:
    """A power of numbers in [0, 1] with a finite slope at 0."""
    return base.clamp(min=1e-12) ** exponent


def smooth(targets: Tensor, smoothing: float) -> Tensor:
    """Label smoothing: distribute the fraction `smoothing` of each row uniformly over all classes."""
    return targets if smoothing == 0 else targets * (1 - smoothing) + smoothing / targets.shape[1]
