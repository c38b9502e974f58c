"""Single images with their predictions, for callbacks."""

from __future__ import annotations

import torch

from framework.data.spacing import evenly_spaced
from framework.data.stores.store import Store
from framework.evaluation.predictions import Predictions
from framework.hookspecs import Example


def choose_examples(predictions: Predictions, store: Store, number: int) -> list[Example]:
    """Up to `number` images of the predicted store: half misclassified, most confident first, half correct.

    The correct ones are spread evenly over the store. If there are too few of one kind, there are more of the other.
    """
    confidence, true, predicted = predictions.confidences, predictions.label_names, predictions.predicted_names
    correct = predictions.correct
    wrong = (confidence * ~correct).argsort(descending=True, stable=True)[: int((~correct).sum())]
    right = correct.nonzero().flatten()
    wrong = wrong[: max(number // 2, number - len(right))]
    chosen = torch.cat([wrong, right[evenly_spaced(len(right), min(number - len(wrong), len(right)))]])
    if not len(chosen):
        return []
    return [
        Example(
            predictions.names[index],
            image,
            "|".join(true[index]),
            "|".join(predicted[index]),
            float(confidence[index]),
        )
        for index, image in zip(chosen.tolist(), store.pixels.at(chosen).cpu(), strict=True)
    ]


def no_examples(number: int) -> list[Example]:
    """An empty list, for a run without a validation split."""
    return []
