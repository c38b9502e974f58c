"""Usual names of splits, with prefixes and suffixes, in names of folders and cells of tables."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

UNLABELLED = "unlabelled"
"""Images without classes."""

WORDS = {
    "train": ("train", "training", "trainval"),
    "validation": ("val", "valid", "validation", "dev", "devel", "development"),
    "test": ("test", "testing", "eval", "evaluation", "holdout", "heldout"),
    UNLABELLED: ("pred", "predict", "prediction", "predictions", "unlabelled", "unlabeled"),
}
"""`eval` is a test split, as in Hugging Face's `datasets`."""

PLAIN = frozenset({"train", "training", "val", "valid", "validation", "test", "testing"})
"""Names that a run does not need to explain."""

GENERIC = frozenset(
    {
        "all", "batch", "data", "dataset", "datasets", "dir", "file", "files", "folder", "full", "image", "images",
        "img", "imgs", "jpeg", "jpg", "original", "part", "photo", "photos", "pic", "pics", "picture", "pictures",
        "png", "raw", "sample", "samples", "set", "sets", "split", "splits", "subset",
    }
)  # fmt: skip
"""Words in folder names that do not describe the images."""

_SPLIT_OF = {word: split for split, words in WORDS.items() for word in words}
_TOKEN = re.compile(rf"({'|'.join(sorted(_SPLIT_OF, key=len, reverse=True))})(?:set|data|images|imgs)?")


class Parsed(NamedTuple):
    """The parts of a name."""

    split: str | None
    """`train`, `validation`, `test` or `unlabelled`; None if the name has no such word, or words of several splits."""
    rest: tuple[str, ...]
    """The other words, without generic ones and numbers: `seg` of `seg_train2`."""


def parse(name: str) -> Parsed:
    """The split in a name: `seg_train`, `TestSet`, `val2017`, `hold-out images`."""
    text = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).lower()
    text = re.sub(r"\b(hold|held)[\W_]+out\b", "holdout", text.replace("_", " "))
    found, rest = set(), []
    for word in re.findall(r"[^\W\d_]+", text):
        match = _TOKEN.fullmatch(word)
        if match:
            found.add(_SPLIT_OF[match[1]])
        elif word not in GENERIC:
            rest.append(word)
    if found == {"train", "validation"}:  # train_val: both parts are for training
        found = {"train"}
    if UNLABELLED in found:  # test_unlabelled
        found = {UNLABELLED}
    return Parsed(found.pop() if len(found) == 1 else None, tuple(rest))


def is_generic(name: str) -> bool:
    """Whether a folder's name does not describe its images: `images`, `dataset`, `Data 2`."""
    split, rest = parse(name)
    return split is None and not rest and any(letter.isalpha() for letter in name)


def known_split(name: str) -> str | None:
    """`validation` for `val` and `Valid`, `train` for `training_set`; None for names with other words, or no split."""
    split, rest = parse(name)
    numbered = any(letter.isdigit() for letter in name)  # test1 and test2 are two splits
    return split if not (rest or numbered or split == UNLABELLED) else None


def certain_splits(names: Iterable[str]) -> dict[str, str]:
    """The split of each unambiguous name.

    These are names without other words (`train`, `test_set`), and names with the same other words but different splits
    (`seg_train`, `seg_test`). `crash_test` next to `bullet_train` is ambiguous: both may be classes.
    """
    parsed = {name: parse(name) for name in names}
    families: dict[tuple[str, ...], set[str]] = {}
    for split, rest in parsed.values():
        if split:
            families.setdefault(rest, set()).add(split)
    return {name: split for name, (split, rest) in parsed.items() if split and (not rest or len(families[rest]) > 1)}
