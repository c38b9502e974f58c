"""A table's rows as image sources."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple

from framework import ImageFiles, Splits, UserError, did_you_mean, existing_path, find_data, nfc, read_table
from framework_folder._names import known_split

USED = ("train", "validation", "test")
SPLIT_COLUMNS = ("split", "subset", "partition", "fold", "set", "usage")
"""Usual names of a column that holds splits, in lower case."""


class Columns(NamedTuple):
    """The names of the columns."""

    path: str
    label: str
    split: str | None


@dataclass(frozen=True)
class Row:
    """One image of the table, and the line that it is on."""

    line: int
    path: str
    label: str
    split: str


HINT = "Set dataset.path_column, dataset.label_column and dataset.split_column"


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
    classes = tuple(map(nfc, given_classes or sorted({row.label for row in rows})))
    known = set(classes)
    by_split: dict[str, list[Row]] = {}
    for row in rows:
        if row.label not in known:
            raise UserError(
                f"{file}:{row.line}: the label '{row.label}' is not among 'classes'{did_you_mean(row.label, classes)} "
                f"(classes: {', '.join(classes)})"
            )
        by_split.setdefault(row.split, []).append(row)
    if "train" not in by_split:
        raise UserError(f"{file}: there are no rows of the split 'train' (splits in the file: {', '.join(by_split)})")
    sources = {split: _source(members, classes, root, suffix, channels) for split, members in by_split.items()}
    return Splits(sources, [*_notes(rows, by_split), *_unused_splits(header, columns)])


def _rows(file: Path, columns: Columns) -> tuple[list[str], list[Row]]:
    """The names of all columns, and the rows."""
    table = read_table(file, [column for column in columns if column is not None], HINT)
    rows: list[Row] = []
    splits: dict[str, str] = {}
    for line, cells in table.rows:
        word = "train" if columns.split is None else cells[columns.split]
        if word not in splits:
            splits[word] = _split(word, splits, f"{file}:{line}")
        rows.append(Row(line, cells[columns.path], nfc(cells[columns.label]), splits[word]))
    if not rows:
        raise UserError(f"{file}: there are no rows below the header")
    return table.header, rows


def _split(word: str, known: Mapping[str, str], where: str) -> str:
    """The split that a word means; raises `UserError` where another word meant it before, unless it is `train`."""
    split = known_split(word) or nfc(word)
    others = [other for other, meant in known.items() if meant == split and other.casefold() != word.casefold()]
    if others and split != "train":
        raise UserError(f"{where}: '{word}' and '{others[0]}' both mean the split {split}: use one of them")
    return split


def _source(
    rows: Sequence[Row], classes: Sequence[str], root: Path, suffix: str | None, channels: Literal[1, 3]
) -> ImageFiles:
    label_of = {name: label for label, name in enumerate(classes)}
    paths = [_path(root, row.path, suffix) for row in rows]
    return ImageFiles(paths, [label_of[row.label] for row in rows], classes, channels, root)


def _path(root: Path, written: str, suffix: str | None) -> Path:
    """The file of that path: with `suffix`, and with slashes for backslashes unless a file has these in its name."""
    whole = written + suffix if suffix and not written.endswith(suffix) else written
    path = existing_path(root / whole)
    if "\\" in whole and not os.path.lexists(path):
        path = existing_path(root / whole.replace("\\", "/"))
    return Path(path)


def _require_suffix(file: Path, row: Row, root: Path, given: str | None) -> None:
    """Raise `UserError` where the first path is no file, but one is there with a suffix."""
    path = _path(root, row.path, given)
    if path.exists():
        return
    found = sorted(name for name in path.parent.glob(f"{glob.escape(path.name)}.*") if name.is_file())
    if found:
        suffix = found[0].name.removeprefix(path.name)
        raise UserError(
            f"{file}:{row.line}: there is no file '{path}', but there is '{found[0].name}': if paths lack their "
            f"suffix, set dataset.suffix={suffix}"
        )


def _unused_splits(header: Sequence[str], columns: Columns) -> Iterator[str]:
    """A note on a column that seems to contain splits, if none is named."""
    if columns.split is None:
        for name in header:
            if name.casefold() in SPLIT_COLUMNS and name not in (columns.path, columns.label):
                yield f"the column '{name}' is not used: if it holds splits, set dataset.split_column={name}"


def _notes(rows: Sequence[Row], by_split: Mapping[str, Sequence[Row]]) -> Iterator[str]:
    for split, members in by_split.items():
        if split not in USED:
            yield f"the {len(members):,} images of split '{split}' are not used, unless a command names the split"
    labels: dict[str, set[str]] = {}
    for row in rows:
        labels.setdefault(row.path, set()).add(row.label)
    if several := [path for path, found in labels.items() if len(found) > 1]:
        shown = ", ".join(sorted(labels[several[0]]))
        yield f"paths with more than one label: {len(several):,}, such as '{several[0]}' ({shown})"
    splits: dict[str, set[str]] = {}
    for row in rows:
        splits.setdefault(row.path, set()).add(row.split)
    if several := [path for path, found in splits.items() if len(found) > 1]:
        shown = ", ".join(sorted(splits[several[0]]))
        yield f"{len(several):,} paths are in more than one split, such as '{several[0]}' ({shown})"
