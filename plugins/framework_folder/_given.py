"""The layout that the user gives: `dataset.splits`."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import permutations

from framework import UserError, did_you_mean, nfc
from framework_folder._layout import Layout, in_order, loose
from framework_folder._names import known_split
from framework_folder._node import Node


def given_layout(root: Node, given: Mapping[str, str]) -> Layout:
    """The folder of each split; raises `UserError` where one is not there, or lies in that of another split."""
    splits: dict[str, Node] = {}
    for name, place in given.items():
        split, node = known_split(name) or nfc(name), root.at(place)
        if node is None:
            raise UserError(
                f"dataset.splits: there is no folder '{place}' in '{root.path}'{did_you_mean(place, root.folders)} "
                f"(folders: {', '.join(root.folders) or 'none'})"
            )
        if split in splits:
            raise UserError(f"dataset.splits names the split '{split}' twice")
        splits[split] = node
    if "train" not in splits:
        raise UserError(f"dataset.splits names {', '.join(splits)}, but no folder for 'train'")
    for one, other in permutations(splits, 2):
        if splits[one].parts == splits[other].parts[: len(splits[one].parts)]:
            raise UserError(f"dataset.splits: the folder of '{other}' is that of '{one}', or lies in it")
    used = {node.parts[:1] for node in splits.values()}
    unused = {name: "not named" for name, child in root.children.items() if not used & {child.parts, ()}}
    return Layout(root, in_order(splits), {**loose(root), **unused})
