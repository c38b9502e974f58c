"""Images with identical pixels, in one class or in several."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from framework.data.check.scan import Scan


@dataclass(frozen=True, eq=False)
class Copies:
    """The images of a scan, grouped by their pixels."""

    picture: NDArray[np.int64]
    """The group of each image: N numbers from 0."""
    first: NDArray[np.int64]
    """The first image of each group."""
    groups: tuple[NDArray[np.int64], ...]
    """All images of each group with several, in order."""

    @property
    def surplus(self) -> int:
        """Number of images that are copies of an earlier one."""
        return len(self.picture) - len(self.first)


def find_copies(scan: Scan) -> Copies:
    """Group the images with the same size, channels and pixels."""
    _, first, picture = np.unique(scan.hashes, return_index=True, return_inverse=True)
    order = np.argsort(picture, kind="stable")
    members = np.split(order, np.cumsum(np.bincount(picture))[:-1]) if len(order) else []
    groups = sorted((group for group in members if len(group) > 1), key=lambda group: int(group[0]))
    return Copies(picture, first, tuple(groups))
