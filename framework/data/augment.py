"""Transforms of a recipe as one function of a batch; neighbours of one sort share a single pass over the images."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Any

import torch
from torch.nn import functional as F

from framework.components import Transform, build, names_argument
from framework.data.moment import Moment
from framework.data.preprocess import LUMA
from framework.data.transformed import checked_step, sort_of

if TYPE_CHECKING:
    from torch import Generator, Tensor

Pass = Callable[..., tuple["Tensor", "Tensor"]]
"""Takes images, targets, the step's generator and the moment."""

GRAY = tuple(weight / 2**16 for weight in LUMA)
"""Of red, green and blue."""


class Augmentation:
    """The transforms in order, each in its part of the training.

    A transform is one of three sorts:

    - geometric: it has `matrices(number, generator)`, float32 N×3×3 that map where a pixel goes to, in coordinates from
      -1 to 1 over the image (x, y, 1), to where it is taken from; affine, so that the last row is (0, 0, 1);
    - photometric: it has `levels(means, generator)`, given the mean gray value of each image (float32 N on the CPU),
      the factor and the summand for its pixel values, float32 N each;
    - a callable `(images, targets, generator) -> (images, targets)`.

    Each of these may name a further argument, `moment`: it is then given the `Moment` of the batch.

    Matrices of neighbours are multiplied and the images are sampled once; factors and summands of neighbours are
    composed and the values are changed, and cut to [0, 1], once. That is faster, and loses less, than doing it for
    each.
    """

    def __init__(self, transforms: Sequence[Transform], image_size: tuple[int, int]) -> None:
        self.transforms = tuple(transforms)
        self.steps = [checked_step(transform, build(transform, image_size=image_size)) for transform in transforms]
        self._passes: dict[tuple[bool, ...], list[Pass]] = {}

    def __call__(
        self, images: Tensor, targets: Tensor, generator: Generator, moment: Moment | None = None
    ) -> tuple[Tensor, Tensor]:
        """Images B×C×H×W, uint8 or float32 in [0, 1], and class probabilities B×K: both of the same shapes, as float32.

        Runs where the images are. `moment` left out is the first of a run.
        """
        if images.dtype == torch.uint8:
            images = images.div(255)
        moment = moment or Moment.first(len(images))
        for step in self._passes_at(moment.progress):
            images, targets = step(images, targets, generator, moment)
        return images, targets

    def _passes_at(self, progress: float) -> list[Pass]:
        """What is done where that share of the training is."""
        acting = tuple(transform.acts_at(progress) for transform in self.transforms)
        if acting not in self._passes:
            self._passes[acting] = _composed(step for step, acts in zip(self.steps, acting, strict=True) if acts)
        return self._passes[acting]


@dataclass(frozen=True)
class Geometry:
    """Geometric transforms as a single sampling."""

    draws: Sequence[Callable[..., Tensor]]
    """The `matrices` of each."""

    def __call__(self, images: Tensor, targets: Tensor, generator: Generator, moment: Moment) -> tuple[Tensor, Tensor]:
        """Images of the same shape; targets as they were."""
        product, *others = (draw(len(images), generator, moment) for draw in self.draws)
        for matrices in others:
            product = product @ matrices
        return warp(images, product), targets


@dataclass(frozen=True)
class Photometry:
    """Photometric transforms as a single change of values."""

    draws: Sequence[Callable[..., tuple[Tensor, Tensor]]]
    """The `levels` of each."""

    def __call__(self, images: Tensor, targets: Tensor, generator: Generator, moment: Moment) -> tuple[Tensor, Tensor]:
        """Images of the same shape; targets as they were."""
        means = gray_means(images).cpu()
        factor, summand = torch.ones_like(means), torch.zeros_like(means)
        for draw in self.draws:
            times, plus = draw(torch.addcmul(summand, factor, means), generator, moment)
            factor, summand = factor * times, torch.addcmul(plus, summand, times)
        factor, summand = (values.view(-1, 1, 1, 1).to(images.device) for values in (factor, summand))
        return (images * factor).add_(summand).clamp_(0, 1), targets


def _composed(steps: Iterable[Any]) -> list[Pass]:
    """Neighbours of one sort as one."""
    passes: list[Pass] = []
    for sort, group in groupby(steps, sort_of):
        if sort == "matrices":
            passes.append(Geometry([_told_moment(step.matrices) for step in group]))
        elif sort == "levels":
            passes.append(Photometry([_told_moment(step.levels) for step in group]))
        else:
            passes += map(_told_moment, group)
    return passes


def _told_moment(draw: Callable[..., Any]) -> Callable[..., Any]:
    """The same with the moment as its last argument, whether it asks for it or not."""
    if names_argument(draw, "moment"):
        return lambda *given: draw(*given[:-1], moment=given[-1])
    return lambda *given: draw(*given[:-1])


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
