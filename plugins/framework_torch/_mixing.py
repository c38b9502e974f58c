"""Two images and their targets become one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from framework_torch._drawing import beta, chosen, rectangles

if TYPE_CHECKING:
    from torch import Generator, Tensor


@dataclass(frozen=True)
class Blend:
    """Mixup: a weighted sum of images and of targets."""

    alpha: float
    p: float

    def __call__(self, images: Tensor, targets: Tensor, generator: Generator) -> tuple[Tensor, Tensor]:
        """Images and targets of the same shapes."""
        number = len(images)
        share = beta(number, self.alpha, generator)
        share = torch.minimum(share, 1 - share) * chosen(number, self.p, generator)
        other = torch.randperm(number, generator=generator).to(images.device)
        share = share.to(images.device)
        return (
            torch.lerp(images, images[other], share.view(-1, 1, 1, 1)),
            torch.lerp(targets, targets[other], share.view(-1, 1)),
        )


@dataclass(frozen=True)
class Paste:
    """Cutmix: a rectangle of another image, targets mixed by its area."""

    alpha: float
    p: float

    def __call__(self, images: Tensor, targets: Tensor, generator: Generator) -> tuple[Tensor, Tensor]:
        """Images and targets of the same shapes."""
        number, size = len(images), (images.shape[2], images.shape[3])
        area = beta(number, self.alpha, generator)
        where = rectangles(area, torch.ones(number), chosen(number, self.p, generator), size, generator)
        where = where.to(images.device)
        other = torch.randperm(number, generator=generator).to(images.device)
        share = where.mean(dim=(1, 2, 3)).view(-1, 1)
        return torch.lerp(images, images[other], where), torch.lerp(targets, targets[other], share)
