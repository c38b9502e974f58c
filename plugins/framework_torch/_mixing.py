"""Mixup and cutmix: combine two images and their targets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from framework_torch._drawing import rectangles

if TYPE_CHECKING:
    from torch import Tensor

    from framework import BatchRNG


@dataclass(frozen=True)
class Blend:
    """Mixup: a weighted sum of images and of targets."""

    alpha: float
    p: float

    def __call__(self, images: Tensor, targets: Tensor, rng: BatchRNG) -> tuple[Tensor, Tensor]:
        """Images and targets of the same shapes."""
        fraction = rng.beta(self.alpha)
        fraction = torch.minimum(fraction, 1 - fraction) * rng.chance(self.p)
        other = rng.partners()
        return (
            torch.lerp(images, images[other], fraction.view(-1, 1, 1, 1)),
            torch.lerp(targets, targets[other], fraction.view(-1, 1)),
        )


@dataclass(frozen=True)
class Paste:
    """Cutmix: a rectangle of another image, targets mixed by its area."""

    alpha: float
    p: float

    def __call__(self, images: Tensor, targets: Tensor, rng: BatchRNG) -> tuple[Tensor, Tensor]:
        """Images and targets of the same shapes."""
        area = rng.beta(self.alpha)
        where = rectangles(area, torch.ones_like(area), rng.chance(self.p), (images.shape[2], images.shape[3]), rng)
        other = rng.partners()
        fraction = where.mean(dim=(1, 2, 3)).view(-1, 1)
        return torch.lerp(images, images[other], where), torch.lerp(targets, targets[other], fraction)
