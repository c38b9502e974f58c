"""Seven facial expressions, drawn: a dataset that needs no download.

An expression is a set of muscle movements, in the spirit of Ekman and Friesen's Facial Action Coding System
(1978), at any strength from mild to full. `_geometry` turns movements into faces.
"""

import numpy as np
from numpy.typing import NDArray

from ._geometry import SIZE, Plane, Traits, render

CLASSES: tuple[str, ...] = ("angry", "disgust", "fear", "happy", "neutral", "sad", "surprise")

# A block is always drawn as a whole, so that an image depends only on the seed and its index. Its size is
# a multiple of the number of classes, and small enough to fit the processor's cache.
BLOCK = 28

UNITS = (
    "inner_brow", "outer_brow", "knit", "lid", "squint", "cheek", "nose_wrinkle",
    "lip_raise", "corner", "stretch", "round", "press", "jaw", "teeth",
)  # fmt: skip

# The range of each movement at full strength; the default is 0.
MOVEMENTS: dict[str, dict[str, tuple[float, float]]] = {
    "angry": {
        "inner_brow": (-1.0, -0.6), "outer_brow": (-0.2, 0.4), "knit": (0.6, 1.0), "lid": (-0.1, 0.3),
        "squint": (0.3, 0.8), "nose_wrinkle": (0.0, 0.4), "corner": (-0.5, -0.1), "press": (0.5, 1.0),
        "jaw": (-0.7, 0.35), "stretch": (-0.2, 0.3), "teeth": (-0.2, 1.0),
    },
    "disgust": {
        "inner_brow": (-0.8, -0.2), "outer_brow": (-0.4, 0.1), "knit": (0.2, 0.6), "squint": (0.4, 0.9),
        "cheek": (0.2, 0.6), "nose_wrinkle": (0.7, 1.0), "lip_raise": (0.6, 1.2), "corner": (-0.6, -0.1),
        "jaw": (-0.3, 0.3), "teeth": (-0.5, 1.0),
    },
    "fear": {
        "inner_brow": (0.6, 1.1), "outer_brow": (0.0, 0.5), "knit": (0.5, 1.0), "lid": (0.6, 1.0),
        "corner": (-0.5, -0.1), "stretch": (0.5, 1.0), "jaw": (0.1, 0.45), "teeth": (-0.3, 1.0),
    },
    "happy": {
        "outer_brow": (-0.1, 0.3), "squint": (0.0, 0.4), "cheek": (0.4, 0.9), "corner": (0.6, 1.1),
        "stretch": (0.0, 0.3), "jaw": (-0.4, 0.6), "teeth": (0.5, 1.2),
    },
    "neutral": {},
    "sad": {
        "inner_brow": (0.4, 0.9), "outer_brow": (-0.6, -0.2), "knit": (0.1, 0.6), "lid": (-0.5, -0.1),
        "corner": (-0.9, -0.5), "press": (0.0, 0.4),
    },
    "surprise": {
        "inner_brow": (0.7, 1.2), "outer_brow": (0.7, 1.2), "lid": (0.5, 1.0), "round": (0.7, 1.1),
        "jaw": (0.5, 1.0), "teeth": (-1.0, 0.5),
    },
}  # fmt: skip

# The expression that people confuse each one with; an image may be a mixture of both.
LOOKS_LIKE = {
    "angry": "disgust", "disgust": "angry", "fear": "surprise", "happy": "neutral",
    "neutral": "sad", "sad": "neutral", "surprise": "fear",
}  # fmt: skip

# Ranges at difficulty 1; at difficulty 0 only their midpoint. Lengths are in head units, tones in 0..1.
# Blur and noise below 0 mean none: half of the images are sharp, half are noise-free.
VARIATION: dict[str, tuple[float, float]] = {
    "shift_x": (-0.08, 0.08), "shift_y": (-0.07, 0.07), "roll": (-0.2, 0.2), "scale": (0.86, 1.04),
    "yaw": (-0.18, 0.18), "pitch": (-0.1, 0.1),
    "backdrop": (0.1, 0.9), "backdrop_x": (-0.25, 0.25), "backdrop_y": (-0.25, 0.25), "clothes": (0.05, 0.85),
    "skin": (0.42, 0.92), "light_x": (-0.35, 0.35), "light_y": (-0.3, 0.2),
    "head_width": (0.68, 0.88), "jaw_taper": (0.0, 0.4),
    "hair": (0.0, 0.5), "hairline": (-1.0, -0.54), "temples": (-0.1, 0.6), "parting": (-0.3, 0.3),
    "hair_length": (0.1, 1.3),
    "brow_thick": (0.025, 0.06), "brow_arch": (0.0, 0.08), "brow_skew": (-0.2, 0.2),
    "eye_open": (0.08, 0.13), "eye_slant": (-0.03, 0.03), "gaze": (-0.07, 0.07), "iris": (0.08, 0.4),
    "nose_width": (0.1, 0.16), "mouth_width": (0.27, 0.38), "lips": (0.03, 0.08), "lip_tone": (0.55, 0.9),
    "skew": (-0.5, 0.5), "line": (0.015, 0.03), "sneer_side": (-1.2, 1.2),
    "frame": (0.0, 0.5), "tint": (0.0, 0.4),
    "bar_x": (-0.7, 0.7), "bar_y": (-0.5, 1.1), "bar_angle": (-1.6, 1.6), "bar_width": (0.07, 0.17),
    "bar_tone": (0.1, 0.9),
    "contrast": (0.6, 1.15), "level": (-0.12, 0.12), "blur": (-0.9, 0.9), "noise": (-0.13, 0.13),
}  # fmt: skip

