"""Datasets in folders of images, one sub-folder per class, and in CSV files of paths and labels."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal, Self

from pydantic import Field, model_validator

from framework import Dataset, ImageSource, hookimpl
from framework.components import Component


class Folder(Dataset):
    """Images in one folder per class: `ROOT/CLASS/*.jpg`, or `ROOT/train/CLASS/*.jpg` with ready-made splits.

    Ready-made splits are folders with the usual names, in upper or lower case, with prefixes and suffixes: `train`,
    `training_set`, `seg_train`; `val`, `valid`, `validation`, `dev`; `test`, `testing`, `eval`, `holdout`. A folder
    next to them with the same class folders is a further split. `CLASS/train/*.jpg` with `CLASS/test/*.jpg` is also
    supported. The run lists every folder that it does not use, such as one without class folders. If splits and
    classes cannot be distinguished, an error lists the folders and suggests values for `splits` and `classes`. Classes
    are sorted by name. Class folders may have sub-folders; symbolic links are followed.

    Every file in a class folder counts as an image, regardless of its extension, except hidden files, other common file
    types (`.txt`, `.json`, `.csv`, `.xml`, `Thumbs.db`, …), and folders of thumbnails and metadata (`@eaDir`,
    `__MACOSX`, `$RECYCLE.BIN`, …). A file that cannot be decoded is reported as a bad image. Images outside class
    folders are an error. Names that differ only in their Unicode form (NFC, NFD) are the same name.
    """

    name = "folder"
    aliases = ("ImageFolder",)
    root: Path = Field(examples=["data/photos"])
    """The folder; a relative path is also searched under `$FRAMEWORK_DATA`."""
    classes: tuple[str, ...] | None = Field(None, min_length=2)
    """The class folders to use, in this order; default all. A class folder with images that is not listed is an
    error."""
    splits: dict[str, str] | None = Field(None, min_length=1)
    """The folder of each split, relative to `root`, e.g. `{train: site_a, test: site_b}`; default: detected by name.
    Folders that are not listed are not used."""
    channels: Literal[1, 3] = 3
    """Usual number of channels of the images: 1 (grayscale) or 3 (colour)."""

    def build(self) -> Mapping[str, ImageSource]:
        """The splits by folder, or only `train`."""
        from framework_folder._splits import read_folder

        return read_folder(self.root, self.classes, self.channels, self.splits)


class Csv(Dataset):
    """Images listed in a CSV file with a header: a column of paths, columns of labels, and optionally one of splits.

    A label is one class (`label_column`), several classes in one cell (`label_separator`), or a number in a column for
    each class (`label_columns`): 0 and 1 for the task `multi_label`, votes for `single_label`.

    The delimiter is detected from the header: comma, semicolon, tab or `|`. Blanks around a cell are ignored; a cell
    that contains the delimiter must be quoted. The encoding is UTF-8, or UTF-16 with a byte order mark. Labels are
    always text. Paths are absolute or relative to `root`, with slashes or backslashes.
    """

    name = "csv"
    file: Path = Field(examples=["data/photos.csv"])
    """The CSV file; a relative path is also searched under `$FRAMEWORK_DATA`."""
    root: Path | None = None
    """The folder that paths in the file are relative to; a relative path is also searched under `$FRAMEWORK_DATA`.
    Default: the folder of the file."""
    path_column: str = "path"
    """The column of image paths."""
    suffix: str | None = None
    """Appended to paths that do not end with it, e.g. `.jpg` if the column contains ids."""
    label_column: str = "label"
    """The column of class names."""
    label_separator: str | None = Field(None, min_length=1, max_length=8)
    """What separates the classes in a cell, such as `|` in `cat|pet`, for the task `multi_label`. An empty cell is an
    image without labels. Default: a cell is one class."""
    label_columns: tuple[str, ...] | None = Field(None, min_length=2)
    """Instead of `label_column`: a column of numbers for each class, which has the name of the class. 0 and 1 for the
    task `multi_label`; for `single_label` votes or probabilities of each class."""
    split_column: str | None = None
    """The column of split names: `train`, `validation`, `test`, or another usual name of these, such as `training`,
    `val`, `dev` or `holdout`, in upper or lower case. Other names are splits for evaluation. Default: every row is
    `train`."""
    classes: tuple[str, ...] | None = Field(None, min_length=2)
    """Class names, in this order; default: the labels in the file, sorted. Any other label is an error. With
    `label_columns`: the columns to use, default all."""
    channels: Literal[1, 3] = 3
    """Usual number of channels of the images: 1 (grayscale) or 3 (colour)."""

    @model_validator(mode="after")
    def _check_labels(self) -> Self:
        for option in ("label_columns", "classes"):
            names = getattr(self, option) or ()
            if twice := [name for index, name in enumerate(names) if name in names[:index]]:
                raise ValueError(f"has '{twice[0]}' twice in '{option}'")
        if self.label_columns is None:
            return self
        for name, default in (("label_column", "label"), ("label_separator", None)):
            if getattr(self, name) != default:
                raise ValueError(f"has both 'label_columns' and '{name}'; set only one of them")
        if other := set(self.classes or ()) - set(self.label_columns):
            raise ValueError(f"has 'classes' that are not in 'label_columns': {', '.join(sorted(other))}")
        return self

    def build(self) -> Mapping[str, ImageSource]:
        """The splits by column, or only `train`."""
        from framework_folder._labels import ClassNames, Numbers
        from framework_folder._table import Columns, read_splits

        labels = (
            Numbers(self.classes or self.label_columns)
            if self.label_columns
            else ClassNames(self.label_column, self.label_separator)
        )
        columns = Columns(self.path_column, labels, self.split_column)
        return read_splits(self.file, self.root, columns, self.suffix, self.classes, self.channels)


@hookimpl
def components() -> Sequence[type[Component]]:
    """The components of this plugin."""
    return [Folder, Csv]
