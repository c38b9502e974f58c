"""Which images to keep, so that no image is trained on twice, and none of a test split is trained on.

Splits for evaluation stay as they are, for their metrics are compared with those of others. From `train` and
`validation` go: what has a copy in a split for evaluation, exact or near; of each picture all copies but one, of
validation rather than of train; of copies under several classes all, unless more than half agree; and blank images.
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
    """Bool N; `near` are pairs of images, `blank` the numbers of images."""
    rank = ranks(scan)
    keep = np.ones(len(scan), dtype=bool)
    keep[blank[rank[blank] > 0]] = False
    for group in copies.groups:
        keep[group] &= _of_copies(rank[group], scan.label[group])
    solid = np.full(len(copies.first), -1)
    solid[copies.picture[keep]] = np.flatnonzero(keep)  # of each picture the image that stays
    neighbours: dict[int, list[int]] = {}
    for one, other in copies.picture[near].tolist():
        neighbours.setdefault(one, []).append(other)
        neighbours.setdefault(other, []).append(one)
    settled: set[int] = set()
    here = [picture for picture in neighbours if solid[picture] >= 0]
    for picture in sorted(here, key=lambda picture: (rank[solid[picture]], solid[picture])):
        if rank[solid[picture]] > 0 and not settled.isdisjoint(neighbours[picture]):
            keep[solid[picture]] = False
        else:
            settled.add(picture)
    return keep


def ranks(scan: Scan) -> NDArray[np.int64]:
    """Of each image how late it is kept: 0 in a split for evaluation, 1 in validation, 2 in train."""
    by_split = [2 - TRAINING.index(split) if split in TRAINING else 0 for split in scan.splits]
    return np.array(by_split, dtype=np.int64)[scan.split]


def _of_copies(rank: NDArray[np.int64], label: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which images of the same pixels stay."""
    keep: NDArray[np.bool_] = rank == 0
    counts = np.bincount(label)
    if keep.any():
        return keep
    if 2 * counts.max() > len(label):
        agreeing = np.flatnonzero(label == counts.argmax())
        keep[agreeing[rank[agreeing].argmin()]] = True
    return keep
