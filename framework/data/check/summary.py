"""Counts of all problems, as JSON types."""

from __future__ import annotations

from typing import Any

import numpy as np

from framework.data.check.check import Checked
from framework.data.check.findings import contradicts, near_groups
from framework.data.check.scan import TRAINING
from framework.data.labels import counts_of
from framework.data.preprocess import Preprocessor
from framework.data.stores.advice import advice_on

SIZES = 5
"""Number of most frequent sizes that are listed."""


def summary_of(checked: Checked) -> dict[str, Any]:
    """Counts of images by split and class, of every problem, and of images that splits share.

    `to_drop` counts the images to leave out, by split; `leaks` has, for each two splits that should share no image, how
    many images of the first have an exact copy in the second, and how many others a near copy.
    """
    scan = checked.scan
    contradictions = [group for group in checked.copies.groups if contradicts(checked, group)]
    near = near_groups(checked)
    bad = [scan.splits[one.split] for one in scan.unreadable]
    dropped = [scan.splits[split] for split in scan.split[~checked.keep]] + bad
    return {
        "splits": {split: _split(checked, number) for number, split in enumerate(scan.splits)},
        "imbalance": _imbalance(checked),
        "sizes": _sizes(checked),
        "duplicates": {"groups": len(checked.copies.groups), "surplus": checked.copies.surplus},
        "contradictions": {"groups": len(contradictions), "images": sum(map(len, contradictions))},
        "near_duplicates": {
            "groups": len(near),
            "images": sum(map(len, near)),
            "of_several_classes": sum(len({*scan.label[group].tolist()}) > 1 for group in near),
        },
        "blank": len(checked.blank),
        "corrupt": sum(not one.shared for one in scan.unreadable),
        "leaks": _leaks(checked),
        "to_drop": {split: dropped.count(split) for split in scan.splits if split in dropped},
    }


def options_to_set(checked: Checked, preprocess: Preprocessor) -> list[str]:
    """The advice that a run prints: on the area that `preprocess.fit` crops, and on images of more than 8 bits."""
    scan = checked.scan
    shapes = scan.shapes[scan.split == scan.splits.index("train")]
    sizes, counts = np.unique(shapes[:, 1:], axis=0, return_counts=True)
    cut_away = sum(preprocess.cut_away(*size) * number for size, number in zip(sizes.tolist(), counts, strict=True))
    return list(advice_on(float(cut_away) / max(1, len(shapes)), scan.deep, preprocess))


def _split(checked: Checked, number: int) -> dict[str, Any]:
    scan = checked.scan
    split = scan.splits[number]
    labels = np.asarray(scan.sources[split].labels)[scan.index[scan.split == number]]
    counts = counts_of(labels, len(scan.classes))
    return {
        "images": len(scan.sources[split]),
        "shared": scan.shared.get(split, 0),
        "classes": dict(zip(scan.classes, counts, strict=True)),
    }


def _imbalance(checked: Checked) -> dict[str, Any]:
    """The largest and the smallest class of the training images, and their ratio."""
    classes = _split(checked, 0)["classes"]
    largest, smallest = (end(classes, key=classes.__getitem__) for end in (max, min))
    ratio = classes[largest] / max(classes[smallest], 1)
    return {"largest": largest, "smallest": smallest, "ratio": ratio}


def _sizes(checked: Checked) -> dict[str, Any]:
    """The most frequent sizes with their numbers of images, the number of sizes, and their range."""
    shapes, counts = np.unique(checked.scan.shapes, axis=0, return_counts=True)
    order = np.argsort(-counts, kind="stable")[:SIZES]
    sides = checked.scan.shapes[:, 1:]
    return {
        "most": [
            {"channels": int(c), "height": int(h), "width": int(w), "images": int(number)}
            for (c, h, w), number in zip(shapes[order], counts[order], strict=True)
        ],
        "different": len(shapes),
        "gray": int((checked.scan.shapes[:, 0] == 1).sum()),
        "shortest_side": int(sides.min()) if len(sides) else 0,
        "longest_side": int(sides.max()) if len(sides) else 0,
    }


def _leaks(checked: Checked) -> dict[str, dict[str, dict[str, int]]]:
    """By evaluation split, and the training split that should not contain its images."""
    scan, picture = checked.scan, checked.copies.picture
    pictures = [picture[scan.split == number] for number in range(len(scan.splits))]
    near = picture[checked.near]
    leaks: dict[str, dict[str, dict[str, int]]] = {}
    for number, split in enumerate(scan.splits):
        for other, known in enumerate(pictures[:number]):
            if scan.splits[other] not in TRAINING:
                continue
            exact = np.isin(pictures[number], known)
            beside = np.concatenate([near[np.isin(near[:, side], known), 1 - side] for side in (0, 1)])
            found = {"exact": int(exact.sum()), "near": int((np.isin(pictures[number], beside) & ~exact).sum())}
            if any(found.values()):
                leaks.setdefault(split, {})[scan.splits[other]] = found
    return leaks
