"""Detector `tiles`: the parts of an image that lie in a grid."""

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

from pydantic import Field

from framework import Detector, Region, hookimpl

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class Tiles(Detector):
    """A grid of neighbouring parts, row by row: for images in which each part has an answer of its own.

    Where the sides cannot be divided evenly, some parts are a pixel larger than others.
    """

    name = "tiles"
    rows: int = Field(2, ge=1)
    """Parts from top to bottom."""
    columns: int = Field(2, ge=1)
    """Parts from left to right."""

    def build(self) -> "Callable[[NDArray[np.uint8]], list[Region]]":
        """What cuts."""

        def find(image: "NDArray[np.uint8]") -> list[Region]:
            heights, widths = _spans(image.shape[1], self.rows), _spans(image.shape[2], self.columns)
            return [Region(x, y, width, height) for y, height in heights for x, width in widths]

        return find


def _spans(side: int, number: int) -> list[tuple[int, int]]:
    """Start and size of so many parts of a side; of a side with fewer pixels, each pixel once."""
    number = min(number, side)
    edges = [index * side // number for index in range(number + 1)]
    return [(start, end - start) for start, end in pairwise(edges)]


@hookimpl
def components() -> Sequence[type[Detector]]:
    """What this plugin offers."""
    return [Tiles]
