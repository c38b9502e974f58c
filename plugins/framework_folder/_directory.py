"""A folder of the dataset, listed on first access."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePath

from framework import existing_path, holds_images, list_folder, nfc
from framework_folder._names import certain_splits, is_generic, parse

MAX_SHOWN = 4
"""Sub-folders in a description."""


@dataclass(frozen=True)
class Directory:
    """A folder with its visible sub-folders and files."""

    path: Path
    parts: tuple[str, ...] = ()
    """Of the path relative to the root of the dataset."""

    @property
    def name(self) -> str:
        """The path relative to the root of the dataset; the path of the root itself."""
        return "/".join(self.parts) or str(self.path)

    @cached_property
    def _content(self) -> tuple[list[str], list[str], list[str]]:
        return list_folder(self.path)

    @property
    def folders(self) -> list[str]:
        """Names of the visible sub-folders."""
        return self._content[0]

    @property
    def files(self) -> list[str]:
        """Names of the files that count as images in a class folder."""
        return self._content[1]

    @property
    def images(self) -> list[str]:
        """Names of `files` with an image extension."""
        return self._content[2]

    @cached_property
    def children(self) -> Mapping[str, Directory]:
        """The visible sub-folders by name, in NFC."""
        children: dict[str, Directory] = {}
        for name in self.folders:
            children[name if nfc(name) in children else nfc(name)] = Directory(self.path / name, (*self.parts, name))
        return children

    @cached_property
    def holds_images(self) -> bool:
        """Whether the folder contains images, at any depth."""
        return bool(self.files) or holds_images(self.path)

    @cached_property
    def class_names(self) -> frozenset[str]:
        """Names of the sub-folders, as the classes of a split; empty if the folder also contains images."""
        return frozenset() if self.images else frozenset(self.children)

    @property
    def described(self) -> str:
        """The content for messages: `12 files`, `2 folders (cat, dog)`, `empty`."""
        shown = ", ".join(self.folders[:MAX_SHOWN]) + (", …" if len(self.folders) > MAX_SHOWN else "")
        files, folders = len(self.files), len(self.folders)
        parts = [f"{files:,} file{'s' * (files != 1)}"] if files else []
        parts += [f"{folders:,} folder{'s' * (folders != 1)} ({shown})"] if folders else []
        return ", ".join(parts) or "empty"

    def below_wrappers(self, classes: Collection[str] = ()) -> Directory:
        """The folder itself, or the first one below it that is not a wrapper: `archive/dataset/…`, `train/train/…`.

        A wrapper contains no images and exactly one sub-folder with images, which has the same name, a generic name,
        or a training split inside. A sub-folder named like one of `classes` is never entered.
        """
        inner = None if self.images else self._only_child()
        if inner is None:
            return self
        name = nfc(inner.path.name)
        holds_splits = parse(name).split is None and inner.holds_training_split
        wraps = name == nfc(self.path.name) or is_generic(name) or holds_splits
        return inner.below_wrappers(classes) if wraps and name not in classes else self

    def _only_child(self) -> Directory | None:
        """The only sub-folder that contains images; None if there are none or several."""
        found = None
        for child in self.children.values():
            if child.holds_images:
                if found is not None:
                    return None
                found = child
        return found

    @property
    def holds_training_split(self) -> bool:
        """Whether a sub-folder is named as a training split and has sub-folders."""
        splits = certain_splits(self.children)
        return any(split == "train" and self.children[name].folders for name, split in splits.items())

    def at(self, relative: str) -> Directory | None:
        """The folder at a relative path inside this one, or None."""
        path = Path(existing_path(self.path / relative))
        if PurePath(relative).is_absolute() or ".." in PurePath(relative).parts or not path.is_dir():
            return None
        return Directory(path, (*self.parts, *path.relative_to(self.path).parts))
