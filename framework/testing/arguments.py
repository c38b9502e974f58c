"""The arguments of `build` in the checks, and the random generators."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from framework.data.preprocess import Preprocessor

SIDE = 32
"""Height and width of images, in pixels."""
TOTAL_STEPS, STEPS_PER_EPOCH = 12, 4


def model_arguments(classes: tuple[str, ...], channels: int, side: int) -> dict[str, Any]:
    """For a network that classifies `channels`×`side`×`side` images."""
    sample = random_images(64, channels, side, seed=9)
    return {"num_classes": len(classes), "channels": channels, "image_size": (side, side), "sample": sample}


def loss_arguments(classes: tuple[str, ...], channels: int) -> dict[str, Any]:
    """For a loss on these classes, in float32 on the CPU."""
    gray: bool = channels == 1
    preprocess = Preprocessor(SIDE, SIDE, 1 if gray else 3, "crop", (0.5,) * channels, (0.25,) * channels)
    return {
        "class_counts": {name: 10 * (index + 1) for index, name in enumerate(classes)},
        "preprocess": preprocess,
        "device": torch.device("cpu"),
        "precision": torch.float32,
    }


def scheduler_arguments(total_steps: int = TOTAL_STEPS, steps_per_epoch: int = STEPS_PER_EPOCH) -> dict[str, Any]:
    """For a scheduler of a training with that many steps."""
    optimizer = torch.optim.SGD(small_network().parameters(), lr=0.1, momentum=0.9)
    return {"optimizer": optimizer, "total_steps": total_steps, "steps_per_epoch": steps_per_epoch}


def small_network(seed: int = 0) -> nn.Module:
    """A network on 3×8×8 images with matrices, biases and normalisation."""
    with seeded(seed):
        return nn.Sequential(
            nn.Conv2d(3, 4, 3, stride=2, bias=False),
            nn.BatchNorm2d(4),
            nn.ReLU(),
            nn.Flatten(),
            nn.Linear(36, 8),
            nn.Linear(8, 3),
        )


def random_images(number: int, channels: int, side: int, seed: int = 0) -> Tensor:
    """Normalised images, float32 N×C×H×W."""
    return torch.randn(number, channels, side, side, generator=torch.Generator().manual_seed(seed))


@contextmanager
def seeded(seed: int, other: int | None = None) -> Iterator[None]:
    """Seed PyTorch's global generator, as the framework does, and restore all generators at the end.

    NumPy's and Python's generators, which the framework does not seed, get the seed `other`.
    """
    python, numpy = random.getstate(), np.random.get_state()
    try:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            random.seed(seed if other is None else other)
            np.random.seed(seed if other is None else other)
            yield
    finally:
        random.setstate(python)
        np.random.set_state(numpy)


def identical(one: Any, other: Any) -> bool:
    """Whether two nested states are equal to the last bit."""
    if isinstance(one, torch.Tensor):
        return isinstance(other, torch.Tensor) and one.dtype == other.dtype and torch.equal(one, other)
    if isinstance(one, dict):
        return isinstance(other, dict) and list(one) == list(other) and all(identical(one[k], other[k]) for k in one)
    if isinstance(one, (list, tuple)):
        return len(one) == len(other) and all(map(identical, one, other))
    return bool(one == other)
