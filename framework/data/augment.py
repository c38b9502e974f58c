"""Transforms of a recipe as one function of a batch; neighbours of one sort share a single pass over the images."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Any

import torch
from torch.nn import functional as F

from framework.components import Transform, build

if TYPE_CHECKING:
    from torch import Generator, Tensor

GRAY = (0.2989, 0.587, 0.114)
"""Luma of red, green and blue (ITU-R 601-2), as torchvision has it."""


class Augmentation:
    """The transforms in order.

    A transform is one of three sorts:

    - geometric: it has `matrices(number, generator)`, float32 N×3×3 that map where a pixel goes to, in coordinates from
      -1 to 1 over the image (x, y, 1), to where it is taken from;
    - photometric: it has `levels(means, generator)`, given the mean gray value of each image (float32 N on the CPU),
      the factor and the summand for its pixel values, float32 N each;
    - a callable `(images, targets, generator) -> (images, targets)`.

    Matrices of neighbours are multiplied and the images are sampled once; factors and summands of neighbours are
    composed and the values are changed, and cut to [0, 1], once. That is faster, and loses less, than doing it for
    each.
    """

    def __init__(self, transforms: Sequence[Transform], image_size: tuple[int, int]) -> None:
        steps = [build(transform, image_size=image_size) for transform in transforms]
        self.passes: list[Callable[..., tuple[Tensor, Tensor]]] = []
        for composed, group in groupby(steps, _composed):
            neighbours = list(group)
            self.passes += neighbours if composed is None else [composed(neighbours)]

    def __call__(self, images: Tensor, targets: Tensor, generator: Generator) -> tuple[Tensor, Tensor]:
        """Images B×C×H×W, uint8 or float32 in [0, 1], and class probabilities B×K: both of the same shapes, as float32.

        Runs where the images are.
        """
        if images.dtype == torch.uint8:
            images = images.div(255)
        for step in self.passes:
            images, targets = step(images, targets, generator)
        return images, targets


@dataclass(frozen=True)
class Geometry:
    """Geometric transforms as a single sampling."""

    steps: Sequence[Any]

    def __call__(self, images: Tensor, targets: Tensor, generator: Generator) -> tuple[Tensor, Tensor]:
        """Images of the same shape; targets as they were."""
        product, *others = (step.matrices(len(images), generator) for step in self.steps)
        for matrices in others:
            product = product @ matrices
        return warp(images, product), targets


@dataclass(frozen=True)
class Photometry:
    """Photometric transforms as a single change of values."""

    steps: Sequence[Any]

    def __call__(self, images: Tensor, targets: Tensor, generator: Generator) -> tuple[Tensor, Tensor]:
        """Images of the same shape; targets as they were."""
        means = gray_means(images).cpu()
        factor, summand = torch.ones_like(means), torch.zeros_like(means)
        for step in self.steps:
            times, plus = step.levels(torch.addcmul(summand, factor, means), generator)
            factor, summand = factor * times, torch.addcmul(plus, summand, times)
        factor, summand = (values.view(-1, 1, 1, 1).to(images.device) for values in (factor, summand))
        return (images * factor).add_(summand).clamp_(0, 1), targets


def _composed(step: Any) -> type[Geometry | Photometry] | None:
    """What joins this transform and its neighbours; None for a plain callable."""
    return Geometry if hasattr(step, "matrices") else Photometry if hasattr(step, "levels") else None


def gray_means(images: Tensor) -> Tensor:
    """Float32 N: the mean of each image's gray values, of N×C×H×W."""
    by_channel = images.mean(dim=(2, 3))
    if by_channel.shape[1] == 1:
        return by_channel[:, 0]
    return by_channel @ torch.tensor(GRAY, device=images.device)


def warp(images: Tensor, matrices: Tensor) -> Tensor:
    """Sample each image through its 3×3 matrix, bilinearly; what lies outside is reflected at the border."""
    grid = sampling_grid(matrices.to(images.device), images.shape[2], images.shape[3])
    sampled = F.grid_sample(images, grid, mode="bilinear", padding_mode="reflection", align_corners=False)
    return sampled.clamp_(0, 1)  # the four weights add up to 1 only to within rounding


def sampling_grid(matrices: Tensor, height: int, width: int) -> Tensor:
    """Float32 N×H×W×2: where each pixel's centre is taken from (x, y), as `affine_grid` gives it.

    A row's part and a column's part are added as complex numbers, x + iy: one pass instead of a product of matrices.
    """
    x, y = (torch.linspace(1 / n - 1, 1 - 1 / n, n, device=matrices.device) for n in (width, height))
    by_column = matrices[:, :2, 0:1] * x
    by_row = torch.addcmul(matrices[:, :2, 2:3], matrices[:, :2, 1:2], y)
    columns, rows = (torch.complex(part[:, 0], part[:, 1]) for part in (by_column, by_row))
    return torch.view_as_real(rows[:, :, None] + columns[:, None, :])
