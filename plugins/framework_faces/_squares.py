"""Boxes of faces as the squares that a classifier is shown."""

from typing import TYPE_CHECKING

from framework import Region

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def squares(boxes: "NDArray[np.float32]", margin: float, min_size: int) -> list[Region]:
    """Squares around N×5 boxes (left, top, right, bottom, score), the largest first."""
    found = []
    for left, top, right, bottom, score in boxes.tolist():
        face = max(right - left, bottom - top)
        if face >= min_size:
            side = max(1, round(face * (1 + 2 * margin)))
            x, y = round((left + right - side) / 2), round((top + bottom - side) / 2)
            found.append(Region(x, y, side, side, min(1.0, score)))
    return sorted(found, key=lambda region: (-region.width, region.y, region.x))
