"""The layout that the option `dataset.splits` defines."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import permutations

from framework import UserError, did_you_mean, nfc
from framework_folder._directory import Directory
from framework_folder._layout import Layout, in_order, loose_images
from framework_folder._names import known_split


def explicit_layout(root: Directory, option: Mapping[str, str]) -> Layout:
    """The folder of each split; raises `UserError` if one does not exist or is inside that of another split."""
    splits: dict[str, Directory] = {}
    for name, path in option.items():
        split, folder = known_split(name) or nfc(name), root.at(path)
        if folder is None:
            raise UserError(
                f"dataset.splits: there is no folder '{path}' in '{root.path}'{did_you_mean(path, root.folders)} "
                f"(folders: {', '.join(root.folders) or 'none'})"
            )
        if split in splits:
            raise UserError(f"dataset.splits: split '{split}' is given twice: keep one")
        splits[split] = folder
    if "train" not in splits:
        raise UserError(f"dataset.splits: 'train' is missing (given: {', '.join(splits)}): add train: FOLDER")
    for outer, inner in permutations(splits, 2):
        if splits[outer].parts == splits[inner].parts[: len(splits[outer].parts)]:
            raise UserError(
                f"dataset.splits: the folder of '{inner}' is the same as that of '{outer}' or inside it: "
                "splits need separate folders"
            )
    used = {folder.parts[:1] for folder in splits.values()}
    unused = {name: "not in dataset.splits" for name, child in root.children.items() if not used & {child.parts, ()}}
    return Layout(root, in_order(splits), {**loose_images(root), **unused})
