"""How a folder is to be read: splits with class folders, class folders alone, or an error that shows the tree."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from framework import nfc
from framework_folder._ambiguous import ambiguous
from framework_folder._names import UNLABELLED, certain_splits, parse
from framework_folder._node import Node

ORDER = ("train", "validation", "test")


@dataclass(frozen=True)
class Layout:
    """The roles of the folders of a dataset."""

    base: Node
    """The folder that holds the splits or the classes."""
    splits: Mapping[str, Node] = field(default_factory=dict)
    """The folder of class folders of each split; empty where `base` itself has the class folders."""
    unused: Mapping[str, str] = field(default_factory=dict)
    """What is not used, and what is in it."""
    settled: bool = False
    """Whether the user said that the folders are classes."""


def understand(root: Node, classes: Sequence[str] | None) -> Layout:
    """The layout of a folder; raises `UserError` where it can be read in several ways, or has no training split."""
    wanted = frozenset(map(nfc, classes or ()))
    base = root.below_wrappers(wanted)
    if wanted & base.children.keys():
        return Layout(base, unused=loose(base), settled=True)
    named = _splits_by_name(base, wanted)
    if any(split == "train" and base.children[name].folders for name, split in named.items()):
        return _with_splits(base, named, wanted)
    _require_classes(base, named)
    return Layout(base)


def loose(base: Node) -> dict[str, str]:
    """The images that lie beside the folders, as `Layout.unused` has them."""
    return {base.images[0]: f"beside the folders; {base.described}"} if base.images else {}


def in_order(splits: Mapping[str, Node]) -> dict[str, Node]:
    """`train`, `validation` and `test` first, then the others by name."""
    names = [*(name for name in ORDER if name in splits), *sorted(splits.keys() - set(ORDER))]
    return {name: splits[name] for name in names}


def _splits_by_name(base: Node, wanted: frozenset[str]) -> dict[str, str]:
    """The split of each child that is named so; where the name leaves a doubt, its class folders must confirm it."""
    certain = certain_splits(base.children)
    alone = len(base.children) == 1  # a single class would be nothing to tell apart
    named = {name: split for name in base.children if (split := parse(name).split)}
    known = wanted.union(*(_inside(base.children[name], wanted) for name in certain if certain[name] == "train"))
    splits = dict(certain)
    for name, split in named.items():
        if name in certain or split in certain.values():
            continue
        inside = _inside(base.children[name], known)
        others = {other: _inside(base.children[other], known) for other, its in named.items() if its != split}
        if alone or any(
            len(inside & its) > 1 or (inside and inside <= its and other in certain) for other, its in others.items()
        ):
            splits[name] = split
    return splits


def _inside(child: Node, known: frozenset[str] = frozenset()) -> frozenset[str]:
    """The names of its class folders, if it is a split; `known` are names of classes, which are no wrappers."""
    return child.below_wrappers(known).class_names


def _with_splits(base: Node, named: Mapping[str, str], wanted: frozenset[str]) -> Layout:
    """Ready-made splits, with what lies beside them."""
    splits: dict[str, Node] = {}
    unused = loose(base)
    known = wanted
    for name, split in sorted(named.items(), key=lambda pair: pair[1] != "train"):
        child = base.children[name].below_wrappers(known)
        if split == UNLABELLED or not child.folders:
            unused[name] = f"no class folders; {child.described}"
        elif split in splits:
            raise ambiguous(base, named, f"'{splits[split].name}' and '{child.name}' are both named as '{split}'")
        else:
            splits[split] = child
            known |= child.class_names if split == "train" else frozenset()
    if "train" not in splits:
        raise ambiguous(base, named, "the training split has no class folders")
    more, beside = _beside_splits(base, named, splits)
    for node in (*splits.values(), *more.values()):
        _refuse_nested(base, named, node, splits["train"].class_names, wanted)
    return Layout(base, in_order({**splits, **more}), {**unused, **beside})


def _beside_splits(
    base: Node, named: Mapping[str, str], splits: Mapping[str, Node]
) -> tuple[dict[str, Node], dict[str, str]]:
    """The other folders: further splits, where they have the classes of `train`, and those that are not used."""
    known = splits["train"].class_names
    confirmed = any(len(node.class_names & known) > 1 for split, node in splits.items() if split != "train")
    more: dict[str, Node] = {}
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
            raise ambiguous(base, named, f"'{train}' may be the training split, or a class like '{name}'")
    return more, unused


def _refuse_nested(
    base: Node, named: Mapping[str, str], split: Node, known: frozenset[str], wanted: frozenset[str]
) -> None:
    """Raise `UserError` where the folders of a split are splits themselves, by their names or what they hold."""
    first, *others = split.children.values()
    if not others and first.class_names & known:
        raise ambiguous(base, named, f"'{first.name}' may be a class, or hold the class folders of a split")
    nested = certain_splits(split.children)
    if len(nested) == len(split.children) > 1 and not nested.keys() <= wanted:
        raise ambiguous(base, named, f"the folders of '{split.name}' are named as splits, too")


def _require_classes(base: Node, named: Mapping[str, str]) -> None:
    """Raise `UserError` where the children may be splits."""
    others = {name: child for name, child in base.children.items() if name not in named}
    if named and not any(child.holds_images for child in others.values()):
        raise ambiguous(base, named, "they are named as splits, and none is a training split with class folders")
    for name in named:
        if shared := _inside(base.children[name]) & others.keys():
            raise ambiguous(base, named, f"there is a folder '{min(shared)}' in '{name}', and one beside it")
    for name, child in base.children.items():
        if parse(name).split == "train" and len(_inside(child)) > 1 and len(base.children) > 1:
            raise ambiguous(base, {**named, name: "train"}, f"'{name}' may be the training split, or a class")
    shared_by_all = _shared_names(base)
    if len(shared_by_all) > 1 and shared_by_all - certain_splits(shared_by_all).keys():
        raise ambiguous(base, named, "they hold folders of the same names, as splits do")


def _shared_names(base: Node) -> frozenset[str]:
    """The names of folders that are in every child; none where there is one child."""
    first, *others = base.children.values() or [base]
    shared = _inside(first) if others else frozenset()
    for child in others:
        if not shared:  # the rest need not be listed: there may be many images
            break
        shared &= _inside(child)
    return shared
