"""The figures of a classifier on one split, from its logits."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch.nn import functional as F

if TYPE_CHECKING:
    from torch import Tensor

ECE_BINS = 15


def classification_metrics(logits: Tensor, labels: Tensor, classes: Sequence[str]) -> dict[str, Any]:
    """Every figure, as JSON types; shares are fractions of one.

    `logits` is float N×K, `labels` int64 N with N at least 1.

    - `loss`: cross entropy of the softmax, without label smoothing or weights, so that recipes can be compared.
    - `top1`; `top5` where there are more than five classes.
    - `balanced_accuracy`: mean recall over the classes that occur among the labels.
    - `macro_f1`: mean F1 over the classes that occur among labels or predictions; F1 is 0 where neither precision nor
      recall is above 0.
    - `ece`: expected calibration error in 15 bins of equal width (Guo et al., 2017).
    - `per_class`: precision (0 where the class is never predicted), recall (0 where it does not occur), F1, support.
    - `confusion`: rows are true classes, columns predictions, counts.
    """
    logits = logits.double()
    predictions = logits.argmax(dim=1)
    confusion = confusion_matrix(predictions, labels, len(classes))
    hits = confusion.diagonal().double()
    support, predicted = confusion.sum(dim=1).double(), confusion.sum(dim=0).double()
    precision, recall = _ratio(hits, predicted), _ratio(hits, support)
    f1 = _ratio(2 * hits, predicted + support)
    figures: dict[str, Any] = {
        "images": len(labels),
        "loss": F.cross_entropy(logits, labels).item(),
        "top1": (hits.sum() / len(labels)).item(),
    }
    if len(classes) > 5:
        top5 = logits.topk(5, dim=1).indices
        figures["top5"] = (top5 == labels[:, None]).any(dim=1).double().mean().item()
    figures["balanced_accuracy"] = recall[support > 0].mean().item()
    figures["macro_f1"] = f1[(support + predicted) > 0].mean().item()
    figures["ece"] = expected_calibration_error(logits.softmax(dim=1), labels)
    figures["per_class"] = {
        name: {
            "precision": precision[index].item(),
            "recall": recall[index].item(),
            "f1": f1[index].item(),
            "support": int(support[index]),
        }
        for index, name in enumerate(classes)
    }
    figures["confusion"] = confusion.tolist()
    return figures


def confusion_matrix(predictions: Tensor, labels: Tensor, num_classes: int) -> Tensor:
    """Counts int64 K×K: rows are true classes, columns predictions."""
    cells = labels * num_classes + predictions
    return torch.bincount(cells, minlength=num_classes**2).view(num_classes, num_classes)


def expected_calibration_error(probabilities: Tensor, labels: Tensor, bins: int = ECE_BINS) -> float:
    """Mean distance between confidence and accuracy over bins (i/n, (i+1)/n], weighted by their images.

    `probabilities` is N×K. Guo et al., "On Calibration of Modern Neural Networks", 2017.
    """
    confidence, predictions = probabilities.max(dim=1)
    correct = (predictions == labels).to(confidence.dtype)
    gap = torch.zeros(bins, dtype=confidence.dtype).index_add_(0, bin_of(confidence, bins), correct - confidence)
    return (gap.abs().sum() / len(labels)).item()


def bin_of(confidence: Tensor, bins: int = ECE_BINS) -> Tensor:
    """The bin (i/n, (i+1)/n] that each probability is in: int64 N, from 0; the first one has 0 too."""
    return (confidence * bins).ceil().long().clamp(1, bins) - 1


def _ratio(numerator: Tensor, denominator: Tensor) -> Tensor:
    """Element by element, 0 where the denominator is 0."""
    return torch.where(denominator > 0, numerator / denominator.clamp(min=1), 0.0)
