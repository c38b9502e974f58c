"""Which images to keep, so that no image is trained on twice, and no image of a test split is trained on.

Evaluation splits are not changed, so that their metrics remain comparable. From `train` and `validation` are dropped:
images with an exact or near copy in an evaluation split; all but one of several copies, the one in validation if there
is one; all copies with contradictory classes, unless more than half agree; and blank images.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from framework.data.check.scan import TRAINING

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from framework.data.check.copies import Copies
    from framework.data.check.scan import Scan


def images_to_keep(scan: Scan, copies: Copies, near: NDArray[np.int64], blank: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Bool N: whether to keep each image. `near` are pairs of images, int64 P×2, `blank` the blank images."""
    rank = ranks(scan)
    keep = np.ones(len(scan), dtype=bool)
    keep[blank[rank[blank] > 0]] = False
    for group in copies.groups:
        keep[group] &= _of_copies(rank[group], scan.label[group])
    kept = np.full(len(copies.first), -1)  # the image of each picture that is kept
    kept[copies.picture[keep]] = np.flatnonzero(keep)
    neighbours: dict[int, list[int]] = {}
    for one, other in copies.picture[near].tolist():
        neighbours.setdefault(one, []).append(other)
        neighbours.setdefault(other, []).append(one)
    visited: set[int] = set()
    candidates = [picture for picture in neighbours if kept[picture] >= 0]
    for picture in sorted(candidates, key=lambda picture: (rank[kept[picture]], kept[picture])):
        if rank[kept[picture]] > 0 and not visited.isdisjoint(neighbours[picture]):
            keep[kept[picture]] = False
        else:
            visited.add(picture)
    return keep


def ranks(scan: Scan) -> NDArray[np.int64]:
    """Int64 N: 0 for images of evaluation splits, 1 for validation, 2 for train; of copies, the lowest is kept."""
    by_split = [2 - TRAINING.index(split) if split in TRAINING else 0 for split in scan.splits]
    return np.array(by_split, dtype=np.int64)[scan.split]


def _of_copies(rank: NDArray[np.int64], label: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which of several images with the same pixels to keep."""
    keep: NDArray[np.bool_] = rank == 0
    counts = np.bincount(label)
    if keep.any():
        return keep
    if 2 * counts.max() > len(label):
        agreeing = np.flatnonzero(label == counts.argmax())
        keep[agreeing[rank[agreeing].argmin()]] = True
    return keep
