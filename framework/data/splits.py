"""Named splits: the source contract is checked, classes are bound by name, held-out shares are carved from `train`."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet

from framework.components import Dataset, ImageSource, build
from framework.data.sources import Selection
from framework.errors import UserError, count, did_you_mean, enumerate_names

DEFAULT_VALIDATION = 0.1


def build_splits(dataset: Dataset, classes: Sequence[str] | None = None) -> dict[str, ImageSource]:
    """All splits of the dataset, each labelled by `classes` (left out: those of `train`).

    Raises `UserError` where the data is absent, breaks the contract, or has a class that `classes` lacks.
    """
    sources: Mapping[str, ImageSource] = build(dataset)
    if not isinstance(sources, Mapping) or not sources:
        raise UserError(f"dataset '{dataset.name}' returned no splits: build() must return {{name: source}}")
    for split, source in sources.items():
        _check_contract(dataset.name, split, source)
    if classes is None:
        if "train" not in sources:
            raise UserError(f"dataset '{dataset.name}' has no split 'train' to train on; it has {', '.join(sources)}")
        classes = sources["train"].classes
    bound = {split: bind_classes(source, classes, f"split '{split}'") for split, source in sources.items()}
    return _held_out(dataset, bound)


def find_split(splits: Mapping[str, ImageSource], name: str) -> ImageSource:
    """The split of that name; raises `UserError` with the names there are."""
    if name not in splits:
        raise UserError(f"there is no split '{name}'{did_you_mean(name, splits)} (splits: {', '.join(splits)})")
    return splits[name]


def bind_classes(source: ImageSource, classes: Sequence[str], where: str) -> ImageSource:
    """The same images with labels that index into `classes`; a class that holds images and is not there is an error."""
    if list(source.classes) == list(classes):
        return source
    position = {name: index for index, name in enumerate(classes)}
    used = sorted({source.classes[label] for label in source.labels})
    unexpected = [name for name in used if name not in position]
    if unexpected:
        raise UserError(
            f"{where} has {count(len(unexpected), 'class', 'classes')} that the training data does not have: "
            f"{enumerate_names(unexpected)} (known: {enumerate_names(classes, 20)})"
        )
    labels = [position[source.classes[label]] for label in source.labels]
    return Selection(source, range(len(source)), labels, tuple(classes))


def stratified(labels: Sequence[int], share: float, seed: int) -> tuple[list[int], list[int]]:
    """Indices (kept, held out): of each class `share`, rounded to the nearest image, in their original order.

    A class of two images or more keeps at least one on either side.
    """
    by_class: dict[int, list[int]] = {}
    for index, label in enumerate(labels):
        by_class.setdefault(label, []).append(index)
    held: set[int] = set()
    for label in sorted(by_class):
        members = by_class[label]
        wanted = round(len(members) * share)
        if len(members) > 1:
            wanted = min(max(wanted, 1), len(members) - 1)
        # A generator for each class: adding images to one leaves the split of the others as it was.
        held.update(random.Random(f"{seed}/{label}").sample(members, wanted))
    return [index for index in range(len(labels)) if index not in held], sorted(held)


def _held_out(dataset: Dataset, splits: dict[str, ImageSource]) -> dict[str, ImageSource]:
    shares = {"test": dataset.test, "validation": dataset.validation}
    if shares["validation"] is None and "validation" not in splits:
        shares["validation"] = DEFAULT_VALIDATION
    for name, share in shares.items():
        if share and name in splits:
            raise UserError(
                f"dataset '{dataset.name}' has a {name} split of its own "
                f"({count(len(splits[name]), 'image')}): leave out '{name}: {share}'"
            )
    if "train" not in splits:
        return splits
    whole = splits["train"]
    remaining: AbstractSet[int] | list[int] = list(range(len(whole)))
    for name, share in shares.items():
        if not share:
            continue
        labels = [whole.labels[index] for index in remaining]
        of_rest = share * len(whole) / max(len(labels), 1)
        kept, held = stratified(labels, min(of_rest, 1.0), dataset.split_seed)
        order = list(remaining)
        splits[name] = _select(whole, [order[index] for index in held])
        remaining = [order[index] for index in kept]
    splits["train"] = whole if len(remaining) == len(whole) else _select(whole, list(remaining))
    return splits


def _select(source: ImageSource, indices: list[int]) -> Selection:
    return Selection(source, indices, [source.labels[index] for index in indices], source.classes)


def _check_contract(dataset: str, split: str, source: ImageSource) -> None:
    where = f"dataset '{dataset}', split '{split}'"
    missing = [
        name for name in ("classes", "labels", "names", "channels", "read", "__len__") if not hasattr(source, name)
    ]
    if missing:
        raise UserError(f"{where} lacks {', '.join(missing)}: an image source has classes, labels, names, channels, "
                        "read(index) and a length")  # fmt: skip
    if len(source) == 0:
        raise UserError(f"{where} has no images")
    if len(source.labels) != len(source) or len(source.names) != len(source):
        raise UserError(f"{where} has {len(source)} images, {len(source.labels)} labels and {len(source.names)} names")
    if len(set(source.classes)) != len(source.classes):
        raise UserError(f"{where} names a class twice: {enumerate_names(source.classes)}")
    lowest, highest = min(source.labels), max(source.labels)
    if lowest < 0 or highest >= len(source.classes):
        raise UserError(f"{where} has labels from {lowest} to {highest} for {len(source.classes)} classes")
    if len(source.classes) < 2 and split == "train":
        raise UserError(f"{where} has one class only, '{source.classes[0]}': there is nothing to tell apart")
