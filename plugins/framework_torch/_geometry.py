"""Geometric transforms as N×3×3 matrices, from where a pixel goes to to where it is taken from, in [-1, 1] (x, y)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from framework_torch._drawing import chosen, coin_of, symmetric, uniform

if TYPE_CHECKING:
    from torch import Generator, Tensor

    from framework import Moment


def identity(number: int) -> Tensor:
    """N unit matrices."""
    return torch.eye(3).expand(number, 3, 3).clone()


@dataclass(frozen=True)
class FlipMatrices:
    """x to -x."""

    p: float

    def matrices(self, number: int, generator: Generator) -> Tensor:
        """Float32 N×3×3."""
        result = identity(number)
        result[:, 0, 0] = torch.where(chosen(number, self.p, generator), -1.0, 1.0)
        return result


@dataclass(frozen=True)
class AlternatingFlip:
    """x to -x in every other epoch; a hash of (seed, image) says in which ones."""

    def matrices(self, number: int, generator: Generator, moment: Moment) -> Tensor:
        """Float32 N×3×3."""
        result = identity(number)
        even = coin_of(moment.indices, moment.seed)
        result[:, 0, 0] = torch.where(even == (moment.epoch % 2 == 0), -1.0, 1.0)
        return result


@dataclass(frozen=True)
class ShiftMatrices:
    """Moves; the width is 2 in these coordinates."""

    fraction: float
    p: float

    def matrices(self, number: int, generator: Generator) -> Tensor:
        """Float32 N×3×3."""
        result = identity(number)
        moves = uniform(2 * number, -2 * self.fraction, 2 * self.fraction, generator).view(number, 2)
        result[:, :2, 2] = moves if self.p == 1 else moves * chosen(number, self.p, generator)[:, None]
        return result


@dataclass(frozen=True)
class ScaleMatrices:
    """Magnifying by f takes from 1/f as far."""

    fraction: float
    p: float

    def matrices(self, number: int, generator: Generator) -> Tensor:
        """Float32 N×3×3."""
        result = identity(number)
        inverse = 1 / (1 + symmetric(number, self.fraction, self.p, generator))
        result[:, 0, 0] = inverse
        result[:, 1, 1] = inverse
        return result


@dataclass(frozen=True)
class RotateMatrices:
    """Rotation in pixels, whatever the image's shape."""

    degrees: float
    p: float
    image_size: tuple[int, int]

    def matrices(self, number: int, generator: Generator) -> Tensor:
        """Float32 N×3×3."""
        height, width = self.image_size
        angle = symmetric(number, math.radians(self.degrees), self.p, generator)
        result = identity(number)
        result[:, 0, 0] = result[:, 1, 1] = angle.cos()
        result[:, 0, 1] = -angle.sin() * height / width
        result[:, 1, 0] = angle.sin() * width / height
        return result


@dataclass(frozen=True)
class CropMatrices:
    """Moves by whole pixels of images of that size, and by the same share of smaller ones."""

    padding: int
    image_size: tuple[int, int]

    def matrices(self, number: int, generator: Generator) -> Tensor:
        """Float32 N×3×3."""
        result = identity(number)
        for axis, pixels in ((0, self.image_size[1]), (1, self.image_size[0])):
            moves = torch.randint(-self.padding, self.padding + 1, (number,), generator=generator)
            result[:, axis, 2] = moves * 2 / pixels
        return result
