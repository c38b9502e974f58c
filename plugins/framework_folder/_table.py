"""A CSV file's rows as image sources."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from framework import ImageFiles, UserError, did_you_mean, find_data

if TYPE_CHECKING:
    from framework_folder import Csv

Row = dict[str, str]


def read_table(dataset: Csv) -> dict[str, ImageFiles]:
    """Sources by split. Raises `UserError` that names file and line where something is wrong."""
    file = find_data(dataset.file)
    if file is None or not file.is_file():
        raise UserError(f"dataset 'csv': there is no file '{dataset.file}'. Give it with dataset.file=FILE")
    rows = _rows(file, dataset)
    names = {row[dataset.label_column] for _, row in rows}
    classes = list(dataset.classes) if dataset.classes else sorted(names)
    for line, row in rows:
        label = row[dataset.label_column]
        if label not in classes:
            raise UserError(
                f"{file}:{line}: the label '{label}' is not among 'classes'{did_you_mean(label, classes)} "
                f"(classes: {', '.join(classes)})"
            )
    by_split: dict[str, list[Row]] = {}
    for _, row in rows:
        split = row[dataset.split_column] if dataset.split_column else "train"
        by_split.setdefault(split, []).append(row)
    root = dataset.root or file.parent
    return {split: _source(members, dataset, classes, root) for split, members in by_split.items()}


def _rows(file: Path, dataset: Csv) -> list[tuple[int, Row]]:
    """Rows with their line numbers; every column that is asked for has a value."""
    columns = [dataset.path_column, dataset.label_column]
    if dataset.split_column:
        columns.append(dataset.split_column)
    with file.open(encoding="utf-8-sig", newline="") as text:
        reader = csv.DictReader(text)
        header = list(reader.fieldnames or [])
        for column in columns:
            if column not in header:
                raise UserError(
                    f"{file}:1: there is no column '{column}'{did_you_mean(column, header)} "
                    f"(columns: {', '.join(header) or 'none'})"
                )
        rows: list[tuple[int, Row]] = []
        for row in reader:
            for column in columns:
                if not row[column]:
                    raise UserError(f"{file}:{reader.line_num}: '{column}' is empty")
            rows.append((reader.line_num, row))
    if not rows:
        raise UserError(f"{file}: there are no rows below the header")
    return rows


def _source(rows: Sequence[Row], dataset: Csv, classes: Sequence[str], root: Path) -> ImageFiles:
    paths = [root / row[dataset.path_column] for row in rows]
    labels = [classes.index(row[dataset.label_column]) for row in rows]
    inside = all(path.is_relative_to(root) for path in paths)
    return ImageFiles(paths, labels, classes, dataset.channels, root if inside else None)
