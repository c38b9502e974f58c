"""Where in a run a batch is, for transforms that ask for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Moment:
    """A batch's place in its run. It follows from (seed, step), as everything about a batch does."""

    indices: Tensor
    """Int64 B, on the CPU: which training image each one of the batch is."""
    epoch: int = 0
    """From 0."""
    progress: float = 0.0
    """The share of the run's optimizer steps that are done, from 0 to below 1."""
    seed: int = 0
    """The recipe's."""

    @classmethod
    def first(cls, number: int) -> Moment:
        """The first batch of a run that takes `number` images in their order."""
        return cls(torch.arange(number))
