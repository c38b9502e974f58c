"""Temperature scaling: divide logits by one number, so that confidence matches accuracy."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from framework.errors import UserError, count
from framework.evaluation.probabilities import blocks, logits_of_true, probabilities

if TYPE_CHECKING:
    from torch import Tensor

    from framework.components import Activation
    from framework.evaluation.predictions import Predictions

LIMITS = (0.05, 20.0)
"""A fit that ends at a limit has no minimum: all predictions are correct, or accuracy is at chance level."""

TOLERANCE = 1e-9
"""Relative error of the temperature."""


@dataclass(frozen=True)
class Calibration:
    """A fitted temperature, with metrics before and after on the split that it was fitted on."""

    temperature: float
    """Divides logits: above 1 for an overconfident network, below 1 for an underconfident one."""
    split: str
    images: int
    loss_before: float
    loss_after: float
    ece_before: float
    ece_after: float

    def as_dict(self) -> dict[str, Any]:
        """As JSON types."""
        return asdict(self)

    def __str__(self) -> str:
        return (
            f"calibrated on {count(self.images, 'image')} of {self.split}: temperature {self.temperature:.3f}, ECE "
            f"{100 * self.ece_before:.1f} % to {100 * self.ece_after:.1f} %, loss {self.loss_before:.3f} to "
            f"{self.loss_after:.3f}"
        )


def calibrate(predictions: Predictions, split: str) -> Calibration:
    """Fit the temperature on the predictions of a split that was not trained on.

    Raises `UserError` if there is no minimum: all predictions are correct, or accuracy is at chance level.
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
    """Whether a fit ended between the `LIMITS`, not at one of them."""
    return LIMITS[0] < temperature < LIMITS[1]


def fit_temperature(logits: Tensor, labels: Tensor, activation: Activation = "softmax") -> float:
    """The temperature of minimal loss, within `LIMITS`; logits N×K, labels int64 N or N×K.

    The loss is that of the activation (`losses`). Both losses are convex in the inverse temperature, so the minimum is
    the root of the derivative, found by the Illinois method (Dowell and Jarratt, 1971), which halves the value at an
    end that has not moved for two steps. Guo et al., "On Calibration of Modern Neural Networks", 2017.
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
    """Derivative of the summed loss by the inverse temperature: Σ p·z over all classes minus z of the true ones."""
    total = 0.0
    for block, of_block in blocks(logits, labels):
        exact = block.double()
        total += (probabilities(exact * inverse, activation) * exact).sum().item()
        total -= logits_of_true(exact, of_block).sum().item()
    return total
