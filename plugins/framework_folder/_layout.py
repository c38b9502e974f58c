"""Detects the layout of a folder: splits with class folders, class folders only, or an error that lists the folders."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from framework import nfc
from framework_folder._ambiguity import ambiguous_layout
from framework_folder._directory import Directory
from framework_folder._names import UNLABELLED, certain_splits, parse

ORDER = ("train", "validation", "test")


@dataclass(frozen=True)
class Layout:
    """The role of each folder of a dataset."""

    base: Directory
    """The folder that contains the splits or the classes."""
    splits: Mapping[str, Directory] = field(default_factory=dict)
    """The folder of each split, with class folders inside; empty if `base` contains the class folders."""
    unused: Mapping[str, str] = field(default_factory=dict)
    """Name and content of what is not used."""
    classes_given: bool = False
    """Whether `dataset.classes` names the folders as classes."""


def detect_layout(root: Directory, classes: Sequence[str] | None) -> Layout:
    """The layout of a folder; raises `UserError` if several are possible or there is no training split."""
    wanted = frozenset(map(nfc, classes or ()))
    base = root.below_wrappers(wanted)
    if wanted & base.children.keys():
        return Layout(base, unused=loose_images(base), classes_given=True)
    named = _splits_by_name(base, wanted)
    if any(split == "train" and base.children[name].folders for name, split in named.items()):
        return _with_splits(base, named, wanted)
    _require_classes(base, named)
    return Layout(base)


def loose_images(base: Directory) -> dict[str, str]:
    """The images next to the sub-folders, in the form of `Layout.unused`."""
    return {base.images[0]: f"next to the folders; {base.described}"} if base.images else {}


def in_order(splits: Mapping[str, Directory]) -> dict[str, Directory]:
    """`train`, `validation` and `test` first, then the others by name."""
    names = [*(name for name in ORDER if name in splits), *sorted(splits.keys() - set(ORDER))]
    return {name: splits[name] for name in names}


def _splits_by_name(base: Directory, wanted: frozenset[str]) -> dict[str, str]:
    """The split of each child named as one; an ambiguous name counts only if the class folders confirm it."""
    certain = certain_splits(base.children)
    alone = len(base.children) == 1  # a dataset has at least two classes
    named = {name: split for name in base.children if (split := parse(name).split)}
    known = wanted.union(*(_inside(base.children[name], wanted) for name in certain if certain[name] == "train"))
    splits = dict(certain)
    for name, split in named.items():
        if name in certain or split in certain.values():
            continue
        inside = _inside(base.children[name], known)
        others = {
            other: _inside(base.children[other], known) for other, other_split in named.items() if other_split != split
        }
        if alone or any(
            len(inside & shared) > 1 or (inside and inside <= shared and other in certain)
            for other, shared in others.items()
        ):
            splits[name] = split
    return splits


def _inside(child: Directory, known: frozenset[str] = frozenset()) -> frozenset[str]:
    """The names of its class folders, if it is a split; `known` are class names, which are never wrappers."""
    return child.below_wrappers(known).class_names


def _with_splits(base: Directory, named: Mapping[str, str], wanted: frozenset[str]) -> Layout:
    """The ready-made splits, and the folders next to them."""
    splits: dict[str, Directory] = {}
    unused = loose_images(base)
    known = wanted
    for name, split in sorted(named.items(), key=lambda pair: pair[1] != "train"):
        child = base.children[name].below_wrappers(known)
        if split == UNLABELLED or not child.folders:
            unused[name] = f"no class folders; {child.described}"
        elif split in splits:
            raise ambiguous_layout(base, named, f"'{splits[split].name}' and '{child.name}' are both named '{split}'")
        else:
            splits[split] = child
            known |= child.class_names if split == "train" else frozenset()
    if "train" not in splits:
        raise ambiguous_layout(base, named, "the training split has no class folders")
    more, beside = _beside_splits(base, named, splits)
    for node in (*splits.values(), *more.values()):
        _refuse_nested(base, named, node, splits["train"].class_names, wanted)
    return Layout(base, in_order({**splits, **more}), {**unused, **beside})


def _beside_splits(
    base: Directory, named: Mapping[str, str], splits: Mapping[str, Directory]
) -> tuple[dict[str, Directory], dict[str, str]]:
    """The other folders: further splits, if they have the classes of `train`, and unused ones."""
    known = splits["train"].class_names
    confirmed = any(len(node.class_names & known) > 1 for split, node in splits.items() if split != "train")
    more: dict[str, Directory] = {}
    unused: dict[str, str] = {}
    for name in sorted(base.children.keys() - named.keys()):
        child = base.children[name].below_wrappers(known)
        if not child.holds_images:
            unused[name] = "no images"
        elif child.class_names and child.class_names <= known:
            more[name] = child
        elif confirmed:
            unused[name] = child.described
        else:
            train = splits["train"].name
            raise ambiguous_layout(base, named, f"'{train}' may be the training split or a class like '{name}'")
    return more, unused


def _refuse_nested(
    base: Directory, named: Mapping[str, str], split: Directory, known: frozenset[str], wanted: frozenset[str]
) -> None:
    """Raise `UserError` if the folders of a split may be splits themselves, by name or content."""
    first, *others = split.children.values()
    if not others and first.class_names & known:
        raise ambiguous_layout(base, named, f"'{first.name}' may be a class or contain the class folders of a split")
    nested = certain_splits(split.children) and all(parse(name).split for name in split.children)
    if nested and others and not split.children.keys() <= wanted:
        raise ambiguous_layout(base, named, f"the folders of '{split.name}' are named as splits, too")


def _require_classes(base: Directory, named: Mapping[str, str]) -> None:
    """Raise `UserError` if the children may be splits."""
    others = {name: child for name, child in base.children.items() if name not in named}
    if named and not any(child.holds_images for child in others.values()):
        raise ambiguous_layout(base, named, "all are named as splits, and none is a training split with class folders")
    for name in named:
        if shared := _inside(base.children[name]) & others.keys():
            raise ambiguous_layout(base, named, f"there is a folder '{min(shared)}' in '{name}' and one next to it")
    for name, child in base.children.items():
        if parse(name).split == "train" and len(_inside(child)) > 1 and len(base.children) > 1:
            raise ambiguous_layout(base, {**named, name: "train"}, f"'{name}' may be the training split or a class")
    shared_by_all = _shared_names(base)
    if len(shared_by_all) > 1 and shared_by_all - certain_splits(shared_by_all).keys():
        raise ambiguous_layout(base, named, "all contain folders of the same names, as splits do")


def _shared_names(base: Directory) -> frozenset[str]:
    """The names of sub-folders that every child has; none if there is only one child."""
    first, *others = base.children.values() or [base]
    shared = _inside(first) if others else frozenset()
    for child in others:
        if not shared:  # listing the rest is slow if there are many images
            break
        shared &= _inside(child)
    return shared
