"""Which images tell something about a network."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from framework.evaluation.predictions import Predictions

SHOWN = 12
"""Of each group."""


@dataclass(frozen=True)
class Choice:
    """Indices of images."""

    mistakes: list[int]
    """The most confident first."""
    correct: list[int]
    """The least confident first."""
    sample: list[int]
    """Some of each class, whether right or wrong."""

    @property
    def all(self) -> list[int]:
        """Each once."""
        return sorted({*self.mistakes, *self.correct, *self.sample})


def choose(predictions: Predictions) -> Choice:
    """The same images for the same predictions."""
    confidence = predictions.confidences
    wrong, right = (~predictions.correct).nonzero().flatten(), predictions.correct.nonzero().flatten()
    return Choice(
        wrong[confidence[wrong].argsort(descending=True, stable=True)][:SHOWN].tolist(),
        right[confidence[right].argsort(stable=True)][:SHOWN].tolist(),
        _sample(predictions.labels.tolist()),
    )


def _sample(labels: list[int]) -> list[int]:
    """One of each class, drawn at random, then a second of each, until there are enough; classes stay together."""
    order = torch.randperm(len(labels), generator=torch.Generator().manual_seed(0)).tolist()
    turns: Counter[int] = Counter()
    ranked = []
    for index in order:
        ranked.append((turns[labels[index]], labels[index], index))
        turns[labels[index]] += 1
    return [index for _, _, index in sorted(sorted(ranked)[:SHOWN], key=lambda entry: (entry[1], entry[0]))]
