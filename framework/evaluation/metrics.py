"""The metrics of a classifier on one split, from its logits."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from framework.components import Activation
from framework.evaluation.probabilities import blocks, losses, probabilities

ECE_BINS = 15


def classification_metrics(
    logits: Tensor, labels: Tensor, classes: Sequence[str], activation: Activation = "softmax"
) -> dict[str, Any]:
    """All metrics as JSON types, as fractions.

    `logits` is float N×K, `labels` int64 N with N at least 1.

    - `loss`: cross entropy of the softmax, or binary cross entropy summed over the classes if the activation is
      `sigmoid`; without label smoothing or weights, so that recipes can be compared.
    - `top1`; `top5` with more than five classes.
    - `balanced_accuracy`: mean recall over the classes that occur among the labels, `tested_classes` in number.
    - `macro_f1`: mean F1 over the classes that occur among labels or predictions, `f1_classes` in number; F1 is 0 if
      precision and recall are 0.
    - `ece`: expected calibration error in 15 bins of equal width (Guo et al., 2017).
    - `per_class`: precision (0 if the class is never predicted), recall, F1, and support, the number of its images;
      the first three are None for a class without images.
    """
    loss, top5, confidence, predictions = _by_blocks(logits, labels, activation)
    correct = predictions == labels
    true_positives = torch.bincount(labels[correct], minlength=len(classes)).double()
    support = torch.bincount(labels, minlength=len(classes)).double()
    predicted = torch.bincount(predictions, minlength=len(classes)).double()
    precision, recall = _ratio(true_positives, predicted), _ratio(true_positives, support)
    f1 = _ratio(2 * true_positives, predicted + support)
    tested, counted = support > 0, (support + predicted) > 0
    return {
        "images": len(labels),
        "loss": loss,
        "top1": correct.double().mean().item(),
        **({"top5": top5} if len(classes) > 5 else {}),
        "balanced_accuracy": recall[tested].mean().item(),
        "macro_f1": f1[counted].mean().item(),
        "ece": calibration_error(confidence, correct),
        "tested_classes": int(tested.sum()),
        "f1_classes": int(counted.sum()),
        "per_class": _per_class(classes, precision, recall, f1, support),
    }


def _per_class(
    classes: Sequence[str], precision: Tensor, recall: Tensor, f1: Tensor, support: Tensor
) -> dict[str, Any]:
    """The metrics of each class from vectors of K; None for a class without images."""
    rows = zip(classes, precision.tolist(), recall.tolist(), f1.tolist(), support.long().tolist(), strict=True)
    return {
        name: {"precision": p, "recall": r, "f1": f, "support": images}
        if images
        else {"precision": None, "recall": None, "f1": None, "support": 0}
        for name, p, r, f, images in rows
    }


def calibration_error(confidence: Tensor, correct: Tensor, bins: int = ECE_BINS) -> float:
    """Mean distance between confidence and accuracy over bins (i/n, (i+1)/n], weighted by their images.

    `confidence` is float N, `correct` bool N. Guo et al., "On Calibration of Modern Neural Networks", 2017.
    """
    gap = torch.bincount(bin_of(confidence, bins), correct.to(confidence.dtype) - confidence, minlength=bins)
    return (gap.abs().sum() / len(confidence)).item()


def bin_of(confidence: Tensor, bins: int = ECE_BINS) -> Tensor:
    """The bin (i/n, (i+1)/n] of each probability: int64 N, from 0; the first one includes 0."""
    return (confidence * bins).ceil().long().clamp(1, bins) - 1


def _by_blocks(logits: Tensor, labels: Tensor, activation: Activation) -> tuple[float, float, Tensor, Tensor]:
    """Mean loss, top-5 (0 with up to five classes), confidence and predicted class of each image, in float64."""
    loss, correct, confidence, predictions = 0.0, 0, [], []
    for block, of_block in blocks(logits, labels):
        exact = block.double()
        loss += losses(exact, of_block, activation).sum().item()
        confidence.append(probabilities(exact, activation).amax(dim=1))
        predictions.append(exact.argmax(dim=1))
        if exact.shape[1] > 5:
            correct += int((exact.topk(5, dim=1).indices == of_block[:, None]).any(dim=1).sum())
    return loss / len(labels), correct / len(labels), torch.cat(confidence), torch.cat(predictions)


def _ratio(numerator: Tensor, denominator: Tensor) -> Tensor:
    """Elementwise, 0 if the denominator is 0."""
    return torch.where(denominator > 0, numerator / denominator.clamp(min=1), 0.0)
