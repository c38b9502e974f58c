"""Metrics of probabilities float64 N×K and labels int64 N, some also of labels N×K of 0 and 1."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from framework import UserError


def cohen_kappa(probabilities: Tensor, labels: Tensor, power: int) -> Tensor:
    """1 minus the ratio of the observed to the expected weight of errors, |true - predicted| ** `power` each.

    With power 0 all errors have weight 1. NaN if no error is expected.
    """
    counts = _confusion(probabilities, labels)
    classes = torch.arange(len(counts))
    weights = ((classes[:, None] - classes).abs() ** power).double().fill_diagonal_(0)
    expected = counts.sum(1)[:, None] * counts.sum(0) / counts.sum()
    return 1 - (weights * counts).sum() / (weights * expected).sum()


def matthews(probabilities: Tensor, labels: Tensor) -> Tensor:
    """The correlation of one-hot labels and predictions; 0 if one of them is constant."""
    counts = _confusion(probabilities, labels)
    true, predicted, total = counts.sum(1), counts.sum(0), counts.sum()
    covariance = counts.trace() * total - true @ predicted
    variances = (total**2 - true @ true) * (total**2 - predicted @ predicted)
    return covariance / variances.sqrt() if variances > 0 else torch.zeros(())


def macro_auroc(probabilities: Tensor, labels: Tensor) -> Tensor:
    """The mean over classes of the probability that an image of the class has a higher score than another image.

    Ties count half (Mann and Whitney, 1947). NaN if there is no class with images inside and outside of it.
    """
    areas = []
    members = [labels == label for label in range(probabilities.shape[1])] if labels.ndim == 1 else labels.bool().T
    for label, inside in enumerate(members):
        if inside.all() or not inside.any():
            continue
        _, inverse, counts = probabilities[:, label].unique(return_inverse=True, return_counts=True)
        ranks = (counts.cumsum(0) - (counts - 1) / 2).double()[inverse]
        positive, negative = int(inside.sum()), int((~inside).sum())
        areas.append((ranks[inside].sum() - positive * (positive + 1) / 2) / (positive * negative))
    return torch.stack(areas).mean() if areas else torch.tensor(torch.nan)


def brier(probabilities: Tensor, labels: Tensor) -> Tensor:
    """The mean over images of the squared differences, summed over the classes."""
    targets = F.one_hot(labels, probabilities.shape[1]) if labels.ndim == 1 else labels
    return (probabilities - targets).square().sum(dim=1).mean()


def _confusion(probabilities: Tensor, labels: Tensor) -> Tensor:
    """Float64 K×K: images by true and predicted class."""
    if labels.ndim == 2:
        raise UserError("metrics of the confusion matrix, cohen_kappa and mcc, need one label for each image")
    number = probabilities.shape[1]
    cells = labels * number + probabilities.argmax(dim=1)
    return torch.bincount(cells, minlength=number**2).reshape(number, number).double()
