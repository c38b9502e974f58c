"""Transforms of a recipe as one function of a batch; neighbouring geometric ones share a single resampling."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from torch.nn import functional as F

from framework.components import Transform, build

if TYPE_CHECKING:
    import torch
    from torch import Tensor


class Augmentation:
    """The transforms in order.

    A transform is a callable `(images, targets, generator) -> (images, targets)`, or geometric: then it has
    `matrices(number, generator)`, float32 N×3×3 that map where a pixel goes to, in coordinates from -1 to 1 over the
    image (x, y, 1), to where it is taken from. Matrices of neighbours are multiplied and the image is sampled once:
    faster, and less blurred than sampling it for each.
    """

    def __init__(self, transforms: Sequence[Transform], image_size: tuple[int, int]) -> None:
        self.steps: list[Any] = [build(transform, image_size=image_size) for transform in transforms]

    def __call__(self, images: Tensor, targets: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Float32 B×C×H×W in [0, 1] and B×K class probabilities, of the same shapes and ranges."""
        pending: Tensor | None = None
        for step in self.steps:
            if hasattr(step, "matrices"):
                matrices = step.matrices(len(images), generator)
                pending = matrices if pending is None else pending @ matrices
            else:
                images, pending = warp(images, pending), None
                images, targets = step(images, targets, generator)
        return warp(images, pending), targets


def warp(images: Tensor, matrices: Tensor | None) -> Tensor:
    """Sample each image through its 3×3 matrix, bilinearly; what lies outside is reflected at the border."""
    if matrices is None:
        return images
    grid = F.affine_grid(matrices[:, :2].to(images.device), list(images.shape), align_corners=False)
    sampled = F.grid_sample(images, grid, mode="bilinear", padding_mode="reflection", align_corners=False)
    return sampled.clamp_(0, 1)  # the four weights add up to 1 only to within rounding
