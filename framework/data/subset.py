"""Some images of a source, by a table of their names."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from framework.data.sources import Selection
from framework.errors import UserError, count, did_you_mean

if TYPE_CHECKING:
    from framework.components import ImageSource

COLUMN = "name"
SHOWN = 5


def read_names(file: Path) -> list[str]:
    """The column `name` of a CSV file, or its first where no column is called so; raises `UserError`."""
    return [row[COLUMN] for row in read_rows(file)]


def read_rows(file: Path) -> list[dict[str, str]]:
    """The rows of a CSV file by column; where none is called `name` there is no header, and the first one is.

    Rows that are too short to have a name are left out; raises `UserError`.
    """
    try:
        with file.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as text:
            rows = [row for row in csv.reader(text) if row]
        if any("\0" in cell for row in rows for cell in row):
            raise csv.Error("it has zero bytes, as UTF-16 has; save it as UTF-8")
    except (OSError, csv.Error) as error:
        raise UserError(f"'{file}' cannot be read as CSV: {error}") from None
    if not rows:
        raise UserError(f"'{file}' is empty: it should name images, one in each row")
    if COLUMN not in rows[0]:
        return [{COLUMN: row[0]} for row in rows]
    columns = [dict(zip(rows[0], row, strict=False)) for row in rows[1:]]
    return [row for row in columns if COLUMN in row]


def named_images(source: ImageSource, names: Sequence[str], where: str) -> Selection:
    """The images of those names, in the order of the source.

    A name is as the source has it (`happy/0001.jpg`), or its last part where only one image has that. Raises
    `UserError` for names that no image has, or that more than one has; `where` says which table that is about.
    """
    known: dict[str, list[int]] = {}
    for index, name in enumerate(source.names):
        for form in {str(name), PurePosixPath(str(name)).name}:
            known.setdefault(form, []).append(index)
    unknown = [name for name in names if name not in known]
    if unknown:
        shown = ", ".join(f"'{name}'{did_you_mean(name, known)}" for name in unknown[:SHOWN])
        raise UserError(f"{where}: {count(len(unknown), 'name')} that no image has: {shown}")
    for name in names:
        if len(known[name]) > 1:
            raise UserError(f"{where}: {len(known[name])} images are called '{name}'; name them with their folder")
    indices = sorted({known[name][0] for name in names})
    if not indices:
        raise UserError(f"{where} names no image")
    return Selection(source, indices, [source.labels[index] for index in indices], source.classes)
