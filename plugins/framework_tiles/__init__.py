"""Detector `tiles`: the cells of a grid over the image."""

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

from pydantic import Field

from framework import Detector, Region, hookimpl

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class Tiles(Detector):
    """The cells of a grid, row by row, for images in which each cell has its own class.

    If the sides are not divisible, some cells are one pixel larger than others.
    """

    name = "tiles"
    rows: int = Field(2, ge=1)
    """Number of rows."""
    columns: int = Field(2, ge=1)
    """Number of columns."""

    def build(self) -> "Callable[[NDArray[np.uint8]], list[Region]]":
        """A callable from an image to its regions."""

        def find(image: "NDArray[np.uint8]") -> list[Region]:
            heights, widths = _spans(image.shape[1], self.rows), _spans(image.shape[2], self.columns)
            return [Region(x, y, width, height) for y, height in heights for x, width in widths]

        return find


def _spans(side: int, number: int) -> list[tuple[int, int]]:
    """Start and size of each part of a side; if the side has fewer pixels than parts, one part per pixel."""
    number = min(number, side)
    edges = [index * side // number for index in range(number + 1)]
    return [(start, end - start) for start, end in pairwise(edges)]


@hookimpl
def components() -> Sequence[type[Detector]]:
    """The components of this plugin."""
    return [Tiles]
