"""One folder of the tree, listed on first access."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePath

from framework import existing_path, holds_images, list_folder, nfc
from framework_folder._names import certain_splits, is_generic, parse

SHOWN = 4
"""Folders that a description names."""


@dataclass(frozen=True)
class Node:
    """A folder of the dataset."""

    path: Path
    parts: tuple[str, ...] = ()
    """Of its path below the root of the dataset."""

    @property
    def name(self) -> str:
        """The path below the root of the dataset, or the root itself."""
        return "/".join(self.parts) or str(self.path)

    @cached_property
    def _content(self) -> tuple[list[str], list[str], list[str]]:
        return list_folder(self.path)

    @property
    def folders(self) -> list[str]:
        """The names of the visible folders in it."""
        return self._content[0]

    @property
    def files(self) -> list[str]:
        """The files in it that count as images in a class folder."""
        return self._content[1]

    @property
    def images(self) -> list[str]:
        """Those of `files` that have the ending of an image."""
        return self._content[2]

    @cached_property
    def children(self) -> Mapping[str, Node]:
        """The visible folders in it by name."""
        children: dict[str, Node] = {}
        for name in self.folders:
            children[name if nfc(name) in children else nfc(name)] = Node(self.path / name, (*self.parts, name))
        return children

    @cached_property
    def holds_images(self) -> bool:
        """Whether there are images in it or anywhere below."""
        return bool(self.files) or holds_images(self.path)

    @cached_property
    def class_names(self) -> frozenset[str]:
        """The names of its folders, if it is read as a split; empty where images lie beside them."""
        return frozenset() if self.images else frozenset(self.children)

    @property
    def described(self) -> str:
        """What is in it: `12 files`, `2 folders (cat, dog)`, `empty`."""
        shown = ", ".join(self.folders[:SHOWN]) + (", …" if len(self.folders) > SHOWN else "")
        files, folders = len(self.files), len(self.folders)
        parts = [f"{files:,} file{'s' * (files != 1)}"] if files else []
        parts += [f"{folders:,} folder{'s' * (folders != 1)} ({shown})"] if folders else []
        return ", ".join(parts) or "empty"

    def below_wrappers(self, classes: Collection[str] = ()) -> Node:
        """The first folder from here down that is not a mere wrapper: `archive/dataset/…`, `train/train/…`.

        A wrapper holds no images and one folder with images, which has the same name, a name that says nothing, or
        a training split in it. A folder that is named as one of `classes` is no wrapper.
        """
        inner = None if self.images else self._only_child()
        if inner is None:
            return self
        own = nfc(inner.path.name)
        holds_splits = parse(own).split is None and inner.holds_training_split
        wraps = own == nfc(self.path.name) or is_generic(own) or holds_splits
        return inner.below_wrappers(classes) if wraps and own not in classes else self

    def _only_child(self) -> Node | None:
        """The only folder in it that holds images, if there is just one."""
        found = None
        for child in self.children.values():
            if child.holds_images:
                if found is not None:
                    return None
                found = child
        return found

    @property
    def holds_training_split(self) -> bool:
        """Whether one of its folders is named as the training split and holds folders."""
        splits = certain_splits(self.children)
        return any(split == "train" and self.children[name].folders for name, split in splits.items())

    def at(self, place: str) -> Node | None:
        """The folder at a path below it, or None."""
        path = Path(existing_path(self.path / place))
        if PurePath(place).is_absolute() or ".." in PurePath(place).parts or not path.is_dir():
            return None
        return Node(path, (*self.parts, *path.relative_to(self.path).parts))
