"""How long an export takes, and how many images a second it classifies."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from framework.export.opened import Compute

WARM = 3
"""Calls that are not timed."""
FEWEST = 10
"""Timed calls, however long they take."""


@dataclass(frozen=True)
class Timing:
    """Of calls with so many images."""

    batch_size: int
    calls: int
    p50: float
    """Seconds that half of the calls took at most."""
    p95: float

    @property
    def images_per_second(self) -> float:
        """By the median call."""
        return self.batch_size / self.p50


def measure(compute: Compute, batch_size: int, size: tuple[int, int], seconds: float) -> Timing:
    """Call it with random images of that height and width for so long."""
    images = np.random.default_rng(0).integers(0, 256, (batch_size, 3, *size), dtype=np.uint8)
    for _ in range(WARM):
        compute(images)
    times: list[float] = []
    total = 0.0
    while len(times) < FEWEST or total < seconds:
        started = time.perf_counter()
        compute(images)
        times.append(time.perf_counter() - started)
        total += times[-1]
    p50, p95 = np.quantile(times, [0.5, 0.95])
    return Timing(batch_size, len(times), float(p50), float(p95))


def speed_ratio(first: Compute, second: Compute, size: tuple[int, int], batch_size: int = 8, rounds: int = 15) -> float:
    """How many times as fast the second is as the first: in turns, so that what else the machine does correct both."""
    images = np.random.default_rng(0).integers(0, 256, (batch_size, 3, *size), dtype=np.uint8)
    times: list[list[float]] = [[], []]
    for _ in range(WARM + rounds):
        for compute, taken in zip((first, second), times, strict=True):
            started = time.perf_counter()
            compute(images)
            taken.append(time.perf_counter() - started)
    return float(np.median(times[0][WARM:]) / np.median(times[1][WARM:]))
