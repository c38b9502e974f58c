"""Temperature scaling: one number that makes probabilities as often right as they say."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch.nn import functional as F

from framework.errors import UserError, count

if TYPE_CHECKING:
    from torch import Tensor

    from framework.evaluation.answers import Answers

LIMITS = (0.05, 20.0)
"""Temperatures beyond these say that the fit has no minimum: every answer right, or all of them chance."""


@dataclass(frozen=True)
class Calibration:
    """A fitted temperature, with what it changed on the split that it was fitted on."""

    temperature: float
    """Logits are divided by it: above 1 the network was too sure of itself, below 1 too modest."""
    split: str
    images: int
    loss_before: float
    loss_after: float
    ece_before: float
    ece_after: float

    def as_dict(self) -> dict[str, Any]:
        """As JSON types."""
        return asdict(self)


def calibrate(answers: Answers, split: str) -> Calibration:
    """Fit the temperature on the answers of a split that was not trained on.

    Raises `UserError` where there is none: every answer is right, or they are no better than chance.
    """
    temperature = fit_temperature(answers.logits, answers.labels)
    if not is_minimum(temperature):
        raise UserError(
            f"no temperature fits {count(len(answers), 'image')} of {split}: the loss falls on beyond {temperature:g}. "
            "Every answer there is right, or they are no better than chance; a larger split may tell"
        )
    before, after = answers.figures(), answers.at_temperature(temperature).figures()
    return Calibration(
        temperature, split, len(answers), before["loss"], after["loss"], before["ece"], after["ece"]
    )  # fmt: skip


def is_minimum(temperature: float) -> bool:
    """Whether a fit ended within `LIMITS`, and not at one of them."""
    return LIMITS[0] < temperature < LIMITS[1]


def fit_temperature(logits: Tensor, labels: Tensor) -> float:
    """The temperature of least cross entropy, within `LIMITS`; logits N×K, labels int64 N.

    Cross entropy is convex in the inverse temperature, so that bisecting its slope finds the minimum. Guo et al., "On
    Calibration of Modern Neural Networks", 2017.
    """
    logits = logits.double()
    low, high = 1 / LIMITS[1], 1 / LIMITS[0]
    for _ in range(60):
        middle = (low + high) / 2
        inverse = torch.tensor(middle, dtype=torch.float64, requires_grad=True)
        (slope,) = torch.autograd.grad(F.cross_entropy(logits * inverse, labels), inverse)
        low, high = (middle, high) if slope <= 0 else (low, middle)
    return round(2 / (low + high), 6)
