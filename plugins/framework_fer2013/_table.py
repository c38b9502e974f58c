"""The original table, `fer2013.csv`: emotion, pixels as text, Usage."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from framework import ImageArrays, UserError, read_table
from framework_fer2013._official import CLASSES, USAGES

if TYPE_CHECKING:
    from numpy.typing import NDArray

EMOTIONS = dict(zip("0123456", ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral"), strict=True))
"""By number in the table."""
SIDE = 48


def read_csv(file: Path) -> dict[str, ImageArrays]:
    """Splits by `Usage`. Raises `UserError` with file and line if the table is invalid."""
    images: dict[str, list[NDArray[np.uint8]]] = {}
    labels: dict[str, list[int]] = {}
    for line, row in read_table(file, ("emotion", "pixels", "Usage"), "It is not the FER-2013 table").rows:
        split, label, image = _parse(f"{file}:{line}", row)
        images.setdefault(split, []).append(image)
        labels.setdefault(split, []).append(label)
    if not images:
        raise UserError(f"{file}: there are no rows below the header")
    return {
        split: ImageArrays(np.stack(members), labels[split], CLASSES, prefix=f"{file.name}/{split}")
        for split, members in images.items()
    }


def _parse(where: str, row: Mapping[str, str]) -> tuple[str, int, NDArray[np.uint8]]:
    """Split, label and image 1×48×48 of a row."""
    emotion, usage = row["emotion"], row["Usage"]
    if emotion not in EMOTIONS or usage not in USAGES:
        raise UserError(f"{where}: emotion is '{emotion}' (0 to 6), Usage is '{usage}' ({', '.join(USAGES)})")
    numbers = row["pixels"].split()
    try:
        pixels = np.frombuffer(bytes(map(int, numbers)), dtype=np.uint8)
    except ValueError:
        raise UserError(f"{where}: 'pixels' must be whole numbers from 0 to 255") from None
    if pixels.size != SIDE * SIDE:
        raise UserError(f"{where}: 'pixels' must be {SIDE * SIDE} numbers; there are {pixels.size}")
    return USAGES[usage], CLASSES.index(EMOTIONS[emotion]), pixels.reshape(1, SIDE, SIDE)
