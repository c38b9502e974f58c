"""Geometric transforms as B×3×3 matrices from output to input coordinates (x, y) in [-1, 1]."""

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
    """An identity matrix for each image, float32 B×3×3."""
    return torch.eye(3, device=rng.device).repeat(len(rng), 1, 1)


@dataclass(frozen=True)
class FlipMatrices:
    """Maps x to -x."""

    p: float

    def matrices(self, rng: BatchRNG) -> Tensor:
        """Float32 B×3×3."""
        result = identity(rng)
        result[:, 0, 0] = torch.where(rng.chance(self.p), -1.0, 1.0)
        return result


@dataclass(frozen=True)
class AlternatingFlip:
    """Maps x to -x in every other epoch, even or odd by a hash of (seed, image)."""

    def matrices(self, rng: BatchRNG) -> Tensor:
        """Float32 B×3×3."""
        result = identity(rng)
        result[:, 0, 0] = torch.where(rng.coin() == (rng.epoch % 2 == 0), -1.0, 1.0)
        return result


@dataclass(frozen=True)
class ShiftMatrices:
    """Translation; width and height are 2 in these coordinates."""

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
    """Scaling by f multiplies input coordinates by 1/f."""

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
    """Rotation in pixel coordinates, for any aspect ratio."""

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
    """Translation by whole pixels at full image size, and by the same fraction of smaller images."""

    padding: int
    image_size: tuple[int, int]

    def matrices(self, rng: BatchRNG) -> Tensor:
        """Float32 B×3×3."""
        result = identity(rng)
        for axis, pixels in ((0, self.image_size[1]), (1, self.image_size[0])):
            result[:, axis, 2] = rng.integers(-self.padding, self.padding + 1) * 2 / pixels
        return result
