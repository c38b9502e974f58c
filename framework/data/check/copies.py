"""The same pixels more than once, and under different classes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from framework.data.check.scan import Scan


@dataclass(frozen=True, eq=False)
class Copies:
    """The images of a scan, gathered by their pixels."""

    picture: NDArray[np.int64]
    """Of each image, which picture it shows: N numbers from 0."""
    first: NDArray[np.int64]
    """Of each picture, the first image that shows it."""
    groups: tuple[NDArray[np.int64], ...]
    """Of each picture that is there more than once, all images, in their order."""

    @property
    def surplus(self) -> int:
        """How many images could go without a picture being lost."""
        return len(self.picture) - len(self.first)


def find_copies(scan: Scan) -> Copies:
    """Images are copies of each other where size, channels and every pixel are the same."""
    _, first, picture = np.unique(scan.hashes, return_index=True, return_inverse=True)
    order = np.argsort(picture, kind="stable")
    members = np.split(order, np.cumsum(np.bincount(picture))[:-1]) if len(order) else []
    groups = sorted((group for group in members if len(group) > 1), key=lambda group: int(group[0]))
    return Copies(picture, first, tuple(groups))
