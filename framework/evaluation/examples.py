"""Single images beside what a network says of them, for people to look at."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from framework.data.spacing import evenly_spaced
from framework.hookspecs import Example

if TYPE_CHECKING:
    from framework.data.stores.store import Store
    from framework.evaluation.predictions import Predictions


def choose_examples(predictions: Predictions, store: Store, number: int) -> list[Example]:
    """Up to `number` images of the store that was answered: half of them wrong, the surest first, then right ones.

    The right ones are spread evenly over the store. Where there are too few of one sort, there are more of the other.
    """
    probability, prediction = predictions.confidences, predictions.predicted
    right = prediction == predictions.labels
    wrong_ones = (probability * ~right).argsort(descending=True, stable=True)[: int((~right).sum())]
    right_ones = right.nonzero().flatten()
    wrong_ones = wrong_ones[: max(number // 2, number - len(right_ones))]
    wanted = min(number - len(wrong_ones), len(right_ones))
    chosen = torch.cat([wrong_ones, right_ones[evenly_spaced(len(right_ones), wanted)]])
    if not len(chosen):
        return []
    return [
        Example(
            predictions.names[index],
            image,
            predictions.classes[int(predictions.labels[index])],
            predictions.classes[int(prediction[index])],
            float(probability[index]),
        )
        for index, image in zip(chosen.tolist(), store.pixels.at(chosen).cpu(), strict=True)
    ]


def no_examples(number: int) -> list[Example]:
    """Where there is nothing to choose from."""
    return []
