"""Parameters for each image of a batch, drawn where the images are."""

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
    """Float32 B×1×H×W, 1 in a rectangle of `area` (fraction of the image) and `ratio` (height by width), anywhere.

    `ratio` is between the sides as fractions of the image's; where a side would be longer than the image, a ratio
    nearer to 1 keeps the area. Elsewhere it is 0, and throughout where `wanted`, bool B, is false.
    """
    height, width = size
    ratio = ratio.clamp(area, 1 / area)
    rows = _interval(height * (area * ratio).sqrt(), height, rng) & wanted[:, None]
    columns = _interval(width * (area / ratio).sqrt(), width, rng)
    return (rows.float()[:, :, None] * columns.float()[:, None, :])[:, None]


def _interval(length: Tensor, room: int, rng: BatchRNG) -> Tensor:
    """Bool B×room, true in `length` places in a row, rounded to at least one, that begin anywhere."""
    length = length.round().clamp(1, room)
    start = (rng.uniform() * (room - length + 1)).floor().clamp(max=room - 1)
    places = torch.arange(room, dtype=torch.float32, device=length.device)
    return (places >= start[:, None]) & (places < (start + length)[:, None])
