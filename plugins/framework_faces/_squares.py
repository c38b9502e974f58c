"""Converts boxes of faces to squares for a classifier."""

from typing import TYPE_CHECKING

from framework import Region

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MAX_SIDE = 3
"""Largest side of a region, as a multiple of the longer side of the image."""


def squares(boxes: "NDArray[np.float32]", image: "NDArray[np.uint8]", margin: float, min_size: int) -> list[Region]:
    """Squares around N×5 boxes (left, top, right, bottom, score) in an image C×H×W, the largest first.

    Squares are limited to `MAX_SIDE`. Those that miss the image are dropped: faces mostly outside it, with a negative
    margin.
    """
    height, width = image.shape[1:]
    regions = []
    for left, top, right, bottom, score in boxes.tolist():
        face = max(right - left, bottom - top)
        side = min(max(1, round(face * (1 + 2 * margin))), MAX_SIDE * max(height, width))
        x, y = round((left + right - side) / 2), round((top + bottom - side) / 2)
        if face >= min_size and -side < x < width and -side < y < height:
            regions.append(Region(x, y, side, side, min(1.0, score)))
    return sorted(regions, key=lambda region: (-region.width, region.y, region.x))
