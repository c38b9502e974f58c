"""A folder's splits: ready-made ones by name, or everything as `train`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from framework import ImageFiles, UserError, class_tree, find_data

SPLIT_FOLDERS = {
    "train": "train",
    "validation": "validation",
    "val": "validation",
    "valid": "validation",
    "test": "test",
}


def read_tree(root: Path, classes: Sequence[str] | None, channels: Literal[1, 3]) -> dict[str, ImageFiles]:
    """Sources by split. Raises `UserError` where the folder is missing, empty or ambiguous."""
    folder = find_data(root)
    if folder is None or not folder.is_dir():
        raise UserError(
            f"dataset 'folder': there is no folder '{root}'. Give it with dataset.root=DIR, as an absolute path or "
            "relative to here or to $FRAMEWORK_DATA"
        )
    if not (folder / "train").is_dir():
        return {"train": class_tree(folder, classes, channels)}
    splits: dict[str, ImageFiles] = {}
    train = class_tree(folder / "train", classes, channels, folder)
    for name, split in SPLIT_FOLDERS.items():
        if not (folder / name).is_dir():
            continue
        if split in splits:
            raise UserError(f"'{folder}' has two folders for {split}: keep one of validation/, val/ and valid/")
        splits[split] = train if split == "train" else class_tree(folder / name, None, channels, folder)
    return splits
