"""Latency and throughput."""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from framework.inference.engine import Engine

WARMUP = 3
"""Calls that are not timed."""
MIN_CALLS = 10


@dataclass(frozen=True)
class Timing:
    """Duration of calls with one batch size."""

    batch_size: int
    calls: int
    p50: float
    """Median, in seconds."""
    p95: float

    @property
    def images_per_second(self) -> float:
        """At the median duration."""
        return self.batch_size / self.p50


def measure(engine: Engine, batch_size: int, size: tuple[int, int], seconds: float) -> Timing:
    """Time calls with random images of that height and width, for at least this many seconds."""
    images = _random_images(batch_size, size)
    for _ in range(WARMUP):
        engine.probabilities(images)
    times: list[float] = []
    total = 0.0
    while len(times) < MIN_CALLS or total < seconds:
        times.append(_duration(engine, images))
        total += times[-1]
    p50, p95 = np.quantile(times, [0.5, 0.95])
    return Timing(batch_size, len(times), float(p50), float(p95))


def speedup(first: Engine, second: Engine, size: tuple[int, int]) -> float:
    """How many times as fast the second engine is; timed in turns, so that other load affects both alike."""
    images = _random_images(8, size)
    times = [(_duration(first, images), _duration(second, images)) for _ in range(WARMUP + 15)]
    medians = np.median(times[WARMUP:], axis=0)
    return float(medians[0] / medians[1])


def _random_images(number: int, size: tuple[int, int]) -> Tensor:
    return torch.from_numpy(np.random.default_rng(0).integers(0, 256, (number, 3, *size), dtype=np.uint8))


def _duration(engine: Engine, images: Tensor) -> float:
    started = time.perf_counter()
    engine.probabilities(images)
    return time.perf_counter() - started
