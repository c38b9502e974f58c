"""Thresholds of decisions for several labels per image: one for each class, chosen on validation."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor


def best_thresholds(logits: Tensor, labels: Tensor) -> Tensor:
    """The threshold of each class with the highest F1: float64 K, from logits N×K and labels N×K of 0 and 1.

    A class is predicted if its logit is above the threshold, which lies in the middle between two logits. 0 for a
    class without images. Of several best ones, the one nearest to 0 is chosen. Lipton, Elkan and Naryanaswamy, "Optimal
    Thresholding of Classifiers to Maximize F1 Measure", 2014.
    """
    columns = zip(logits.double().numpy().T, labels.numpy().T, strict=True)
    return torch.tensor([_best_threshold(scores, truth) for scores, truth in columns], dtype=torch.float64)


def _best_threshold(scores: NDArray[np.float64], truth: NDArray[np.int64]) -> float:
    total = int(truth.sum())
    if total == 0:
        return 0.0
    order = np.argsort(-scores, kind="stable")
    ranked, correct = scores[order], truth[order].cumsum()
    predicted = np.arange(1, len(scores) + 1)
    f1 = 2 * correct / (predicted + total)
    below = np.append(ranked[1:], ranked[-1] - 1)
    f1[ranked == below] = -1.0  # no threshold is between equal scores
    middles = (ranked + below)[f1 == f1.max()] / 2
    return float(middles[np.abs(middles).argmin()])
