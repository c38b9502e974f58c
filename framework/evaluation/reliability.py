"""The reliability diagram: of predictions that are given with some confidence, how many are right."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from framework.evaluation.metrics import ECE_BINS, bin_of

if TYPE_CHECKING:
    from framework.evaluation.predictions import Predictions


@dataclass(frozen=True)
class Bin:
    """The predictions whose confidence lies in (low, high]; shares are fractions of one."""

    low: float
    high: float
    images: int
    confidence: float
    """Its mean; 0 in a bin without images."""
    accuracy: float
    """The share that is right; 0 in a bin without images."""


def reliability(predictions: Predictions, bins: int = ECE_BINS) -> list[Bin]:
    """All bins, from low confidence to high, empty ones too; those that ECE is the weighted mean gap of.

    DeGroot and Fienberg, "The Comparison and Evaluation of Forecasters", 1983; Guo et al., 2017.
    """
    confidence, correct = predictions.confidences, predictions.correct.double()
    index = bin_of(confidence, bins)
    images = torch.bincount(index, minlength=bins)
    divisor = images.clamp(min=1)
    means = torch.bincount(index, confidence, minlength=bins) / divisor
    shares = torch.bincount(index, correct, minlength=bins) / divisor
    rows = zip(images.tolist(), means.tolist(), shares.tolist(), strict=True)
    return [Bin(i / bins, (i + 1) / bins, *row) for i, row in enumerate(rows)]
