"""Named splits: checks the sources, binds classes by name, holds out fractions of `train`."""

from __future__ import annotations

import shlex
from collections.abc import Container, Mapping, Sequence
from dataclasses import replace

import numpy as np

from framework.attribution import fault
from framework.components import Dataset, ImageSource, Task, build
from framework.data.class_names import doubtful_names
from framework.data.contract import DatasetSource, checked
from framework.data.labels import as_array, occurring, renumbered
from framework.data.sources import Selection, Splits
from framework.data.tables import apply_tables
from framework.data.unicode_names import nfc
from framework.errors import UserError, count, did_you_mean, enumerate_names
from framework.recipe.option_text import inline_yaml
from framework.registry import default_task

DEFAULT_VALIDATION = 0.1
EVALUATION_SPLITS = ("test", "validation")
"""Splits to evaluate on, in order of preference."""


def build_splits(dataset: Dataset, classes: Sequence[str] | None = None, task: Task | None = None) -> Splits:
    """All splits of the dataset with its notes, labelled by `classes` (default: those of `train`).

    Labels are in the form of the task (default: `single_label`). Raises `UserError` if the data is missing, breaks the
    contract or has a class that is not in `classes`, if a label is invalid, or a table names images that do not exist.
    """
    built: Mapping[str, ImageSource] = build(dataset)
    if not isinstance(built, Mapping) or not built or not all(isinstance(split, str) for split in built):
        raise fault(dataset, "returned no splits: build() must return {name: source}")
    task = task or default_task()
    sources = {split: labelled(checked(dataset, split, built[split]), task) for split in built}
    notes = [*getattr(built, "notes", ())]
    if classes is None:
        classes = _training_classes(dataset, sources)
        if getattr(dataset, "classes", None) is None:  # otherwise the user has confirmed them
            notes += doubtful_names(classes)
    bound = {split: bind_classes(source, classes, f"split '{split}'") for split, source in sources.items()}
    return Splits(apply_tables(dataset, _held_out(dataset, task, dict(bound)), provided=bound), notes)


def labelled(source: ImageSource, task: Task) -> ImageSource:
    """The same images with labels in the form of the task; raises `UserError` for an invalid label."""
    labels = as_array(source.labels, len(source.classes))
    valid = task.check_labels(labels, source.classes, source.names)
    if valid is source.labels:
        return source
    if isinstance(source, DatasetSource):
        return replace(source, labels=valid)
    return Selection(source, np.arange(len(source)), valid, source.classes)


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
    labels = as_array(source.labels, len(names))
    used = sorted({name for name, occurs in zip(names, occurring(labels, len(names)), strict=True) if occurs})
    unexpected = [name for name in used if name not in position]
    if unexpected:
        raise UserError(
            f"{where} has {count(len(unexpected), 'class', 'classes')} that the training data does not have: "
            f"{enumerate_names(unexpected)} (known: {enumerate_names(classes, 20)})"
        )
    labels = renumbered(labels, [position.get(name, -1) for name in names], len(classes))
    return Selection(source, np.arange(len(source)), labels, tuple(classes))


def _training_classes(dataset: Dataset, sources: Mapping[str, ImageSource]) -> Sequence[str]:
    if "train" not in sources:
        raise UserError(f"dataset '{dataset.name}' has no split 'train' to train on; it has {', '.join(sources)}")
    classes = sources["train"].classes
    if not classes:
        raise UserError(f"dataset '{dataset.name}', split 'train': no image has a label")
    if len(classes) < 2:
        raise UserError(
            f"dataset '{dataset.name}', split 'train' has only one class, '{classes[0]}'; classification needs two or "
            "more"
        )
    present = occurring(np.asarray(sources["train"].labels), len(classes))
    absent = [name for label, name in enumerate(classes) if not present[label]]
    if absent:
        them = "it" if len(absent) == 1 else "them"
        remaining = inline_yaml([name for label, name in enumerate(classes) if present[label]])
        raise UserError(
            f"dataset '{dataset.name}', split 'train' has no images of {enumerate_names(absent)}: "
            f"add some, remove {them} from the data, or name the other classes"
            + (f": {shlex.quote(f'dataset.classes={remaining}')}" if len(classes) - len(absent) in range(2, 13) else "")
        )
    return classes


def _held_out(dataset: Dataset, task: Task, splits: dict[str, ImageSource]) -> dict[str, ImageSource]:
    """The splits, with those held out from `train` and the rest of `train`."""
    if dataset.validation == 0:
        splits.pop("validation", None)
    fractions = _fractions(dataset, splits)
    if not fractions or "train" not in splits:
        return splits
    whole = splits["train"]
    labels = np.asarray(whole.labels)
    for name, indices in task.hold_out(whole.names, labels, whole.classes, fractions, dataset.split_seed).items():
        if not indices:
            raise UserError(
                f"dataset '{dataset.name}': every class has too few images to hold some out for {name}; "
                f"add images, or train without it: dataset.{name}={'0' if name == 'validation' else 'null'}"
            )
        splits[name] = Selection(whole, np.array(indices), labels[indices], whole.classes)
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
