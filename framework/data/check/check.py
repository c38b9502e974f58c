"""Finds all problems in the splits of a dataset."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from framework.data.check.advice import images_to_keep, ranks
from framework.data.check.copies import Copies, find_copies
from framework.data.check.near import BLOCK, near_pairs
from framework.data.check.scan import Scan, scan
from framework.display import Progress, no_progress
from framework.registry import default_task

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from framework.components import ImageSource, Task
    from framework.data.depth import ValueRange

BLANK = 2.0
"""Least standard deviation of a thumbnail that is not blank; each image of FER-2013 and CIFAR-10 has at least 4."""
FIRST = ("train", "validation", "test")
"""Splits that are read first, in this order."""


@dataclass(frozen=True, eq=False)
class Checked:
    """The problems of a dataset; images by their number in `scan`."""

    scan: Scan
    copies: Copies
    near: NDArray[np.int64]
    """Pairs P×2 of nearly identical images, each the first of its copies."""
    blank: NDArray[np.int64]
    keep: NDArray[np.bool_]
    """Which images to keep."""


def check_splits(
    sources: Mapping[str, ImageSource],
    progress: Progress = no_progress,
    values: ValueRange | None = None,
    task: Task | None = None,
) -> Checked:
    """Read every image of all splits once; raises `UserError` if a source breaks its contract.

    `values` is the range of images with more than 8 bits a sample, `task` what their labels are (default:
    `single_label`).
    """
    order = sorted(sources, key=lambda split: FIRST.index(split) if split in FIRST else len(FIRST))
    read = scan({split: sources[split] for split in order}, task or default_task(), progress, values)
    copies, blank = find_copies(read), _blank(read.thumbnails)
    near = near_pairs(read.thumbnails, np.sort(copies.first))
    while True:
        keep = images_to_keep(read, copies, near, blank)
        more = _near_among(read, copies, keep)
        if not (ranks(read)[more] > 0).any():
            return Checked(read, copies, near, blank, keep)
        near = np.unique(np.concatenate([near, np.sort(copies.first[copies.picture[more]], axis=1)]), axis=0)


def _near_among(read: Scan, copies: Copies, keep: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Near copies among the images that are kept, as a check of only these would find them.

    There may be some, because candidates depend on medians over all images, which are fewer now.
    """
    kept = np.flatnonzero(keep)
    _, first = np.unique(copies.picture[kept], return_index=True)
    return near_pairs(read.thumbnails, kept[np.sort(first)])


def _blank(thumbnails: NDArray[np.uint8]) -> NDArray[np.int64]:
    parts = [thumbnails[start : start + BLOCK].std(axis=(1, 2)) for start in range(0, len(thumbnails), BLOCK)]
    return np.flatnonzero(np.concatenate(parts) < BLANK) if parts else np.empty(0, dtype=np.int64)