# The fraction of faces with each, at difficulty 1.
OCCASIONAL = {"glasses": 0.18, "bar": 0.12}


MISTAKEN, GUESSED = 0.3, 0.15
"""Chance that a simulated annotator votes for the similar expression, or for any."""


def draw_faces(count: int, seed: int, difficulty: float = 1.0) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Draw images, N×1×48×48 in 0..255, and their labels, N balanced indices into CLASSES.

    Image i and its label depend only on (seed, i, difficulty): fewer images are a prefix of more.
    Difficulty runs from 0 (one upright, evenly lit person with full expressions) over 1 (the dataset) to 2
    (hard even for humans), and does not change labels. Raises ValueError for values out of range.
    """
    if count < 0:
        raise ValueError(f"count is {count}, and must be 0 or more")
    if seed < 0:
        raise ValueError(f"seed is {seed}, and must be 0 or more")
    if not 0 <= difficulty <= 2:
        raise ValueError(f"difficulty is {difficulty}, and must lie in 0..2")
    images = np.empty((count, 1, SIZE, SIZE), np.uint8)
    labels = np.empty(count, np.int64)
    for start in range(0, count, BLOCK):
        block = slice(start, min(start + BLOCK, count))
        faces, kinds = draw_block(seed, start // BLOCK, difficulty)
        images[block, 0], labels[block] = faces[: count - start], kinds[: count - start]
    return images, labels


def draw_block(seed: int, index: int, difficulty: float) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Draw block `index` of a seed's sequence: 28×48×48 images, 28 labels."""
    rng = np.random.Generator(np.random.Philox(np.random.SeedSequence(seed, spawn_key=(index,))))
    rounds = np.tile(np.arange(len(CLASSES)), (BLOCK // len(CLASSES), 1))
    labels = rng.permuted(rounds, axis=1).reshape(-1).astype(np.int64)
    traits = sample_person(rng, difficulty) | sample_movements(rng, labels, difficulty)
    return photograph(render(traits), traits, rng), labels


def sample_person(rng: np.random.Generator, difficulty: float) -> dict[str, Plane]:
    """Draw the parameters of the face and the photograph: everything but the expression."""
    traits = {}
    for name, (low, high) in VARIATION.items():
        offset = rng.random(BLOCK, np.float32) - 0.5
        traits[name] = (low + high) / 2 + difficulty * (high - low) * offset
    for name, share in OCCASIONAL.items():
        traits[name] = (rng.random(BLOCK, np.float32) < share * difficulty).astype(np.float32)
    return traits


def simulate_votes(labels: NDArray[np.int64], voters: int, seed: int) -> NDArray[np.int64]:
    """Votes N×K of annotators who mistake an expression for the similar one (`LOOKS_LIKE`) or guess."""
    rng = np.random.default_rng([seed, voters])
    neighbours = np.array([CLASSES.index(LOOKS_LIKE[name]) for name in CLASSES])
    chance = np.full((len(CLASSES), len(CLASSES)), GUESSED / len(CLASSES))
    chance[np.arange(len(CLASSES)), neighbours] += MISTAKEN
    chance[np.diag_indices(len(CLASSES))] += 1 - MISTAKEN - GUESSED
    votes: NDArray[np.int64] = rng.multinomial(voters, chance[labels])
    return votes


def sample_movements(rng: np.random.Generator, labels: NDArray[np.int64], difficulty: float) -> dict[str, Plane]:
    """Draw the expression: its movements and strength, mixed with the one that it is confused with."""
    low, high = movement_ranges()
    place = rng.random((BLOCK, len(UNITS)), np.float32)
    neighbours = np.array([CLASSES.index(LOOKS_LIKE[name]) for name in CLASSES])[labels]
    shown, neighbour = (low[k] + place * (high[k] - low[k]) for k in (labels, neighbours))
    strength = np.maximum(1 - difficulty * 0.6 * rng.random((BLOCK, 1), np.float32), 0)
    lean = difficulty * 0.25 * rng.random((BLOCK, 1), np.float32)
    rest = difficulty * 0.08 * rng.standard_normal((BLOCK, len(UNITS)), np.float32)
    amounts = strength * (shown + lean * (neighbour - shown)) + rest
    return {name: amounts[:, column] for column, name in enumerate(UNITS)}


def movement_ranges() -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Lower and upper bounds of the movements of every class, each 7×14."""
    ends = np.array([[MOVEMENTS[kind].get(unit, (0, 0)) for unit in UNITS] for kind in CLASSES], np.float32)
    return ends[..., 0], ends[..., 1]


def photograph(faces: Plane, traits: Traits, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Simulate a camera on tones in 0..1: blur, contrast, brightness, noise, 8 bits."""
    blur, contrast, level, noise = (traits[name][:, None, None] for name in ("blur", "contrast", "level", "noise"))
    focused = faces + np.clip(blur, 0, 1) * (soften(soften(faces)) - faces)
    exposed = (focused - 0.5) * contrast + 0.5 + level
    grainy = exposed + np.maximum(noise, 0) * (rng.random(faces.shape, np.float32) - 0.5)
    return np.asarray(np.clip(grainy, 0, 1) * 255 + 0.5, np.uint8)


def soften(faces: Plane) -> Plane:
    """Binomial blur over 3×3 pixels; the border is replicated."""
    wide = np.pad(faces, ((0, 0), (1, 1), (1, 1)), mode="edge")
    tall = wide[..., :-2] + 2 * wide[..., 1:-1] + wide[..., 2:]
    return (tall[:, :-2] + 2 * tall[:, 1:-1] + tall[:, 2:]) / 16
