"""Folders of images, one sub-folder a class."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from framework.data.decode import SUFFIXES
from framework.data.sources import ImageFiles
from framework.errors import UserError, count, did_you_mean, enumerate_names


def class_tree(
    folder: Path, classes: Sequence[str] | None = None, channels: int = 3, root: Path | None = None
) -> ImageFiles:
    """The images of `folder/CLASS/**`, sorted by class and path, named relative to `root` (left out: `folder`).

    `classes` says which class folders there may be, and their order; left out, all of them by name. Files whose ending
    is no image format's, and everything that starts with a dot, are left out. Raises `UserError` where there are no
    class folders, none with images, or unexpected ones.
    """
    found = class_folders(folder)
    if not found:
        loose = next(image_files(folder), None) if folder.is_dir() else None
        hint = " Its images lie in it directly; sort them into one folder for each class." if loose else ""
        raise UserError(f"'{folder}' has no class folders: it must hold one folder of images for each class.{hint}")
    names = list(classes) if classes is not None else found
    unexpected = [name for name in found if name not in names]
    if unexpected:
        raise UserError(
            f"'{folder}' has {count(len(unexpected), 'class folder')} that 'classes' does not name: "
            f"{enumerate_names(unexpected)}{did_you_mean(unexpected[0], names)}"
        )
    paths: list[Path] = []
    labels: list[int] = []
    for label, name in enumerate(names):
        files = sorted(image_files(folder / name))
        paths += files
        labels += [label] * len(files)
    if not paths:
        raise UserError(f"'{folder}' has no images: its class folders {enumerate_names(found)} are empty")
    return ImageFiles(paths, labels, names, channels, root or folder)


def class_folders(folder: Path) -> list[str]:
    """The names of the visible folders in it, sorted."""
    if not folder.is_dir():
        return []
    return sorted(entry.name for entry in folder.iterdir() if entry.is_dir() and not entry.name.startswith("."))


def image_files(folder: Path) -> Iterator[Path]:
    """Every visible file below it whose ending is an image format's."""
    for parent, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in files:
            if not name.startswith(".") and os.path.splitext(name)[1].lower() in SUFFIXES:  # noqa: PTH122 (a hot loop)
                yield Path(parent, name)
