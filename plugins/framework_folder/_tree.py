"""A folder's splits: ready-made ones by name, or everything as `train`."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from framework import ImageFiles, UserError, class_tree, find_data
from framework_folder._names import known_split


def read_tree(root: Path, classes: Sequence[str] | None, channels: Literal[1, 3]) -> dict[str, ImageFiles]:
    """Sources by split. Raises `UserError` where the folder is missing, empty or ambiguous."""
    folder = find_data(root)
    if folder is None or not folder.is_dir():
        reason = "no folder, but a file" if folder else "not there"
        raise UserError(
            f"dataset 'folder': '{folder or root}' is {reason}. Give the folder with dataset.root=DIR, as an absolute "
            "path or relative to here or to $FRAMEWORK_DATA"
        )
    ready = ready_splits(folder)
    if not ready:
        return {"train": class_tree(folder, classes, channels)}
    if "train" not in ready:
        raise UserError(f"'{folder}' has {', '.join(ready.values())} and no folder 'train' to train on")
    return {
        split: class_tree(folder / ready[split], classes if split == "train" else None, channels, folder)
        for split in ("train", "validation", "test")
        if split in ready
    }


def ready_splits(folder: Path) -> dict[str, str]:
    """The folder of each ready-made split; none where the folders are classes, even if one is called `train`.

    They are splits if all of them are named so, or if one of them is `train` and has class folders of its own.
    """
    folders = folders_in(folder)
    ready: dict[str, str] = {}
    for name in folders:
        split = known_split(name)
        if split in ready:
            raise UserError(f"'{folder}' has two folders for {split}, '{ready[split]}' and '{name}': keep one of them")
        if split:
            ready[split] = name
    if len(ready) == len(folders) or ("train" in ready and folders_in(folder / ready["train"])):
        return ready
    return {}


def folders_in(folder: Path) -> list[str]:
    """The names of the visible folders in it; none where it cannot be read, which `class_tree` then says."""
    _, names, _ = next(os.walk(folder), ("", [], []))
    return sorted(name for name in names if not name.startswith("."))
