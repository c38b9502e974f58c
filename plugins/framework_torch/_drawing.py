"""Parameters for each image of a batch, drawn on the CPU from the step's generator."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from torch import Generator, Tensor


def uniform(number: int, low: float, high: float, generator: Generator) -> Tensor:
    """Float32 N between `low` and `high`."""
    return torch.rand(number, generator=generator) * (high - low) + low


def chosen(number: int, p: float, generator: Generator) -> Tensor:
    """Bool N, true with probability `p`."""
    return torch.rand(number, generator=generator) < p


def symmetric(number: int, largest: float, p: float, generator: Generator) -> Tensor:
    """Float32 N between -`largest` and `largest`; 0 with probability 1 - p."""
    return uniform(number, -largest, largest, generator) * chosen(number, p, generator)


def beta(number: int, alpha: float, generator: Generator) -> Tensor:
    """Float32 N from Beta(alpha, alpha), as a ratio of two gamma variates."""
    shape = torch.full((2, number), alpha)
    first, second = torch._standard_gamma(shape, generator=generator)
    share: Tensor = first / (first + second).clamp(min=1e-12)
    return share


def rectangles(number: int, area: Tensor, ratio: Tensor, size: tuple[int, int], generator: Generator) -> Tensor:
    """Bool N×1×H×W, true in a rectangle of `area` (share of the image) and `ratio` (height by width), placed anywhere.

    `ratio` is between the sides as shares of the image's; where a side would be longer than the image, a ratio nearer
    to 1 keeps the area.
    """
    height, width = size
    ratio = ratio.clamp(area, 1 / area)
    tall = (height * (area * ratio).sqrt()).round().clamp(1, height)
    wide = (width * (area / ratio).sqrt()).round().clamp(1, width)
    top = (uniform(number, 0, 1, generator) * (height - tall + 1)).floor().clamp(max=height - 1)
    left = (uniform(number, 0, 1, generator) * (width - wide + 1)).floor().clamp(max=width - 1)
    rows = torch.arange(height).view(1, -1, 1)
    columns = torch.arange(width).view(1, 1, -1)
    top, tall, left, wide = (value.view(-1, 1, 1) for value in (top, tall, left, wide))
    inside = (rows >= top) & (rows < top + tall) & (columns >= left) & (columns < left + wide)
    return inside[:, None]
