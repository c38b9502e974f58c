"""Geometric transforms as B×3×3 matrices, from where a pixel goes to to where it is taken from, in [-1, 1] (x, y)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from framework_torch._drawing import symmetric

if TYPE_CHECKING:
    from torch import Tensor

    from framework import BatchRNG


def identity(rng: BatchRNG) -> Tensor:
    """A unit matrix for each image, float32 B×3×3."""
    return torch.eye(3, device=rng.device).repeat(len(rng), 1, 1)


@dataclass(frozen=True)
class FlipMatrices:
    """x to -x."""

    p: float

    def matrices(self, rng: BatchRNG) -> Tensor:
        """Float32 B×3×3."""
        result = identity(rng)
        result[:, 0, 0] = torch.where(rng.chance(self.p), -1.0, 1.0)
        return result


@dataclass(frozen=True)
class AlternatingFlip:
    """x to -x in every other epoch; a hash of (seed, image) says in which ones."""

    def matrices(self, rng: BatchRNG) -> Tensor:
        """Float32 B×3×3."""
        result = identity(rng)
        result[:, 0, 0] = torch.where(rng.coin() == (rng.epoch % 2 == 0), -1.0, 1.0)
        return result


@dataclass(frozen=True)
class ShiftMatrices:
    """Moves; the width is 2 in these coordinates."""

    fraction: float
    p: float

    def matrices(self, rng: BatchRNG) -> Tensor:
        """Float32 B×3×3."""
        result = identity(rng)
        moves = torch.stack([rng.uniform(-2 * self.fraction, 2 * self.fraction) for _ in range(2)], dim=1)
        result[:, :2, 2] = moves if self.p == 1 else moves * rng.chance(self.p)[:, None]
        return result


@dataclass(frozen=True)
class ScaleMatrices:
    """Magnifying by f takes from 1/f as far."""

    fraction: float
    p: float

    def matrices(self, rng: BatchRNG) -> Tensor:
        """Float32 B×3×3."""
        result = identity(rng)
        inverse = 1 / (1 + symmetric(self.fraction, self.p, rng))
        result[:, 0, 0] = inverse
        result[:, 1, 1] = inverse
        return result


@dataclass(frozen=True)
class RotateMatrices:
    """Rotation in pixels, whatever the image's shape."""

    degrees: float
    p: float
    image_size: tuple[int, int]

    def matrices(self, rng: BatchRNG) -> Tensor:
        """Float32 B×3×3."""
        height, width = self.image_size
        angle = symmetric(math.radians(self.degrees), self.p, rng)
        result = identity(rng)
        result[:, 0, 0] = result[:, 1, 1] = angle.cos()
        result[:, 0, 1] = -angle.sin() * height / width
        result[:, 1, 0] = angle.sin() * width / height
        return result


@dataclass(frozen=True)
class CropMatrices:
    """Moves by whole pixels of images of that size, and by the same share of smaller ones."""

    padding: int
    image_size: tuple[int, int]

    def matrices(self, rng: BatchRNG) -> Tensor:
        """Float32 B×3×3."""
        result = identity(rng)
        for axis, pixels in ((0, self.image_size[1]), (1, self.image_size[0])):
            result[:, axis, 2] = rng.integers(-self.padding, self.padding + 1) * 2 / pixels
        return result
