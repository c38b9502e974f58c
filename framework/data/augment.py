"""Transforms of a recipe as one function of a batch; adjacent transforms of one kind share a pass over the images."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from framework.components import Transform, build
from framework.data.preprocess import rgb_to_gray
from framework.data.rng import BatchPosition, BatchRNG, words_of
from framework.data.seeding import seed_at
from framework.data.transformed import checked_step, sort_of

Pass = Callable[["Tensor", "Tensor", Sequence[BatchRNG]], tuple["Tensor", "Tensor"]]
"""Takes images, targets and the random numbers of every transform."""


class Augmentation:
    """The transforms in order, each during its part of the training.

    There are three kinds:

    - geometric, with `matrices(rng)`: float32 B×3×3 that map output to input coordinates (x, y, 1), from -1 to 1 over
      the image; they are affine, the last row is (0, 0, 1);
    - photometric, with `levels(means, rng)`: from the mean gray value of each image (float32 B) the factors and the
      summands for its pixel values, float32 B each;
    - a callable `(images, targets, rng) -> (images, targets)`.

    `rng` is a `BatchRNG`. Everything stays on the device of the images.

    Adjacent matrices are multiplied, and the images are sampled once; adjacent factors and summands are composed, and
    the values are changed and clipped to [0, 1] once. That is faster and loses less than one pass for each.
    """

    def __init__(self, transforms: Sequence[Transform], image_size: tuple[int, int]) -> None:
        self.transforms = tuple(transforms)
        self.steps = [checked_step(transform, build(transform, image_size=image_size)) for transform in transforms]
        self.streams = _streams(transforms)
        self._streams = torch.tensor(self.streams, dtype=torch.int64).view(-1, 1, 1)
        self._passes: dict[tuple[bool, ...], list[Pass]] = {}

    def __call__(self, images: Tensor, targets: Tensor, position: BatchPosition | None = None) -> tuple[Tensor, Tensor]:
        """Images B×C×H×W, uint8 or float32 in [0, 1], and class probabilities B×K: both of the same shapes, as float32.

        Runs on the device of the images. The default `position` is the first batch of a run over these images in order.
        """
        if images.dtype == torch.uint8:
            images = images.div(255)
        position = position or BatchPosition(torch.arange(len(images), device=images.device))
        passes = self._passes_at(position.progress)
        if passes:
            rngs = self._rngs(position)
            for each in passes:
                images, targets = each(images, targets, rngs)
        return images, targets

    def acting(self, progress: float) -> tuple[bool, ...]:
        """Which transforms are active at that fraction of the training."""
        return tuple(transform.acts_at(progress) for transform in self.transforms)

    def _rngs(self, position: BatchPosition) -> list[BatchRNG]:
        """One for each transform; the first numbers of all are computed together."""
        if self._streams.device != position.indices.device:
            self._streams = self._streams.to(position.indices.device)
        words = words_of(position, self._streams)
        return [BatchRNG(position, *each) for each in zip(self.streams, words, strict=True)]

    def _passes_at(self, progress: float) -> list[Pass]:
        """The passes at that fraction of the training."""
        acting = self.acting(progress)
        if acting not in self._passes:
            numbers = [number for number, acts in enumerate(acting) if acts]
            self._passes[acting] = _composed(self.steps, numbers)
        return self._passes[acting]


@dataclass(frozen=True)
class Geometry:
    """Geometric transforms as a single sampling."""

    steps: Sequence[tuple[int, Any]]
    """The number of each transform in the recipe, and the object with its `matrices`."""

    def __call__(self, images: Tensor, targets: Tensor, rngs: Sequence[BatchRNG]) -> tuple[Tensor, Tensor]:
        """Images of the same shape; unchanged targets."""
        product, *others = (step.matrices(rngs[number]) for number, step in self.steps)
        for matrices in others:
            product = product @ matrices
        return warp(images, product), targets


@dataclass(frozen=True)
class Photometry:
    """Photometric transforms as a single change of values."""

    steps: Sequence[tuple[int, Any]]
    """The number of each transform in the recipe, and the object with its `levels`."""

    def __call__(self, images: Tensor, targets: Tensor, rngs: Sequence[BatchRNG]) -> tuple[Tensor, Tensor]:
        """Images of the same shape; unchanged targets."""
        means = gray_means(images)
        factor, summand = torch.ones_like(means), torch.zeros_like(means)
        for number, step in self.steps:
            times, plus = step.levels(torch.addcmul(summand, factor, means), rngs[number])
            factor, summand = factor * times, torch.addcmul(plus, summand, times)
        factor, summand = (values.view(-1, 1, 1, 1) for values in (factor, summand))
        return (images * factor).add_(summand).clamp_(0, 1), targets


@dataclass(frozen=True)
class Function:
    """A transform that is a function of a batch."""

    number: int
    """Of the transform in the recipe."""
    step: Callable[[Tensor, Tensor, BatchRNG], tuple[Tensor, Tensor]]

    def __call__(self, images: Tensor, targets: Tensor, rngs: Sequence[BatchRNG]) -> tuple[Tensor, Tensor]:
        """The result of the transform."""
        return self.step(images, targets, rngs[self.number])


def _streams(transforms: Sequence[Transform]) -> list[int]:
    """A key for each transform: its name and how often that name occurs before it in the recipe."""
    seen: Counter[str] = Counter()
    streams = []
    for transform in transforms:
        name = str(getattr(transform, "name", type(transform).__name__))
        streams.append(seed_at("transform", name, seen[name]))
        seen[name] += 1
    return streams


def _composed(steps: Sequence[Any], numbers: Sequence[int]) -> list[Pass]:
    """The steps with these numbers; adjacent ones of one kind are combined."""
    passes: list[Pass] = []
    for sort, group in groupby(numbers, lambda number: sort_of(steps[number])):
        members = [(number, steps[number]) for number in group]
        if sort == "matrices":
            passes.append(Geometry(members))
        elif sort == "levels":
            passes.append(Photometry(members))
        else:
            passes += [Function(*member) for member in members]
    return passes


def gray_means(images: Tensor) -> Tensor:
    """Float32 B: the mean gray value of each image of B×C×H×W."""
    by_channel = images.mean(dim=(2, 3), keepdim=True)
    return (by_channel if by_channel.shape[1] == 1 else rgb_to_gray(by_channel)).flatten()


def warp(images: Tensor, matrices: Tensor) -> Tensor:
    """Sample each image through its 3×3 matrix, bilinearly; the outside is reflected at the border."""
    grid = sampling_grid(matrices, images.shape[2], images.shape[3])
    sampled = F.grid_sample(images, grid, mode="bilinear", padding_mode="reflection", align_corners=False)
    return sampled.clamp_(0, 1)  # the four weights sum to 1 only to within rounding


def sampling_grid(matrices: Tensor, height: int, width: int) -> Tensor:
    """Float32 B×H×W×2: the input position (x, y) of each pixel's centre, as `affine_grid` returns it.

    Row and column terms are added as complex numbers, x + iy: one pass instead of a matrix product.
    """
    x, y = (torch.linspace(1 / n - 1, 1 - 1 / n, n, device=matrices.device) for n in (width, height))
    by_column = matrices[:, :2, 0:1] * x
    by_row = torch.addcmul(matrices[:, :2, 2:3], matrices[:, :2, 1:2], y)
    columns, rows = (torch.complex(part[:, 0], part[:, 1]) for part in (by_column, by_row))
    return torch.view_as_real(rows[:, :, None] + columns[:, None, :])
