"""Which images are held out: a function of the split seed and of the names of images and classes."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from framework.data.unicode_names import nfc

if TYPE_CHECKING:
    from numpy.typing import NDArray


def stratified(
    names: Sequence[str], classes: Sequence[str], fractions: Mapping[str, float], seed: int
) -> dict[str, list[int]]:
    """Indices of the images of each split in `fractions`, and of `train` for the rest, in the original order.

    `names` and `classes` are the name and the class name of each image. Every split gets its fraction of each class,
    rounded to the nearest image: at least one if there are enough, and at least one remains in `train`.

    The images of a class are sorted by `split_keys`; `validation` gets the lowest keys and `test` the highest. One more
    image therefore moves at most one other image into or out of each split, and the splits do not depend on each
    other's fraction.
    """
    by_class: dict[str, list[int]] = {}
    for index, class_name in enumerate(classes):
        by_class.setdefault(class_name, []).append(index)
    parts: dict[str, list[int]] = {split: [] for split in (*fractions, "train")}
    for class_name, members in by_class.items():
        keys = split_keys(seed, class_name, [names[index] for index in members])
        rest = [index for _, index in sorted(zip(keys, members, strict=True))]
        for split, fraction in fractions.items():
            number = min(max(round(len(members) * fraction), 1), len(rest) - 1)
            if split == "test":
                rest, held_out = rest[: len(rest) - number], rest[len(rest) - number :]
            else:
                held_out, rest = rest[:number], rest[number:]
            parts[split] += held_out
        parts["train"] += rest
    return {split: sorted(indices) for split, indices in parts.items()}


def iteratively_stratified(
    names: Sequence[str],
    labels: NDArray[Any],
    classes: Sequence[str],
    fractions: Mapping[str, float],
    seed: int,
) -> dict[str, list[int]]:
    """Indices of the images of each split, as `stratified` returns them, for images with several labels.

    `labels` is N×K, positive where an image has the label. The rarest label is distributed first: each of its images
    goes to the split that lacks most images of the label, or else most images. Images without labels are last. Images
    with the same label are taken in the order of `split_keys`, so that the order of the files has no effect; but one
    more image may move others.

    Sechidis, Tsoumakas and Vlahavas, "On the Stratification of Multi-Label Data", 2011.
    """
    splits = ["train", *fractions]
    parts = np.array([1 - sum(fractions.values()), *fractions.values()])
    has = labels > 0
    wanted = np.outer(parts, has.sum(axis=0))  # images of each label that each split still lacks
    wanted_images = parts * len(names)
    order = np.array(sorted(range(len(names)), key=split_keys(seed, "", names).__getitem__), dtype=np.int64)
    by_name = sorted(range(len(classes)), key=classes.__getitem__)
    chosen = np.full(len(names), -1)

    def assign(image: int, lacking: NDArray[Any]) -> None:
        split = int(np.lexsort((-wanted_images, -lacking))[0])
        chosen[image] = split
        wanted[split] -= has[image]
        wanted_images[split] -= 1

    remaining = has.sum(axis=0)
    while (remaining > 0).any():
        label = min((label for label in by_name if remaining[label]), key=remaining.__getitem__)
        for image in order[has[order, label] & (chosen[order] < 0)].tolist():
            assign(image, wanted[:, label])
            remaining -= has[image]
    for image in order[chosen[order] < 0].tolist():
        assign(image, wanted_images)
    return {split: np.flatnonzero(chosen == number).tolist() for number, split in enumerate(splits)}


def split_keys(seed: int, class_name: str, names: Sequence[str]) -> list[bytes]:
    """For each image of a class a BLAKE2b hash of the split seed, the class and its name, 64 bits.

    Keys are the same on every machine, and for all Unicode forms (NFC, NFD) of a name, because file systems differ in
    the form that they store. If a name occurs again, its number of earlier occurrences is part of the key.
    """
    start = hashlib.blake2b(_bytes(f"{seed}\0{class_name}\0"), digest_size=8)
    seen: Counter[str] = Counter()
    keys = []
    for name in names:
        key = start.copy()
        key.update(_bytes(f"{name}\0{seen[name]}" if seen[name] else name))
        keys.append(key.digest())
        seen[name] += 1
    return keys


def _bytes(text: str) -> bytes:
    return nfc(text).encode("utf-8", "surrogatepass")
