"""Image sources from the rows of a CSV file."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple

from framework import ImageFiles, Splits, UserError, existing_path, find_data, nfc, read_table
from framework_folder._labels import ClassNames, Numbers
from framework_folder._names import known_split

HINT = "Name the columns with dataset.path_column, dataset.label_column and dataset.split_column"
USED = ("train", "validation", "test")
SPLIT_COLUMNS = ("split", "subset", "partition", "fold", "set", "usage")
"""Usual names of a column of splits, in lower case."""


class Columns(NamedTuple):
    """The names of the columns, and what those of labels contain."""

    path: str
    labels: ClassNames | Numbers
    split: str | None


@dataclass(frozen=True)
class Row:
    """An image of the table, and its line."""

    line: int
    path: str
    cells: tuple[str, ...]
    """Of the columns with labels."""
    split: str

    @property
    def label(self) -> str:
        """The labels as text."""
        return ", ".join(self.cells)


def read_splits(
    given_file: Path,
    given_root: Path | None,
    columns: Columns,
    suffix: str | None,
    given_classes: Sequence[str] | None,
    channels: Literal[1, 3],
) -> Splits:
    """Sources by split. Raises `UserError` with file and line if something is wrong."""
    file = find_data(given_file)
    if file is None or not file.is_file():
        raise UserError(f"dataset 'csv': there is no file '{given_file}'. Set dataset.file=FILE")
    root = file.parent if given_root is None else find_data(given_root)
    if root is None or not root.is_dir():
        raise UserError(f"dataset 'csv': there is no folder '{given_root}'. Set dataset.root=DIR")
    header, rows = _rows(file, columns)
    _require_suffix(file, rows[0], root, suffix)
    classes = columns.labels.classes(rows, given_classes)
    labels = columns.labels.labels(rows, classes, file)
    by_split: dict[str, list[int]] = {}
    for index, row in enumerate(rows):
        by_split.setdefault(row.split, []).append(index)
    if "train" not in by_split:
        raise UserError(f"{file}: no row has the split 'train' (splits: {', '.join(by_split)})")
    paths = [_path(root, row.path, suffix) for row in rows]
    whole = ImageFiles(paths, labels, classes, channels, root)
    sources = {split: whole.subset(members) for split, members in by_split.items()}
    return Splits(sources, [*_notes(rows, by_split), *_unused_splits(header, columns)])


def _rows(file: Path, columns: Columns) -> tuple[list[str], list[Row]]:
    """The header and the rows."""
    used = [columns.path, *columns.labels.columns, *([columns.split] if columns.split else [])]
    table = read_table(file, used, HINT, columns.labels.optional)
    rows: list[Row] = []
    splits: dict[str, str] = {}
    for line, cells in table.rows:
        name = "train" if columns.split is None else cells[columns.split]
        if name not in splits:
            splits[name] = _split(name, splits, f"{file}:{line}")
        labels = tuple(cells[column] for column in columns.labels.columns)
        rows.append(Row(line, cells[columns.path], labels, splits[name]))
    if not rows:
        raise UserError(f"{file}: there are no rows below the header")
    return table.header, rows


def _split(name: str, known: Mapping[str, str], where: str) -> str:
    """The split with this name; raises `UserError` if another name of it occurred before, unless it is `train`."""
    split = known_split(name) or nfc(name)
    others = [other for other, its_split in known.items() if its_split == split and other.casefold() != name.casefold()]
    if others and split != "train":
        raise UserError(f"{where}: '{name}' and '{others[0]}' are both names of split '{split}': use one of them")
    return split


def _path(root: Path, cell: str, suffix: str | None) -> Path:
    """The file of a row: with `suffix`, and with slashes for backslashes unless its name contains backslashes."""
    name = cell + suffix if suffix and not cell.endswith(suffix) else cell
    path = existing_path(root / name)
    if "\\" in name and not os.path.lexists(path):
        path = existing_path(root / name.replace("\\", "/"))
    return Path(path)


def _require_suffix(file: Path, row: Row, root: Path, given: str | None) -> None:
    """Raise `UserError` if the first path does not exist, but does with a suffix."""
    path = _path(root, row.path, given)
    if path.exists():
        return
    found = sorted(name for name in path.parent.glob(f"{glob.escape(path.name)}.*") if name.is_file())
    if found:
        suffix = found[0].name.removeprefix(path.name)
        raise UserError(
            f"{file}:{row.line}: there is no file '{path}', but '{found[0].name}' exists: if the paths have no "
            f"suffix, set dataset.suffix={suffix}"
        )


def _unused_splits(header: Sequence[str], columns: Columns) -> Iterator[str]:
    """A note on a column that seems to contain splits, if none is named."""
    if columns.split is None:
        for name in header:
            if name.casefold() in SPLIT_COLUMNS and name not in (columns.path, *columns.labels.columns):
                yield f"the column '{name}' is not used: if it contains splits, set dataset.split_column={name}"


def _notes(rows: Sequence[Row], by_split: Mapping[str, Sequence[int]]) -> Iterator[str]:
    for split, members in by_split.items():
        if split not in USED:
            yield f"not used for training: the {len(members):,} images of split '{split}'; evaluate them with --split"
    for attribute, note in (("label", "paths with more than one label"), ("split", "paths in more than one split")):
        values: dict[str, set[str]] = {}
        for row in rows:
            values.setdefault(row.path, set()).add(getattr(row, attribute))
        if several := [path for path, found in values.items() if len(found) > 1]:
            yield f"{note}: {len(several):,}, such as '{several[0]}' ({', '.join(sorted(values[several[0]]))})"
