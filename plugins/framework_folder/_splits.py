"""The splits of a folder: ready-made ones, or everything as `train`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Literal

from framework import ImageFiles, Splits, UserError, class_tree, find_data
from framework_folder._ambiguity import ambiguous_layout
from framework_folder._directory import Directory
from framework_folder._explicit import explicit_layout
from framework_folder._layout import ORDER, Layout, detect_layout
from framework_folder._names import PLAIN, UNLABELLED, certain_splits, parse

MAX_SHOWN = 12
"""Unused folders in a note."""


def read_folder(
    root: Path, classes: Sequence[str] | None, channels: Literal[1, 3], splits: Mapping[str, str] | None = None
) -> Splits:
    """Sources by split; `splits` is the option `dataset.splits`.

    Raises `UserError` if the folder does not exist, is empty, or has more than one possible layout.
    """
    folder = find_data(root)
    if folder is None or not folder.is_dir():
        reason = "is a file, not a folder" if folder else "does not exist"
        raise UserError(
            f"dataset 'folder': '{folder or root}' {reason}. Set dataset.root=DIR, an absolute path or one relative "
            "to the working directory or $FRAMEWORK_DATA"
        )
    layout = explicit_layout(Directory(folder), splits) if splits else detect_layout(Directory(folder), classes)
    if layout.splits:
        sources = {
            split: class_tree(directory.path, classes if split == "train" else None, channels, folder)
            for split, directory in layout.splits.items()
        }
    else:
        whole = class_tree(layout.base.path, classes, channels, folder)
        sources = {"train": whole} if layout.classes_given else _class_first(layout.base, whole)
    return Splits(sources, list(_notes(layout)))


def _class_first(base: Directory, whole: ImageFiles) -> dict[str, ImageFiles]:
    """The splits inside class folders (`CLASS/train/*.jpg`); everything as `train` if there are none."""
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
        reason = f"only some class folders contain folders for {' and '.join(sorted(named))}"
        raise ambiguous_layout(base, {}, reason)
    indices: dict[str, list[int]] = {}
    for index, (below,) in enumerate(inner):
        indices.setdefault(splits[below], []).append(index)
    return {split: whole.subset(indices[split]) for split in ORDER if split in indices}


def _notes(layout: Layout) -> Iterator[str]:
    """The detected layout, if it is not obvious, and what is not used."""
    if layout.base.parts:
        yield f"images are read from '{layout.base.name}', the only folder with images"
    found = [f"{split} from '{folder.name}'" for split, folder in layout.splits.items() if split in ORDER]
    if any(layout.splits[split].name.lower() not in PLAIN for split in layout.splits if split in ORDER):
        yield f"splits: {', '.join(found)}"
    more = [split for split in layout.splits if split not in ORDER]
    if more:
        yield f"not used for training, but available as `framework evaluate RUN --split NAME`: {', '.join(more)}"
    if layout.unused:
        shown = [f"'{name}' ({content})" for name, content in list(layout.unused.items())[:MAX_SHOWN]]
        rest = len(layout.unused) - len(shown)
        yield f"not used: {', '.join(shown)}" + (f" and {rest:,} more" if rest else "")
