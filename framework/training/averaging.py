"""Averages of the weights, which are evaluated and saved in place of the last weights."""

from __future__ import annotations

import copy
from abc import ABC, abstractmethod

import torch
from torch import Tensor, nn

from framework.recipe.sections import Train


class Averaging(ABC):
    """Maintains `model`, the network to evaluate, next to the `trained` one."""

    def __init__(self, trained: nn.Module) -> None:
        self.trained = trained
        self.model = copy.deepcopy(trained).requires_grad_(False)
        self._parameters = list(zip(self.model.parameters(), trained.parameters(), strict=True))
        self._modules = list(zip(self.model.modules(), trained.modules(), strict=True))

    @abstractmethod
    def update(self, step: int) -> None:
        """Update after optimizer step `step`, from 1."""

    def _pull(self, weight: float) -> tuple[list[Tensor], list[Tensor]]:
        """Move the averages towards the weights by the fraction `weight`, and return both; integers are copied."""
        pairs = [*self._parameters, *self._buffers()]
        averages, values = (list(side) for side in zip(*(pair for pair in pairs if _is_float(pair)), strict=True))
        torch._foreach_lerp_(averages, values, weight)
        if others := [pair for pair in pairs if not _is_float(pair)]:
            torch._foreach_copy_([average for average, _ in others], [value for _, value in others])
        return averages, values

    def _buffers(self) -> list[tuple[Tensor, Tensor]]:
        """The persistent buffers; collected each time, because a module may replace the tensor of a buffer."""
        found = {}
        for average, trained in self._modules:
            for name, buffer in average._buffers.items():
                value = trained._buffers[name]
                if buffer is not None and value is not None and name not in average._non_persistent_buffers_set:
                    found[id(buffer)] = buffer, value  # a shared buffer is updated once
        return list(found.values())


def _is_float(pair: tuple[Tensor, Tensor]) -> bool:
    return pair[0].is_floating_point()


class NoAveraging(Averaging):
    """The trained network itself is evaluated."""

    def __init__(self, trained: nn.Module) -> None:
        self.trained = self.model = trained

    def update(self, step: int) -> None:
        """Nothing to update."""


class MovingAverage(Averaging):
    """An exponential moving average (Polyak & Juditsky, 1992; the warm-up is TensorFlow's)."""

    def __init__(self, trained: nn.Module, decay: float) -> None:
        super().__init__(trained)
        self.decay = decay

    @torch.no_grad()
    def update(self, step: int) -> None:
        """Move the average towards the weights."""
        self._pull(1 - min(self.decay, (1 + step) / (10 + step)))


class SlowWeights(Averaging):
    """Lookahead (Zhang et al., 2019): slow weights move towards the trained weights, which continue from there.

    The fraction of the slow weights kept is `decay` × (fraction of the training done) ** `decay_power`. Power 0 with
    `decay` 1 - α is the paper's rule; airbench (Jordan, 2024) uses power 3.
    """

    def __init__(self, trained: nn.Module, every: int, decay: float, decay_power: float, total_steps: int) -> None:
        super().__init__(trained)
        self.every = every
        self.decay = decay
        self.decay_power = decay_power
        self.total_steps = total_steps

    @torch.no_grad()
    def update(self, step: int) -> None:
        """Synchronise both every `every` steps."""
        if step % self.every:
            return
        slow, fast = self._pull(1 - self.decay * (step / self.total_steps) ** self.decay_power)
        torch._foreach_copy_(fast, slow)


def build_averaging(train: Train, model: nn.Module, total_steps: int) -> Averaging:
    """The averaging of the recipe."""
    if train.ema is not None:
        return MovingAverage(model, train.ema)
    if train.lookahead is not None:
        return SlowWeights(model, **train.lookahead.model_dump(), total_steps=total_steps)
    return NoAveraging(model)
