"""Temperature scaling: one number that makes probabilities as often right as they say."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from framework.errors import UserError, count
from framework.evaluation.probabilities import blocks, probabilities

if TYPE_CHECKING:
    from torch import Tensor

    from framework.components import Activation
    from framework.evaluation.predictions import Predictions

LIMITS = (0.05, 20.0)
"""Temperatures beyond these say that the fit has no minimum: every answer right, or all of them chance."""

TOLERANCE = 1e-9
"""Of the temperature, as a fraction of it."""


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


def calibrate(predictions: Predictions, split: str) -> Calibration:
    """Fit the temperature on the predictions of a split that was not trained on.

    Raises `UserError` where there is none: every answer is right, or they are no better than chance.
    """
    temperature = fit_temperature(predictions.logits, predictions.labels, predictions.activation)
    if not is_minimum(temperature):
        raise UserError(
            f"no temperature fits {count(len(predictions), 'image')} of {split}: the loss still decreases beyond "
            f"{temperature:g}. All predictions there are correct, or accuracy is at chance level; use a larger split"
        )
    before, after = predictions.metrics(), predictions.at_temperature(temperature).metrics()
    return Calibration(
        temperature, split, len(predictions), before["loss"], after["loss"], before["ece"], after["ece"]
    )  # fmt: skip


def is_minimum(temperature: float) -> bool:
    """Whether a fit ended within `LIMITS`, and not at one of them."""
    return LIMITS[0] < temperature < LIMITS[1]


def fit_temperature(logits: Tensor, labels: Tensor, activation: Activation = "softmax") -> float:
    """The temperature of least loss, within `LIMITS`; logits N×K, labels int64 N.

    The loss is that of the activation (`losses`). Both are convex in the inverse temperature, so that the root of the
    slope is the minimum. It is found by the Illinois method (Dowell and Jarratt, 1971), which halves the slope of an
    end that stays where it is for two steps. Guo et al., "On Calibration of Modern Neural Networks", 2017.
    """
    low, high = 1 / LIMITS[1], 1 / LIMITS[0]
    below, above = (_slope(logits, labels, activation, end) for end in (low, high))
    if below >= 0 or above <= 0:  # no minimum in between
        return LIMITS[1] if below >= 0 else LIMITS[0]
    moved = ""
    while high - low > TOLERANCE * low:
        middle = high - above * (high - low) / (above - below)
        middle = min(max(middle, low + TOLERANCE * low / 2), high - TOLERANCE * low / 2)
        slope = _slope(logits, labels, activation, middle)
        if slope <= 0:
            low, below, above = middle, slope, above / 2 if moved == "low" else above
        else:
            high, above, below = middle, slope, below / 2 if moved == "high" else below
        moved = "low" if slope <= 0 else "high"
    return round(2 / (low + high), 6)


def _slope(logits: Tensor, labels: Tensor, activation: Activation, inverse: float) -> float:
    """Of the summed loss, by the inverse temperature: Σ p·z over all classes, less z of the true one."""
    total = 0.0
    for block, of_block in blocks(logits, labels):
        exact = block.double()
        total += (probabilities(exact * inverse, activation) * exact).sum().item()
        total -= exact.gather(1, of_block[:, None]).sum().item()
    return total
