"""Boxes of faces as squares for a classifier."""

from typing import TYPE_CHECKING

from framework import Region

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

LARGEST = 3
"""Largest side of a region, in sides of its image."""


def squares(boxes: "NDArray[np.float32]", image: "NDArray[np.uint8]", margin: float, min_size: int) -> list[Region]:
    """Squares around N×5 boxes (left, top, right, bottom, score) in an image C×H×W, the largest first.

    With much room a square ends at the largest that a region may be; what then misses the image is left out: a face
    of which little more than the edge is there, with a margin below 0.
    """
    height, width = image.shape[1:]
    found = []
    for left, top, right, bottom, score in boxes.tolist():
        face = max(right - left, bottom - top)
        side = min(max(1, round(face * (1 + 2 * margin))), LARGEST * max(height, width))
        x, y = round((left + right - side) / 2), round((top + bottom - side) / 2)
        if face >= min_size and -side < x < width and -side < y < height:
            found.append(Region(x, y, side, side, min(1.0, score)))
    return sorted(found, key=lambda region: (-region.width, region.y, region.x))
