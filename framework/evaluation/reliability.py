"""The reliability diagram: accuracy by confidence."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from framework.evaluation.metrics import ECE_BINS, bin_of
from framework.evaluation.predictions import Predictions


@dataclass(frozen=True)
class Bin:
    """The predictions with a confidence in (low, high]: one for each image, or for each label of each image."""

    low: float
    high: float
    images: int
    confidence: float
    """Mean confidence; 0 without images."""
    accuracy: float
    """Fraction of correct predictions; 0 without images."""


def reliability(predictions: Predictions, bins: int = ECE_BINS) -> list[Bin]:
    """All bins in order of confidence, including empty ones; ECE is the weighted mean of their gaps.

    DeGroot and Fienberg, "The Comparison and Evaluation of Forecasters", 1983; Guo et al., 2017.
    """
    confidence, right = predictions.task.calibration_points(predictions)
    correct = right.double()
    index = bin_of(confidence, bins)
    images = torch.bincount(index, minlength=bins)
    divisor = images.clamp(min=1)
    means = torch.bincount(index, confidence, minlength=bins) / divisor
    accuracies = torch.bincount(index, correct, minlength=bins) / divisor
    rows = zip(images.tolist(), means.tolist(), accuracies.tolist(), strict=True)
    return [Bin(i / bins, (i + 1) / bins, *row) for i, row in enumerate(rows)]
