"""Named splits: the source contract is checked, classes are bound by name, held-out shares are carved from `train`."""

from __future__ import annotations

import random
from collections.abc import Container, Mapping, Sequence

from framework.attribution import fault
from framework.components import Dataset, ImageSource, build
from framework.data.contract import checked
from framework.data.sources import Selection, Splits
from framework.data.tables import apply_tables
from framework.data.unicode_names import nfc
from framework.errors import UserError, count, did_you_mean, enumerate_names

DEFAULT_VALIDATION = 0.1
FIGURE_SPLITS = ("test", "validation")
"""The splits that figures are of, in the order in which they are asked."""


def build_splits(dataset: Dataset, classes: Sequence[str] | None = None) -> Splits:
    """All splits of the dataset with its notes, each labelled by `classes` (left out: those of `train`).

    Raises `UserError` where the data is absent, breaks the contract, has a class that `classes` lacks, or a table names
    images that are not there.
    """
    built: Mapping[str, ImageSource] = build(dataset)
    if not isinstance(built, Mapping) or not built or not all(isinstance(split, str) for split in built):
        raise fault(dataset, "returned no splits: build() must return {name: source}")
    sources = {split: checked(dataset, split, built[split]) for split in built}
    if classes is None:
        classes = _training_classes(dataset.name, sources)
    bound = {split: bind_classes(source, classes, f"split '{split}'") for split, source in sources.items()}
    return Splits(apply_tables(dataset, _held_out(dataset, dict(bound)), own=bound), getattr(built, "notes", ()))


def find_split(splits: Mapping[str, ImageSource], name: str) -> ImageSource:
    """The split of that name; raises `UserError` with the names there are."""
    name = nfc(name)
    if name not in splits:
        raise UserError(f"there is no split '{name}'{did_you_mean(name, splits)} (splits: {', '.join(splits)})")
    return splits[name]


def split_for_figures(there: Container[str]) -> str | None:
    """`test`, else `validation`, where nobody says which split figures are of; None where there is neither."""
    return next((split for split in FIGURE_SPLITS if split in there), None)


def bind_classes(source: ImageSource, classes: Sequence[str], where: str) -> ImageSource:
    """The same images with labels that index into `classes`; a class that holds images and is not there is an error."""
    classes = [nfc(name) for name in classes]
    if list(source.classes) == classes:
        return source
    position = {name: index for index, name in enumerate(classes)}
    own = [nfc(name) for name in source.classes]
    used = sorted({own[label] for label in source.labels})
    unexpected = [name for name in used if name not in position]
    if unexpected:
        raise UserError(
            f"{where} has {count(len(unexpected), 'class', 'classes')} that the training data does not have: "
            f"{enumerate_names(unexpected)} (known: {enumerate_names(classes, 20)})"
        )
    labels = [position[own[label]] for label in source.labels]
    return Selection(source, range(len(source)), labels, tuple(classes))


def stratified(labels: Sequence[int], shares: Mapping[str, float], seed: int) -> dict[str, list[int]]:
    """Indices by name of the share, and of the rest by `train`, each in their original order.

    Of each class every share gets its part of the images, rounded to the nearest; as far as there are images, at least
    one, and at least one stays in `train`.
    """
    by_class: dict[int, list[int]] = {}
    for index, label in enumerate(labels):
        by_class.setdefault(label, []).append(index)
    parts: dict[str, list[int]] = {name: [] for name in (*shares, "train")}
    for label, members in by_class.items():
        rest = members
        for name, share in shares.items():
            wanted = min(max(round(len(members) * share), 1), len(rest) - 1)
            # A generator for each class: adding images to one leaves the split of the others as it was.
            held = random.Random(f"{seed}/{label}").sample(rest, wanted)
            parts[name] += held
            rest = sorted(set(rest).difference(held))
        parts["train"] += rest
    return {name: sorted(indices) for name, indices in parts.items()}


def _training_classes(dataset: str, sources: Mapping[str, ImageSource]) -> Sequence[str]:
    if "train" not in sources:
        raise UserError(f"dataset '{dataset}' has no split 'train' to train on; it has {', '.join(sources)}")
    classes = sources["train"].classes
    if len(classes) < 2:
        raise UserError(
            f"dataset '{dataset}', split 'train' has one class only, '{classes[0]}': there is nothing to tell apart"
        )
    present = set(sources["train"].labels)
    absent = [name for label, name in enumerate(classes) if label not in present]
    if absent:
        raise UserError(
            f"dataset '{dataset}', split 'train' has no images of {enumerate_names(absent)}: "
            f"add some, or leave {'it' if len(absent) == 1 else 'them'} out of the classes"
        )
    return classes


def _held_out(dataset: Dataset, splits: dict[str, ImageSource]) -> dict[str, ImageSource]:
    """The splits with those that are held out from `train`, and with `train` less them."""
    if dataset.validation == 0:
        splits.pop("validation", None)
    shares = _shares(dataset, splits)
    if not shares or "train" not in splits:
        return splits
    whole = splits["train"]
    for name, indices in stratified(whole.labels, shares, dataset.split_seed).items():
        if not indices:
            raise UserError(
                f"dataset '{dataset.name}': every class has too few images to hold some out for {name}; "
                f"add images, or train without it: dataset.{name}={'0' if name == 'validation' else 'null'}"
            )
        splits[name] = Selection(whole, indices, [whole.labels[index] for index in indices], whole.classes)
    return splits


def _shares(dataset: Dataset, splits: Mapping[str, ImageSource]) -> dict[str, float]:
    """What to hold out, by name; raises `UserError` where that contradicts the splits or leaves nothing to train on."""
    validation = dataset.validation
    if validation is None and "validation" not in splits:
        validation = DEFAULT_VALIDATION
    asked = {"test": dataset.test, "validation": validation}
    shares = {name: share for name, share in asked.items() if share}
    for name, share in shares.items():
        if name in splits:
            raise UserError(
                f"dataset '{dataset.name}' has a {name} split of its own "
                f"({count(len(splits[name]), 'image')}): leave out '{name}: {share}'"
            )
    if sum(shares.values()) >= 1:
        held = " and ".join(f"{name}: {share}" for name, share in shares.items())
        raise UserError(f"dataset '{dataset.name}': {held} leave nothing to train on; they must add up to less than 1")
    return shares
