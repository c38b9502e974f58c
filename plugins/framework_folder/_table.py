"""A CSV file's rows as image sources."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from framework import ImageFiles, UserError, did_you_mean, existing_path, find_data, nfc
from framework_folder._names import known_split

if TYPE_CHECKING:
    from framework_folder import Csv


@dataclass(frozen=True)
class Row:
    """One image of the table, and the line that it is on."""

    line: int
    path: str
    label: str
    split: str


def read_table(dataset: Csv) -> dict[str, ImageFiles]:
    """Sources by split. Raises `UserError` that names file and line where something is wrong."""
    file = find_data(dataset.file)
    if file is None or not file.is_file():
        raise UserError(f"dataset 'csv': there is no file '{dataset.file}'. Give it with dataset.file=FILE")
    root = file.parent if dataset.root is None else find_data(dataset.root)
    if root is None or not root.is_dir():
        raise UserError(f"dataset 'csv': there is no folder '{dataset.root}'. Give it with dataset.root=DIR")
    rows = _rows(file, dataset)
    classes = tuple(map(nfc, dataset.classes or sorted({row.label for row in rows})))
    by_split: dict[str, list[Row]] = {}
    for row in rows:
        if row.label not in classes:
            raise UserError(
                f"{file}:{row.line}: the label '{row.label}' is not among 'classes'{did_you_mean(row.label, classes)} "
                f"(classes: {', '.join(classes)})"
            )
        by_split.setdefault(row.split, []).append(row)
    if "train" not in by_split:
        raise UserError(f"{file}: no row is of the split 'train'; there are rows of {', '.join(by_split)}")
    return {split: _source(members, classes, dataset.channels, root) for split, members in by_split.items()}


def _rows(file: Path, dataset: Csv) -> list[Row]:
    try:
        with file.open(encoding="utf-8-sig", newline="") as text:
            reader = csv.DictReader(text, skipinitialspace=True)
            rows = [_row(file, line, cells, dataset) for line, cells in _cells(reader, file, dataset)]
    except UnicodeDecodeError as error:
        raise UserError(f"{file} is not UTF-8 text (byte {error.start}): save it as 'CSV UTF-8'") from None
    except OSError as error:
        raise UserError(f"{file}: cannot be read: {error.strerror}") from None
    except csv.Error as error:
        raise UserError(f"{file}:{reader.reader.line_num}: not a CSV table: {error}") from None
    if not rows:
        raise UserError(f"{file}: there are no rows below the header")
    return rows


def _cells(reader: csv.DictReader[str], file: Path, dataset: Csv) -> Iterator[tuple[int, Mapping[str, str | None]]]:
    """Each row's line number and cells, after a look at the header."""
    header = [column.strip() for column in reader.fieldnames or []]
    reader.fieldnames = header
    for column in (dataset.path_column, dataset.label_column, dataset.split_column):
        if column is not None and column not in header:
            raise UserError(
                f"{file}:1: there is no column '{column}'{did_you_mean(column, header)} "
                f"(columns: {', '.join(header) or 'none'})"
            )
    for cells in reader:
        if surplus := cells.get(reader.restkey):
            raise UserError(
                f"{file}:{reader.line_num}: {len(header) + len(surplus)} cells, and the header has {len(header)}: "
                'put a cell that has a comma in it into quotes, as "cat, big"'
            )
        yield reader.line_num, cells


def _row(file: Path, line: int, cells: Mapping[str, str | None], dataset: Csv) -> Row:
    def cell(column: str) -> str:
        value = (cells[column] or "").strip()
        if not value:
            raise UserError(f"{file}:{line}: '{column}' is empty")
        return value

    split = "train" if dataset.split_column is None else cell(dataset.split_column)
    return Row(line, cell(dataset.path_column), nfc(cell(dataset.label_column)), known_split(split) or nfc(split))


def _source(rows: Sequence[Row], classes: Sequence[str], channels: int, root: Path) -> ImageFiles:
    label_of = {name: label for label, name in enumerate(classes)}
    paths = [Path(existing_path(root / row.path)) for row in rows]
    return ImageFiles(paths, [label_of[row.label] for row in rows], classes, channels, root)
