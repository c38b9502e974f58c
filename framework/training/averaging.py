"""An exponential moving average of the weights (Polyak & Juditsky, 1992; the warm-up is TensorFlow's)."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from torch import nn


class Averaging:
    """Keeps `model` (what is evaluated): the average where a decay is given, else the trained network itself."""

    def __init__(self, trained: nn.Module, decay: float | None) -> None:
        self.trained = trained
        self.decay = decay
        self.model = trained if decay is None else copy.deepcopy(trained).requires_grad_(False)

    @torch.no_grad()
    def update(self, step: int) -> None:
        """Move the average towards the weights after optimizer step `step` (from 1); integers are copied."""
        if self.decay is None:
            return
        weight = 1 - min(self.decay, (1 + step) / (10 + step))
        averages, values = [], []
        for average, value in zip(self.model.state_dict().values(), self.trained.state_dict().values(), strict=True):
            if average.is_floating_point():
                averages.append(average)
                values.append(value)
            else:
                average.copy_(value)
        torch._foreach_lerp_(averages, values, weight)
