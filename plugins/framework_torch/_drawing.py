"""Parameters for each image of a batch, drawn on the CPU from the step's generator."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from torch import Generator, Tensor


def uniform(number: int, low: float, high: float, generator: Generator) -> Tensor:
    """Float32 N between `low` and `high`."""
    return torch.empty(number).uniform_(low, high, generator=generator)


def chosen(number: int, p: float, generator: Generator) -> Tensor:
    """Bool N, true with probability `p`."""
    return torch.rand(number, generator=generator) < p


def coin_of(indices: Tensor, seed: int) -> Tensor:
    """Bool N, true for half of all int64 N: a hash of (seed, index), always the same.

    SplitMix64: Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014.
    """
    state = (indices + 1) * _signed(0x9E3779B97F4A7C15) + _signed(seed * 0xD1342543DE82EF95)
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        state = (state ^ _shifted(state, shift)) * _signed(factor)
    return (state ^ _shifted(state, 31)) & 1 == 1


def _signed(word: int) -> int:
    """The int64 with the lowest 64 bits of `word`."""
    return (word + 2**63) % 2**64 - 2**63


def _shifted(words: Tensor, by: int) -> Tensor:
    """To the right, as unsigned 64-bit words are."""
    return (words >> by) & ((1 << 64 - by) - 1)


def symmetric(number: int, largest: float, p: float, generator: Generator) -> Tensor:
    """Float32 N between -`largest` and `largest`; 0 with probability 1 - p."""
    values = uniform(number, -largest, largest, generator)
    return values if p == 1 else values * chosen(number, p, generator)


def beta(number: int, alpha: float, generator: Generator) -> Tensor:
    """Float32 N from Beta(alpha, alpha), as a ratio of two gamma variates."""
    shape = torch.full((2, number), alpha)
    first, second = torch._standard_gamma(shape, generator=generator)
    share: Tensor = first / (first + second).clamp(min=1e-12)
    return share


def noise(shape: Sequence[int], device: torch.device, generator: Generator) -> Tensor:
    """Float32 in [0, 1) on the device, in steps of 1/256: eight values of each 64 bits, drawn where they are used."""
    seed = int(torch.randint(2**63 - 1, (), generator=generator))
    local = torch.Generator(device).manual_seed(seed)
    number = math.prod(shape)
    words = torch.empty(-(-number // 8), dtype=torch.int64, device=device).random_(-(2**63), None, generator=local)
    values: Tensor = words.view(torch.uint8)[:number].view(*shape) / 256
    return values


def rectangles(area: Tensor, ratio: Tensor, wanted: Tensor, size: tuple[int, int], generator: Generator) -> Tensor:
    """Float32 N×1×H×W, 1 in a rectangle of `area` (share of the image) and `ratio` (height by width), placed anywhere.

    `ratio` is between the sides as shares of the image's; where a side would be longer than the image, a ratio nearer
    to 1 keeps the area. Elsewhere it is 0, and throughout where `wanted`, bool N, is false.
    """
    height, width = size
    ratio = ratio.clamp(area, 1 / area)
    rows = _interval(height * (area * ratio).sqrt(), height, generator) & wanted[:, None]
    columns = _interval(width * (area / ratio).sqrt(), width, generator)
    return (rows.float()[:, :, None] * columns.float()[:, None, :])[:, None]


def _interval(length: Tensor, room: int, generator: Generator) -> Tensor:
    """Bool N×room, true in `length` places in a row, rounded to at least one, that begin anywhere."""
    length = length.round().clamp(1, room)
    start = (uniform(len(length), 0, 1, generator) * (room - length + 1)).floor().clamp(max=room - 1)
    places = torch.arange(room, dtype=torch.float32)
    return (places >= start[:, None]) & (places < (start + length)[:, None])
