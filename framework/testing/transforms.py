"""Checks of transforms."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

import torch
from torch import Tensor
from torch.nn import functional as F

from framework.components import Transform
from framework.data.augment import Augmentation, Function, Geometry, Pass, Photometry
from framework.data.rng import BatchPosition, BatchRNG
from framework.data.transformed import require_values, sort_of
from framework.testing.arguments import seeded
from framework.testing.check import Check, CheckSkipped, Subject, require

IMAGES = 12
TOLERANCE = 1e-5
"""Difference of pixels, in [0, 1], that may come from another order of summation."""
SHAPES = ((7, 1, 24, 24), (5, 3, 16, 24), (1, 3, 24, 24), (1, 1, 9, 7), (64, 3, 16, 16))


class _Built:
    """A transform built for images of one size."""

    def __init__(self, subject: Subject, height: int, width: int) -> None:
        self.transform = cast("Transform", subject.component)
        augmentation = Augmentation([self.transform], (height, width))
        (step,), (self.stream,) = augmentation.steps, augmentation.streams
        passes: dict[str | None, Callable[[], Pass]] = {
            "matrices": lambda: Geometry([(0, step)]),
            "levels": lambda: Photometry([(0, step)]),
            None: lambda: Function(0, step),
        }
        self.call = passes[sort_of(step)]()
        self.mixes = False

    def __call__(self, images: Tensor, targets: Tensor, indices: Tensor, seed: int = 0) -> tuple[Tensor, Tensor]:
        """The transformed batch of the images with these indices; what is given is not changed."""
        rng = _RecordingRNG(BatchPosition(indices, seed, progress=self.transform.after or 0.0), self.stream)
        result = self.call(images.clone(), targets.clone(), [rng])
        self.mixes |= rng.mixes
        return result


class _RecordingRNG(BatchRNG):
    """Records whether a transform mixes the images of a batch."""

    mixes = False

    def partners(self) -> Tensor:
        """As in the base class."""
        self.mixes = True
        return super().partners()


def shapes(subject: Subject) -> None:
    """Gray and RGB, one image and many: shapes are kept, images stay in [0, 1], targets remain probabilities."""
    for shape in SHAPES:
        built = _Built(subject, *shape[2:])
        for seed in range(3):
            images, targets = _batch(shape)
            result = built(images, targets, torch.arange(len(images)), seed)
            require_values(built.transform, result, None)
            require(result[0].dtype == torch.float32, f"images are {result[0].dtype}; they must stay float32")


def determinism(subject: Subject) -> None:
    """The same seed gives the same bytes, whatever the state of the global generators."""
    images, targets = _batch((IMAGES, 3, 24, 24))
    results = []
    for seed in (1, 2):
        with seeded(seed):
            results.append(_Built(subject, 24, 24)(images, targets, torch.arange(IMAGES)))
    require(
        all(map(torch.equal, *results)), "built twice, it gives other images for the same seed, epoch and image indices"
    )


def batch_independence(subject: Subject) -> None:
    """An image gets the same result alone, in another order and in another batch."""
    images, targets = _batch((IMAGES, 3, 24, 24))
    built, indices = _Built(subject, 24, 24), torch.arange(IMAGES) + 100
    whole = built(images, targets, indices)
    if built.mixes:
        raise CheckSkipped("it mixes images of the batch (rng.partners)")
    orders = {
        "alone": [[index] for index in range(IMAGES)],
        "in batches of 5": list(torch.arange(IMAGES).split(5)),
        "in reversed order": [list(reversed(range(IMAGES)))],
    }
    for how, batches in orders.items():
        for rows in batches:
            part = built(images[rows], targets[rows], indices[rows])
            same = [torch.allclose(one, all_[rows], atol=TOLERANCE) for one, all_ in zip(part, whole, strict=True)]
            require(all(same), f"an image gets another result {how} than in a batch of {IMAGES}")


def _batch(shape: tuple[int, ...]) -> tuple[Tensor, Tensor]:
    """Images in [0, 1] and one-hot targets of 3 classes."""
    images = torch.rand(shape, generator=torch.Generator().manual_seed(0))
    return images, F.one_hot(torch.arange(shape[0]) % 3, 3).float()


CHECKS = (
    Check(
        "shapes", "Images keep shape and type and stay in [0, 1], gray and RGB, for one image and many.",
        "Clamp pixel values, take the number of channels and the size from the images, and keep rows of targets "
        "that sum to 1.", shapes,
    ),
    Check(
        "determinism", "The same seed, epoch and images give the same bytes.",
        "Draw all random numbers from `rng`, and none in build() or from a global generator.", determinism,
    ),
    Check(
        "batch_independence", "What an image gets does not depend on the other images of its batch.",
        "Draw one number for each image from `rng`, and use no statistic of the batch.", batch_independence,
    ),
)  # fmt: skip
