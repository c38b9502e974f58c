"""Changes of pixel values, float32 B×C×H×W in [0, 1]."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from framework_torch._drawing import chosen, rectangles, symmetric, uniform

if TYPE_CHECKING:
    from torch import Generator, Tensor

GRAY = (0.2989, 0.587, 0.114)


@dataclass(frozen=True)
class AdjustBrightness:
    """images × factor."""

    fraction: float
    p: float

    def __call__(self, images: Tensor, targets: Tensor, generator: Generator) -> tuple[Tensor, Tensor]:
        """Images of the same shape; targets as they were."""
        factor = 1 + symmetric(len(images), self.fraction, self.p, generator)
        return (images * _spread(factor, images)).clamp_(0, 1), targets


@dataclass(frozen=True)
class AdjustContrast:
    """mean + (images - mean) × factor, with the mean of each image's gray values."""

    fraction: float
    p: float

    def __call__(self, images: Tensor, targets: Tensor, generator: Generator) -> tuple[Tensor, Tensor]:
        """Images of the same shape; targets as they were."""
        factor = _spread(1 + symmetric(len(images), self.fraction, self.p, generator), images)
        weights = torch.tensor(GRAY if images.shape[1] == 3 else (1.0,), device=images.device).view(1, -1, 1, 1)
        mean = (images * weights).sum(dim=1, keepdim=True).mean(dim=(2, 3), keepdim=True)
        return (mean + (images - mean) * factor).clamp_(0, 1), targets


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
        where = rectangles(number, area, ratio, size, generator)
        where &= chosen(number, self.p, generator).view(-1, 1, 1, 1)
        noise = torch.rand(images.shape, generator=generator)
        return torch.where(where.to(images.device), noise.to(images.device), images), targets


def _spread(values: Tensor, images: Tensor) -> Tensor:
    return values.view(-1, 1, 1, 1).to(images.device)
