"""Progressive resizing: small images first, which train faster, then larger ones (Howard, fastai's DAWNBench, 2018)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

STEP = 16
"""Pixels that the shorter side grows by at a time."""


class SizePhase(NamedTuple):
    """Consecutive optimizer steps whose images have one size."""

    size: tuple[int, int]
    """Height and width in pixels."""
    start: int
    """The first step, from 0."""
    steps: int


@dataclass(frozen=True)
class ImageSizeSchedule:
    """The image size at each optimizer step.

    The shorter side starts at `start` pixels and reaches that of `final` (height, width) after `steps` steps; the
    aspect ratio stays the same.
    """

    start: int
    steps: int
    final: tuple[int, int]

    def sizes(self) -> list[tuple[int, int]]:
        """Every size, from the smallest."""
        shorter = min(self.final)
        return [self._scaled(side) for side in range(self.start, shorter, STEP)] + [self.final]

    def size_at(self, step: int) -> tuple[int, int]:
        """Height and width at optimizer step `step`, from 0."""
        sizes = self.sizes()
        return sizes[-1] if step >= self.steps else sizes[step * (len(sizes) - 1) // self.steps]

    def phases(self, total: int) -> list[SizePhase]:
        """The sizes of a run of `total` steps, in order."""
        sizes = self.sizes()
        changes = len(sizes) - 1
        starts = [-(-number * self.steps // changes) for number in range(changes)] + [self.steps, total]
        spans = zip(sizes, starts, starts[1:], strict=False)
        return [
            SizePhase(size, start, min(end, total) - start) for size, start, end in spans if start < min(end, total)
        ]

    def _scaled(self, side: int) -> tuple[int, int]:
        height, width = self.final
        return round(side * height / min(self.final)), round(side * width / min(self.final))
