"""Changes of pixel values, float32 B×C×H×W in [0, 1]."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from framework_torch._drawing import chosen, noise, rectangles, symmetric, uniform

if TYPE_CHECKING:
    from torch import Generator, Tensor


@dataclass(frozen=True)
class BrightnessLevels:
    """Value × factor."""

    fraction: float
    p: float

    def levels(self, means: Tensor, generator: Generator) -> tuple[Tensor, Tensor]:
        """Factor and summand, float32 N."""
        return 1 + symmetric(len(means), self.fraction, self.p, generator), torch.zeros_like(means)


@dataclass(frozen=True)
class ContrastLevels:
    """The image's mean gray + (value - mean) × factor."""

    fraction: float
    p: float

    def levels(self, means: Tensor, generator: Generator) -> tuple[Tensor, Tensor]:
        """Factor and summand, float32 N."""
        change = symmetric(len(means), self.fraction, self.p, generator)
        return 1 + change, -change * means


@dataclass(frozen=True)
class EraseRectangle:
    """Uniform noise in a rectangle of the image's own shape, up to three times taller or wider."""

    p: float
    smallest: float
    largest: float

    def __call__(self, images: Tensor, targets: Tensor, generator: Generator) -> tuple[Tensor, Tensor]:
        """Images of the same shape; targets as they were."""
        number, size = len(images), (images.shape[2], images.shape[3])
        area = uniform(number, self.smallest, self.largest, generator)
        ratio = torch.exp(uniform(number, -1.0986, 1.0986, generator))
        where = rectangles(area, ratio, chosen(number, self.p, generator), size, generator).to(images.device)
        return torch.lerp(images, noise(images.shape, images.device, generator), where), targets
