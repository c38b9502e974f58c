"""Selection of the example images of a report."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import torch

from framework.evaluation.predictions import Predictions

GROUP_SIZE = 12


@dataclass(frozen=True)
class ExampleSelection:
    """Indices of images."""

    mistakes: list[int]
    """Wrong predictions, the most confident first."""
    correct: list[int]
    """Correct predictions, the least confident first."""
    sample: list[int]
    """Random images of all classes."""

    @property
    def all(self) -> list[int]:
        """Each index once."""
        return sorted({*self.mistakes, *self.correct, *self.sample})


def select_examples(predictions: Predictions) -> ExampleSelection:
    """The same predictions give the same images."""
    confidence = predictions.confidences
    wrong, correct = (~predictions.correct).nonzero().flatten(), predictions.correct.nonzero().flatten()
    return ExampleSelection(
        wrong[confidence[wrong].argsort(descending=True, stable=True)][:GROUP_SIZE].tolist(),
        correct[confidence[correct].argsort(stable=True)][:GROUP_SIZE].tolist(),
        _sample(_groups(predictions)),
    )


def _groups(predictions: Predictions) -> list[int]:
    """A class for each image: its label, or the rarest of its labels; K without a label."""
    labels = predictions.labels
    if labels.ndim == 1:
        return labels.tolist()
    rarity = labels / labels.sum(dim=0).clamp(min=1)
    return torch.where(labels.any(dim=1), rarity.argmax(dim=1), labels.shape[1]).tolist()


def _sample(labels: list[int]) -> list[int]:
    """A random image of each class, then a second one of each, until there are enough; grouped by class."""
    order = torch.randperm(len(labels), generator=torch.Generator().manual_seed(0)).tolist()
    seen: Counter[int] = Counter()
    ranked = []
    for index in order:
        ranked.append((seen[labels[index]], labels[index], index))
        seen[labels[index]] += 1
    return [index for _, _, index in sorted(sorted(ranked)[:GROUP_SIZE], key=lambda entry: (entry[1], entry[0]))]
