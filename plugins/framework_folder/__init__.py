"""Folders of images with a subfolder for each class, and CSV files of paths and labels."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

from pydantic import Field

from framework import Dataset, ImageSource, hookimpl
from framework.components import Component


class Folder(Dataset):
    """Images in one folder for each class: `ROOT/CLASS/*.jpg`, or `ROOT/train/CLASS/*.jpg` with ready-made splits.

    Ready-made splits are folders with the usual names, in upper or lower case, with prefixes and suffixes: `train`,
    `training_set`, `seg_train`; `val`, `valid`, `validation`, `dev`; `test`, `testing`, `eval`, `holdout`. A folder
    beside them that holds the same class folders is a further split. `CLASS/train/*.jpg` with `CLASS/test/*.jpg` is
    read, too. The run names every folder that it does not use, such as images without class folders. If splits and
    classes cannot be distinguished, an error shows the folders; then set `splits` or `classes`. Classes are in
    alphabetical order. Class folders may have subfolders, and symbolic links are followed.

    Every file in a class folder counts as an image, whatever its suffix, except hidden files, usual companions of
    images (`.txt`, `.json`, `.csv`, `.xml`, `Thumbs.db`, …), and folders of thumbnails and metadata (`@eaDir`,
    `__MACOSX`, `$RECYCLE.BIN`, …): an unreadable file is reported as a bad image. Images outside class folders
    are an error. Names that differ only in their Unicode form (NFC, NFD) are the same name.
    """

    name = "folder"
    aliases = ("ImageFolder",)
    root: Path = Field()
    """The folder; a relative path is also resolved under `$FRAMEWORK_DATA`."""
    classes: tuple[str, ...] | None = Field(None, min_length=2)
    """The class folders to use, in this order. Default: all. Another class folder with images is an
    error."""
    splits: dict[str, str] | None = Field(None, min_length=1)
    """The folder of each split, relative to `root`, such as `{train: site_a, test: site_b}`. Default: by their names.
    Other folders are not used."""
    channels: Literal[1, 3] = 3
    """Usual number of channels of the images: 1 (grayscale) or 3 (colour)."""

    def build(self) -> Mapping[str, ImageSource]:
        """Splits by folder, or `train` alone."""
        from framework_folder._tree import read_tree

        return read_tree(self.root, self.classes, self.channels, self.splits)


class Csv(Dataset):
    """Images listed in a CSV file with a header: a column of paths, one of labels, and optionally one of splits.

    The delimiter (comma, semicolon, tab or `|`) is detected from the header; spaces around a cell are ignored, and a
    cell that contains the delimiter is quoted. The text is UTF-8, or UTF-16 with a byte order mark. Labels
    are text, whatever they look like. Paths are absolute or relative to `root`, with slashes or backslashes.
    """

    name = "csv"
    file: Path = Field()
    """The CSV file; a relative path is also resolved under `$FRAMEWORK_DATA`."""
    root: Path | None = None
    """The folder to which paths in the file are relative; also resolved under `$FRAMEWORK_DATA`. Default: the folder of
    the file."""
    path_column: str = "path"
    """The column of image paths."""
    suffix: str | None = None
    """Appended to paths that do not end with it, such as `.jpg` if the column has ids."""
    label_column: str = "label"
    """The column of class names."""
    split_column: str | None = None
    """The column of split names: `train`, `validation`, `test` (and other usual names of these, such as `training`,
    `val`, `dev`, `holdout`, in upper or lower case); others are additional splits for evaluation. Default:
    every row is `train`."""
    classes: tuple[str, ...] | None = Field(None, min_length=2)
    """Class names, in this order. Default: the labels in the file, in alphabetical order. Another label is an error."""
    channels: Literal[1, 3] = 3
    """Usual number of channels of the images: 1 (grayscale) or 3 (colour)."""

    def build(self) -> Mapping[str, ImageSource]:
        """Splits by column, or `train` alone."""
        from framework_folder._table import Columns, read_splits

        columns = Columns(self.path_column, self.label_column, self.split_column)
        return read_splits(self.file, self.root, columns, self.suffix, self.classes, self.channels)


@hookimpl
def components() -> Sequence[type[Component]]:
    """The components of this plugin."""
    return [Folder, Csv]
