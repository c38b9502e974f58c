"""Some images of a source, by a table of their names."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from framework.components import ImageSource
from framework.data.csv_table import csv_rows
from framework.data.sources import Selection
from framework.data.unicode_names import nfc
from framework.errors import UserError, count, did_you_mean

COLUMN = "name"
SHOWN = 5


def read_names(file: Path) -> list[str]:
    """The column `name` of a CSV file, or its first if there is no such column; raises `UserError`."""
    return [row[COLUMN] for row in read_rows(file)]


def read_rows(file: Path) -> list[dict[str, str]]:
    """The rows of a CSV file by column. Without a column `name` there is no header, and the first column is `name`.

    Rows that are too short to have a name are skipped. Raises `UserError`, also if a column occurs twice.
    """
    rows = [row for _, row in csv_rows(file, skip_blanks=False, undecodable="surrogateescape")]
    if not rows:
        raise UserError(f"'{file}' is empty: it must name images, one in each row")
    header = [column.strip() for column in rows[0]]
    if COLUMN not in header:
        return [{COLUMN: row[0]} for row in rows]
    for column in (COLUMN, "keep", "split"):
        if header.count(column) > 1:
            raise UserError(f"'{file}': the column '{column}' occurs twice: rename one of the two")
    columns = [dict(zip(header, row, strict=False)) for row in rows[1:]]
    return [row for row in columns if COLUMN in row]


def named_images(source: ImageSource, names: Sequence[str], where: str) -> Selection:
    """The images with these names, in the order of the source; raises `UserError` as `full_names` does."""
    selected = {*full_names(names, source.names, where).values()}
    if not selected:
        raise UserError(f"{where} names no image")
    indices = np.array([index for index, name in enumerate(source.names) if nfc(str(name)) in selected])
    return Selection(source, indices, np.asarray(source.labels)[indices], source.classes)


def full_names(names: Iterable[str], known: Iterable[str], where: str, images: str = "image") -> dict[str, str]:
    """The full name of each of `names`, in NFC; `known` are the names of all images.

    A name is a full one (`happy/0001.jpg`), or the last part of one if that is unique. Raises `UserError` for names
    that no image has, and for ambiguous ones. `where` is the table, and `images` the set of images, for messages.
    """
    names, whole = list(names), {nfc(str(name)) for name in known}
    matches: dict[str, list[str]] = {name: [name] if name in whole else [] for name in map(nfc, names)}
    for name in whole:
        last = _last_part(name)
        if last in matches and last not in whole:
            matches[last].append(name)
    unknown = [name for name, found in matches.items() if not found]
    if unknown:
        forms = {*whole, *map(_last_part, whole)}
        shown = ", ".join(f"'{name}'{did_you_mean(name, forms)}" for name in unknown[:SHOWN])
        raise UserError(f"{where} has {count(len(unknown), 'name')} that no {images} has: {shown}")
    for name, found in matches.items():
        if len(found) > 1:
            raise UserError(f"{where}: {len(found)} images are called '{name}'; name them with their folder")
    return {name: matches[nfc(name)][0] for name in names}


def _last_part(name: str) -> str:
    return name.rpartition("/")[2]
