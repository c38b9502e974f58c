"""Folders of images with one sub-folder for each class."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from framework.data.sources import ImageFiles
from framework.data.unicode_names import nfc
from framework.errors import UserError, count, did_you_mean, enumerate_names

SIDECARS = frozenset(
    {
        ".aae", ".csv", ".db", ".htm", ".html", ".ini", ".json", ".log", ".md", ".py", ".thm", ".txt", ".url", ".xml",
        ".xmp", ".yaml", ".yml",
    }
)  # fmt: skip
"""Endings of files that accompany images. Every other file counts as an image, so that none is lost for an unusual
ending: a file that cannot be read is reported as a bad image."""

SYSTEM_NAMES = frozenset(
    {
        "@eadir", "@recently-snapshot", "@recycle", "@sharebin", "@tmp", "#recycle", "#snapshot",  # network storage
        "__macosx", "network trash folder", "temporary items", "icon\r",  # macOS
        "$recycle.bin", "recycler", "system volume information", "thumbs.db:encryptable",  # Windows
        "lost+found", "__pycache__",
    }
)  # fmt: skip
"""Folders and files that operating systems create: thumbnails, metadata, deleted files. In lower case."""

IMAGE_ENDINGS = (
    ".jpg", ".jpeg", ".jfif", ".png", ".bmp", ".gif", ".webp", ".tif", ".tiff", ".ppm", ".pgm", ".pbm", ".pnm", ".jp2",
    ".j2k", ".jxl", ".avif", ".heic", ".heif", ".tga", ".pcx", ".dds",
)  # fmt: skip


def class_tree(
    folder: Path, classes: Sequence[str] | None = None, channels: int = 3, root: Path | None = None
) -> ImageFiles:
    """The images of `folder/CLASS/**`, sorted by class and path, named relative to `root` (default: `folder`).

    `classes` are the allowed class folders in order; by default all, sorted by name. Hidden files and folders
    (`is_hidden`), `SIDECARS`, and empty folders that `classes` does not name are ignored. Raises `UserError` if there
    are no class folders, no images in them, images outside of them, or unexpected class folders.
    """
    found = class_folders(folder)
    _refuse_loose_images(folder, bool(found))
    if not found:
        raise UserError(
            f"'{folder}' has no class folders: it must hold one folder of images for each class{_other_files(folder)}"
        )
    folders: dict[str, list[str]] = {}
    for name in found:  # folders that differ only in their Unicode form are one class
        folders.setdefault(nfc(name), []).append(name)
    names = sorted(folders) if classes is None else [nfc(name) for name in classes]
    unexpected = [
        name for name in folders if name not in names and any(sorted_files(folder / form) for form in folders[name])
    ]
    if unexpected:
        raise UserError(
            f"'{folder}' has {count(len(unexpected), 'class folder')} that 'classes' does not name: "
            f"{enumerate_names(unexpected)}{did_you_mean(unexpected[0], names)} (classes: {enumerate_names(names)}; "
            f"class folders: {enumerate_names(sorted(folders))})"
        )
    by_class = [[path for name in folders.get(label, []) for path in sorted_files(folder / name)] for label in names]
    paths = [path for files in by_class for path in files]
    if not paths:
        raise UserError(
            f"'{folder}' has no images: its class folders {enumerate_names(found)} have none{_other_files(folder)}"
        )
    labels = [label for label, files in enumerate(by_class) for _ in files]
    return ImageFiles(paths, labels, names, channels, root or folder)


class FolderContent(NamedTuple):
    """The visible entries of a folder, sorted."""

    folders: list[str]
    files: list[str]
    """Files that count as images in a class folder."""
    images: list[str]
    """The `files` with the ending of an image format."""


def list_folder(folder: Path) -> FolderContent:
    """The visible entries of a folder; empty if it is not a folder. Raises `UserError` if it cannot be read."""
    folders, files = [], []
    for entry in _entries(folder):
        if entry.is_dir():
            if not is_hidden(entry.name):
                folders.append(entry.name)
        elif counts_as_image(entry.name):
            files.append(entry.name)
    images = [name for name in files if name.lower().endswith(IMAGE_ENDINGS)]
    return FolderContent(sorted(folders), sorted(files), sorted(images))


def class_folders(folder: Path) -> list[str]:
    """The names of the visible sub-folders, sorted; none if it is not a folder."""
    return list_folder(folder).folders


def holds_images(folder: Path) -> bool:
    """Whether a file that counts as an image is in the folder or below."""
    return any(True for _ in _files_below(folder))


def is_hidden(name: str) -> bool:
    """Whether a name starts with a dot or is one of `SYSTEM_NAMES`."""
    return name.startswith(".") or name.lower() in SYSTEM_NAMES


def counts_as_image(name: str) -> bool:
    """Whether a file in a class folder counts as an image: neither hidden nor one of `SIDECARS`."""
    return not is_hidden(name) and os.path.splitext(name)[1].lower() not in SIDECARS  # noqa: PTH122


def sorted_files(folder: Path) -> list[str]:
    """Sorted by the parts of their paths: files in the folder `a` come before those in `a-b`."""
    return sorted(_files_below(folder), key=lambda path: nfc(path).replace(os.sep, "\0"))


def walk(folder: str | Path, refuse: Callable[[OSError], None]) -> Iterator[tuple[str, list[str]]]:
    """Each visible folder from `folder` down, with the names of its files. Links are followed, each folder once.

    `refuse` is called with the error of each folder that cannot be read.
    """
    seen: set[str] = set()
    for parent, folders, files in os.walk(folder, onerror=refuse, followlinks=True):
        real = os.path.realpath(parent)
        if real in seen:  # a link to a folder that was visited
            folders.clear()
            continue
        seen.add(real)
        folders[:] = sorted(name for name in folders if not is_hidden(name))
        yield parent, files


def _files_below(folder: Path) -> Iterator[str]:
    """As text, because there may be a million: creating a `Path` takes longer than finding its file."""
    for parent, files in walk(folder, _refuse_unreadable):
        before = os.path.join(parent, "")  # noqa: PTH118
        for name in files:
            if counts_as_image(name):
                yield before + name


def _refuse_loose_images(folder: Path, has_classes: bool) -> None:
    loose = list_folder(folder).images
    if loose:
        raise UserError(
            f"'{folder}' has {count(len(loose), 'image')} outside of class folders: {enumerate_names(loose, 3)}. "
            + ("Move them into one, or elsewhere" if has_classes else "Sort them into one folder for each class")
        )


def _other_files(folder: Path) -> str:
    """A clause with the files below the folder that are not regarded as images."""
    below = (name for _, files in walk(folder, _refuse_unreadable) for name in files)
    endings = Counter(os.path.splitext(name)[1].lower() or name for name in below)  # noqa: PTH122
    if not endings:
        return ""
    kinds = enumerate_names(sorted(endings, key=lambda ending: -endings[ending]))
    return f"; {count(endings.total(), 'file')} ignored: {kinds}"


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    if not folder.is_dir():
        return []
    try:
        with os.scandir(folder) as entries:
            return list(entries)
    except OSError as error:
        _refuse_unreadable(error)
        raise


def _refuse_unreadable(error: OSError) -> None:
    raise UserError(f"the folder '{error.filename}' cannot be read: {error.strerror}") from None
