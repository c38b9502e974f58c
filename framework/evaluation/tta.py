"""Test-time augmentation: logits averaged over views of an image (Krizhevsky, Sutskever and Hinton, 2012)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from torch.nn import functional as F

if TYPE_CHECKING:
    from torch import Tensor

SHIFT_DIVISOR = 24
"""A view is shifted by the shorter side divided by this: 2 pixels of 48."""

SHIFTS = {1: [(0, 0)], 2: [(0, 0)], 6: [(0, 0), (1, 1), (-1, -1)], 10: [(0, 0), (1, 1), (1, -1), (-1, 1), (-1, -1)]}
"""Directions of the shifts, down and right, by number of views."""


def tta_views(images: Tensor, number: int) -> Iterator[Tensor]:
    """The views of a batch B×C×H×W, each of the same shape.

    1: the images themselves; 2: also mirrored; 6: both also shifted along one diagonal (Jordan, 2024); 10: along both
    diagonals, like ten crops. A shift repeats the edge.
    """
    step = max(1, round(min(images.shape[2:]) / SHIFT_DIVISOR))
    for down, right in SHIFTS[number]:
        view = shifted(images, down * step, right * step)
        yield view
        if number > 1:
            yield view.flip(3)


def shifted(images: Tensor, down: int, right: int) -> Tensor:
    """The images shifted by this many pixels, with repeated edges."""
    if not (down or right):
        return images
    height, width = images.shape[2:]
    margin = max(abs(down), abs(right))
    padded = F.pad(images, (margin, margin, margin, margin), mode="replicate")
    return padded[:, :, margin - down : margin - down + height, margin - right : margin - right + width]
