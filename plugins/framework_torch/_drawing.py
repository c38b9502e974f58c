"""Random parameters for each image of a batch, drawn on its device."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from torch import Tensor

    from framework import BatchRNG


def symmetric(largest: float, p: float, rng: BatchRNG) -> Tensor:
    """Float32 B between -`largest` and `largest`; 0 with probability 1 - p."""
    values = rng.uniform(-largest, largest)
    return values if p == 1 else values * rng.chance(p)


def rectangles(area: Tensor, ratio: Tensor, wanted: Tensor, size: tuple[int, int], rng: BatchRNG) -> Tensor:
    """Masks, float32 B×1×H×W: 1 in a randomly placed rectangle, 0 elsewhere, and all 0 if `wanted` (bool B) is false.

    `area` is a fraction of the image, `ratio` is height by width, both sides as fractions of the image's. If a side
    would be longer than the image, `ratio` is moved towards 1, so that the area is kept.
    """
    height, width = size
    ratio = ratio.clamp(area, 1 / area)
    rows = _interval(height * (area * ratio).sqrt(), height, rng) & wanted[:, None]
    columns = _interval(width * (area / ratio).sqrt(), width, rng)
    return (rows.float()[:, :, None] * columns.float()[:, None, :])[:, None]


def _interval(length: Tensor, size: int, rng: BatchRNG) -> Tensor:
    """Bool B×size: true in an interval of `length`, rounded to at least 1, at a random start."""
    length = length.round().clamp(1, size)
    start = (rng.uniform() * (size - length + 1)).floor().clamp(max=size - 1)
    places = torch.arange(size, dtype=torch.float32, device=length.device)
    return (places >= start[:, None]) & (places < (start + length)[:, None])
