"""Named splits: checks the sources, binds classes by name, holds out fractions of `train`."""

from __future__ import annotations

import hashlib
import shlex
from collections import Counter
from collections.abc import Container, Mapping, Sequence

import numpy as np

from framework.attribution import fault
from framework.components import Dataset, ImageSource, build
from framework.data.class_names import doubtful_names
from framework.data.contract import checked
from framework.data.sources import Selection, Splits
from framework.data.tables import apply_tables
from framework.data.unicode_names import nfc
from framework.errors import UserError, count, did_you_mean, enumerate_names
from framework.recipe.option_text import inline_yaml

DEFAULT_VALIDATION = 0.1
EVALUATION_SPLITS = ("test", "validation")
"""Splits to evaluate on, in order of preference."""


def build_splits(dataset: Dataset, classes: Sequence[str] | None = None) -> Splits:
    """All splits of the dataset with its notes, labelled by `classes` (default: those of `train`).

    Raises `UserError` if the data is missing, breaks the contract or has a class that is not in `classes`, or a table
    names images that do not exist.
    """
    built: Mapping[str, ImageSource] = build(dataset)
    if not isinstance(built, Mapping) or not built or not all(isinstance(split, str) for split in built):
        raise fault(dataset, "returned no splits: build() must return {name: source}")
    sources = {split: checked(dataset, split, built[split]) for split in built}
    notes = [*getattr(built, "notes", ())]
    if classes is None:
        classes = _training_classes(dataset, sources)
        if getattr(dataset, "classes", None) is None:  # otherwise the user has confirmed them
            notes += doubtful_names(classes)
    bound = {split: bind_classes(source, classes, f"split '{split}'") for split, source in sources.items()}
    return Splits(apply_tables(dataset, _held_out(dataset, dict(bound)), provided=bound), notes)


def find_split(splits: Mapping[str, ImageSource], name: str) -> ImageSource:
    """The split with this name; raises `UserError` with the existing names."""
    name = nfc(name)
    if name not in splits:
        raise UserError(f"there is no split '{name}'{did_you_mean(name, splits)} (splits: {', '.join(splits)})")
    return splits[name]


def evaluation_split(existing: Container[str]) -> str | None:
    """The default split to evaluate on: `test`, else `validation`; None if there is neither."""
    return next((split for split in EVALUATION_SPLITS if split in existing), None)


def bind_classes(source: ImageSource, classes: Sequence[str], where: str) -> ImageSource:
    """The same images with labels that index into `classes`; raises `UserError` if a class with images is missing."""
    classes = [nfc(name) for name in classes]
    if list(source.classes) == classes:
        return source
    position = {name: index for index, name in enumerate(classes)}
    names = [nfc(name) for name in source.classes]
    used = sorted({names[label] for label in source.labels})
    unexpected = [name for name in used if name not in position]
    if unexpected:
        raise UserError(
            f"{where} has {count(len(unexpected), 'class', 'classes')} that the training data does not have: "
            f"{enumerate_names(unexpected)} (known: {enumerate_names(classes, 20)})"
        )
    labels = [position[names[label]] for label in source.labels]
    return Selection(source, np.arange(len(source)), labels, tuple(classes))


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


def _training_classes(dataset: Dataset, sources: Mapping[str, ImageSource]) -> Sequence[str]:
    if "train" not in sources:
        raise UserError(f"dataset '{dataset.name}' has no split 'train' to train on; it has {', '.join(sources)}")
    classes = sources["train"].classes
    if len(classes) < 2:
        raise UserError(
            f"dataset '{dataset.name}', split 'train' has only one class, '{classes[0]}'; classification needs two or "
            "more"
        )
    present = set(sources["train"].labels)
    absent = [name for label, name in enumerate(classes) if label not in present]
    if absent:
        them = "it" if len(absent) == 1 else "them"
        remaining = inline_yaml([name for label, name in enumerate(classes) if label in present])
        raise UserError(
            f"dataset '{dataset.name}', split 'train' has no images of {enumerate_names(absent)}: "
            f"add some, remove {them} from the data, or name the other classes"
            + (f": {shlex.quote(f'dataset.classes={remaining}')}" if len(classes) - len(absent) in range(2, 13) else "")
        )
    return classes


def _held_out(dataset: Dataset, splits: dict[str, ImageSource]) -> dict[str, ImageSource]:
    """The splits, with those held out from `train` and the rest of `train`."""
    if dataset.validation == 0:
        splits.pop("validation", None)
    fractions = _fractions(dataset, splits)
    if not fractions or "train" not in splits:
        return splits
    whole = splits["train"]
    class_names = [whole.classes[label] for label in whole.labels]
    for name, indices in stratified(whole.names, class_names, fractions, dataset.split_seed).items():
        if not indices:
            raise UserError(
                f"dataset '{dataset.name}': every class has too few images to hold some out for {name}; "
                f"add images, or train without it: dataset.{name}={'0' if name == 'validation' else 'null'}"
            )
        splits[name] = Selection(whole, np.array(indices), [whole.labels[index] for index in indices], whole.classes)
    return splits


def _fractions(dataset: Dataset, splits: Mapping[str, ImageSource]) -> dict[str, float]:
    """The fractions to hold out; raises `UserError` if they contradict the splits or leave nothing to train on."""
    validation = dataset.validation
    if validation is None and "validation" not in splits:
        validation = DEFAULT_VALIDATION
    requested = {"test": dataset.test, "validation": validation}
    fractions = {name: fraction for name, fraction in requested.items() if fraction}
    for name, fraction in fractions.items():
        if name in splits:
            raise UserError(
                f"dataset '{dataset.name}' has a {name} split of its own "
                f"({count(len(splits[name]), 'image')}): set dataset.{name}=null in place of {fraction}"
            )
    if sum(fractions.values()) >= 1:
        given = " and ".join(f"{name}: {fraction}" for name, fraction in fractions.items())
        raise UserError(f"dataset '{dataset.name}': {given} leave nothing to train on; their sum must be below 1")
    return fractions
