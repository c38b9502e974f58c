"""A dataset's splits -> everything that was found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from framework.data.check.advice import images_to_keep
from framework.data.check.copies import Copies, find_copies
from framework.data.check.near import BLOCK, near_pairs
from framework.data.check.scan import Progress, Scan, scan

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from framework.components import ImageSource

BLANK = 2.0
"""Levels that a thumbnail must deviate by from its mean; of FER-2013's and CIFAR-10's pictures each does by 4."""
FIRST = ("train", "validation", "test")
"""Splits in the order in which they are read, before all others."""


@dataclass(frozen=True, eq=False)
class Checked:
    """What one look at a data set found; images by their number in `scan`."""

    scan: Scan
    copies: Copies
    near: NDArray[np.int64]
    """Pairs P×2 of images whose pictures are nearly the same, the first of their copies each."""
    blank: NDArray[np.int64]
    keep: NDArray[np.bool_]
    """Which images to go on with."""


def check_splits(sources: Mapping[str, ImageSource], progress: Progress = lambda split, done, total: None) -> Checked:
    """Read every image of all splits once; raises `UserError` where a source breaks its contract."""
    order = sorted(sources, key=lambda split: FIRST.index(split) if split in FIRST else len(FIRST))
    read = scan({split: sources[split] for split in order}, progress)
    copies = find_copies(read)
    near = near_pairs(read.thumbnails, np.sort(copies.first))
    blank = _blank(read.thumbnails)
    return Checked(read, copies, near, blank, images_to_keep(read, copies, near, blank))


def _blank(thumbnails: NDArray[np.uint8]) -> NDArray[np.int64]:
    parts = [thumbnails[start : start + BLOCK].std(axis=(1, 2)) for start in range(0, len(thumbnails), BLOCK)]
    return np.flatnonzero(np.concatenate(parts) < BLANK) if parts else np.empty(0, dtype=np.int64)
