"""Photometric transforms of float32 B×C×H×W in [0, 1]."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from framework_torch._drawing import rectangles, symmetric

if TYPE_CHECKING:
    from torch import Tensor

    from framework import BatchRNG


@dataclass(frozen=True)
class BrightnessLevels:
    """Value × factor."""

    fraction: float
    p: float

    def levels(self, means: Tensor, rng: BatchRNG) -> tuple[Tensor, Tensor]:
        """Factor and summand, float32 B."""
        return 1 + symmetric(self.fraction, self.p, rng), torch.zeros_like(means)


@dataclass(frozen=True)
class ContrastLevels:
    """The image's mean gray + (value - mean) × factor."""

    fraction: float
    p: float

    def levels(self, means: Tensor, rng: BatchRNG) -> tuple[Tensor, Tensor]:
        """Factor and summand, float32 B."""
        change = symmetric(self.fraction, self.p, rng)
        return 1 + change, -change * means


@dataclass(frozen=True)
class EraseRectangle:
    """Uniform noise in a rectangle whose aspect ratio is up to three times the image's, or a third of it."""

    p: float
    smallest: float
    largest: float

    def __call__(self, images: Tensor, targets: Tensor, rng: BatchRNG) -> tuple[Tensor, Tensor]:
        """Images of the same shape; targets unchanged."""
        size = images.shape[2], images.shape[3]
        area = rng.uniform(self.smallest, self.largest)
        ratio = torch.exp(rng.uniform(-1.0986, 1.0986))
        where = rectangles(area, ratio, rng.chance(self.p), size, rng)
        return rng.with_noise(images, where), targets
