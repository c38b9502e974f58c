"""Drawn shapes: several in an image, or none."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

CLASSES = ("circle", "cross", "dark", "square", "striped", "triangle")
SIDE = 32
"""Height and width in pixels."""
BLOCK = 100
"""Images that are drawn at a time: more images do not change the first ones."""


def draw_shapes(count: int, seed: int, difficulty: float = 1.0) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Draw images, uint8 N×3×32×32, and their labels, N×6 of 0 and 1 in the order of `CLASSES`.

    Labels are uneven and correlated: half of the images have a circle, one in ten a cross, and a triangle is mostly
    beside a square. Raises ValueError for a negative difficulty.
    """
    if difficulty < 0:
        raise ValueError(f"difficulty is {difficulty}; it must be at least 0")
    images = np.empty((count, 3, SIDE, SIDE), np.uint8)
    labels = np.empty((count, len(CLASSES)), np.int64)
    for number, start in enumerate(range(0, count, BLOCK)):
        drawn, shown = _draw_block(seed, number, difficulty)
        block = slice(start, min(start + BLOCK, count))
        images[block], labels[block] = drawn[: count - start], shown[: count - start]
    return images, labels


def _draw_block(seed: int, number: int, difficulty: float) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    rng = np.random.default_rng([seed, number])
    labels = _sample_labels(rng)
    has = {name: labels[:, column].astype(bool) for column, name in enumerate(CLASSES)}
    y, x = np.mgrid[:SIDE, :SIDE] - (SIDE - 1) / 2
    light = np.where(has["dark"], 60.0, 170.0) + rng.normal(0, 12 * difficulty, BLOCK)
    images = light[:, None, None, None] + rng.normal(0, 8, (BLOCK, 3, 1, 1)) + np.zeros((BLOCK, 3, SIDE, SIDE))
    waves = 25 * np.sign(np.sin(x[None] * 1.2 + y[None] * rng.uniform(-1, 1, (BLOCK, 1, 1))))
    images += (waves * has["striped"][:, None, None])[:, None]
    for name in ("square", "triangle", "circle", "cross"):
        mask = _mask(name, x, y, rng) & has[name][:, None, None]
        colour = light[:, None] + rng.choice([-1.0, 1.0], (BLOCK, 1)) * rng.uniform(40, 60, (BLOCK, 3)) / (
            0.6 + 0.4 * difficulty
        )
        images = np.where(mask[:, None], colour[:, :, None, None], images)
    images += rng.normal(0, 10 * difficulty, images.shape)
    return images.clip(0, 255).astype(np.uint8), labels


def _sample_labels(rng: np.random.Generator) -> NDArray[np.int64]:
    """N×6 of 0 and 1."""
    chance = rng.random((BLOCK, len(CLASSES)))
    labels = (chance < np.array([0.5, 0.1, 0.3, 0.35, 0.2, 0.0])).astype(np.int64)
    square = labels[:, CLASSES.index("square")]
    labels[:, CLASSES.index("triangle")] = chance[:, -1] < np.where(square > 0, 0.6, 0.1)
    return labels


def _mask(name: str, x: NDArray[np.float64], y: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.bool_]:
    """The pixels of a shape at a random place in each image, N×32×32."""
    centre = rng.uniform(-8, 8, (2, BLOCK, 1, 1))
    size = rng.uniform(4, 7, (BLOCK, 1, 1))
    dx, dy = x[None] - centre[0], y[None] - centre[1]
    shapes: dict[str, NDArray[np.bool_]] = {
        "circle": dx**2 + dy**2 <= size**2,
        "square": np.maximum(abs(dx), abs(dy)) <= size * 0.85,
        "triangle": (dy <= size * 0.8) & (dy >= 2 * abs(dx) - size),
        "cross": (np.minimum(abs(dx), abs(dy)) <= 1.2) & (np.maximum(abs(dx), abs(dy)) <= size),
    }
    return shapes[name]
