"""A folder's splits: ready-made ones, or everything as `train`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Literal

from framework import ImageFiles, Splits, UserError, class_tree, find_data
from framework_folder._ambiguous import ambiguous
from framework_folder._given import given_layout
from framework_folder._layout import ORDER, Layout, understand
from framework_folder._names import PLAIN, UNLABELLED, certain_splits, parse
from framework_folder._node import Node

SHOWN = 12
"""Folders that are not used."""


def read_tree(
    root: Path, classes: Sequence[str] | None, channels: Literal[1, 3], given: Mapping[str, str] | None = None
) -> Splits:
    """Sources by split; `given` is `dataset.splits`.

    Raises `UserError` if the folder is missing or empty, or if splits and classes cannot be distinguished.
    """
    folder = find_data(root)
    if folder is None or not folder.is_dir():
        reason = f"'{folder}' is a file, not a folder" if folder else f"there is no folder '{root}'"
        raise UserError(
            f"dataset 'folder': {reason}. Set dataset.root=DIR: an absolute path, or one relative to the current "
            "folder or to $FRAMEWORK_DATA"
        )
    layout = given_layout(Node(folder), given) if given else understand(Node(folder), classes)
    if layout.splits:
        sources = {
            split: class_tree(node.path, classes if split == "train" else None, channels, folder)
            for split, node in layout.splits.items()
        }
    else:
        whole = class_tree(layout.base.path, classes, channels, folder)
        sources = {"train": whole} if layout.settled else _class_first(layout.base, whole)
    return Splits(sources, list(_notes(layout)))


def _class_first(base: Node, whole: ImageFiles) -> dict[str, ImageFiles]:
    """By the folders below class folders, where these are splits (`CLASS/train/*.jpg`); else all as `train`."""
    depth = len(base.parts)
    if all(name.count("/") == depth + 1 for name in whole.names):
        return {"train": whole}
    inner = [parts[depth + 1 : -1] for parts in (name.split("/") for name in whole.names)]
    folders = {below[0] for below in inner if below}
    named = {split for folder in folders if (split := parse(folder).split)}
    if "train" not in named or len(named) == 1:
        return {"train": whole}
    splits = certain_splits(folders)
    if len({*splits.values()} - {UNLABELLED}) < len(folders) or any(len(below) != 1 for below in inner):
        raise ambiguous(base, {}, f"some class folders hold folders for {' and '.join(sorted(named))}")
    parts: dict[str, list[int]] = {}
    for index, (below,) in enumerate(inner):
        parts.setdefault(splits[below], []).append(index)
    return {split: _part(whole, parts[split]) for split in ORDER if split in parts}


def _part(files: ImageFiles, indices: Sequence[int]) -> ImageFiles:
    paths, labels = [files.paths[index] for index in indices], [files.labels[index] for index in indices]
    return ImageFiles(paths, labels, files.classes, files.channels, files.root)


def _notes(layout: Layout) -> Iterator[str]:
    """How the folders were read, where that is not obvious, and what is not used."""
    if layout.base.parts:
        yield f"images are read from '{layout.base.name}', the only folder with images"
    found = [f"{split} from '{node.name}'" for split, node in layout.splits.items() if split in ORDER]
    if any(layout.splits[split].name.lower() not in PLAIN for split in layout.splits if split in ORDER):
        yield f"splits: {', '.join(found)}"
    more = [split for split in layout.splits if split not in ORDER]
    if more:
        yield f"not used for training, but `framework evaluate RUN --split …` takes them: {', '.join(more)}"
    if layout.unused:
        shown = [f"'{name}' ({what})" for name, what in list(layout.unused.items())[:SHOWN]]
        rest = len(layout.unused) - len(shown)
        yield f"not used: {', '.join(shown)}" + (f" and {rest:,} more" if rest else "")
