"""A table's text as rows of cells: its encoding, delimiter and header."""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from framework import UserError, did_you_mean

DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "vertical bar"}
IMAGE = re.compile(r"\.(jpe?g|png|bmp|gif|webp|tiff?|p[gpn]m|heic|avif)$", re.IGNORECASE)
UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def read_cells(file: Path, columns: Sequence[str]) -> Iterator[tuple[int, Mapping[str, str]]]:
    """The line number of each row, and its cells in these columns without blanks around them.

    The delimiter is the one by which the header has all of `columns`. Raises `UserError` that names file and line where
    a column is missing or occurs twice, a cell is empty, or a row is longer than the header.
    """
    text, delimiter = _text_and_delimiter(file, columns)
    rows = _rows(file, text, delimiter)
    line, header = next(rows, (1, []))
    header = [name.strip() for name in header]
    _check_header(file, line, header, columns)
    places = {column: header.index(column) for column in columns}
    for line, cells in rows:
        if len(cells) > len(header):
            raise UserError(
                f"{file}:{line}: {len(cells)} cells, and the header has {len(header)}: "
                f'put a cell that has a {DELIMITERS[delimiter]} in it into quotes, as "cat{delimiter} big"'
            )
        named = {column: cells[place].strip() if place < len(cells) else "" for column, place in places.items()}
        if empty := [column for column, cell in named.items() if not cell]:
            raise UserError(f"{file}:{line}: '{empty[0]}' is empty")
        yield line, named


def column_names(file: Path, columns: Sequence[str]) -> list[str]:
    """All names in the header of a table that has these columns."""
    return _header(file, *_text_and_delimiter(file, columns))


def _text_and_delimiter(file: Path, columns: Sequence[str]) -> tuple[str, str]:
    text = _text(file)
    return text, next((found for found in DELIMITERS if set(columns) <= set(_header(file, text, found))), ",")


def _text(file: Path) -> str:
    try:
        content = file.read_bytes()
    except OSError as error:
        raise UserError(f"{file}: cannot be read: {error.strerror}") from None
    try:
        text = content.decode("utf-16" if content.startswith(UTF16) else "utf-8-sig")
    except UnicodeDecodeError as error:
        raise UserError(
            f"{file} is not {error.encoding.upper()} text (byte {error.start}): save it as 'CSV UTF-8'"
        ) from None
    if "\0" in text:
        raise UserError(f"{file} has zero bytes, as UTF-16 without a byte order mark has: save it as 'CSV UTF-8'")
    return text


def _rows(file: Path, text: str, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """Line numbers and cells; empty rows are left out."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, skipinitialspace=True, strict=True)
    try:
        yield from ((reader.line_num, cells) for cells in reader if any(cell.strip() for cell in cells))
    except csv.Error as error:
        raise UserError(f"{file}:{reader.line_num}: not a CSV table: {error}") from None


def _header(file: Path, text: str, delimiter: str) -> list[str]:
    """The names of the columns by that delimiter; none where the first row is no CSV by it."""
    try:
        return [name.strip() for name in next(_rows(file, text, delimiter), (1, []))[1]]
    except UserError:
        return []


def _missing_header(cells: Sequence[str], columns: Sequence[str]) -> str | None:
    """A header for the table, if its first row has the path of an image; None otherwise."""
    delimiter = next((found for found in DELIMITERS if found in cells[0]), ",") if len(cells) == 1 else ","
    if len(cells) == 1:
        cells = cells[0].split(delimiter)
    place = next((index for index, cell in enumerate(cells) if IMAGE.search(cell)), None)
    if place is None:
        return None
    path, *others = columns
    names = [*others[: len(cells) - 1], *(f"column{index + 1}" for index in range(len(others) + 1, len(cells)))]
    return delimiter.join([*names[:place], path, *names[place:]])


def _check_header(file: Path, line: int, header: Sequence[str], columns: Sequence[str]) -> None:
    for column in columns:
        if column not in header:
            if first := _missing_header(header, columns):
                raise UserError(
                    f"{file}:{line}: there is no header: the first line must name the columns, and it is an image, "
                    f"'{', '.join(header)}'. Insert the line `{first}` above it"
                )
            raise UserError(
                f"{file}:{line}: there is no column '{column}'{did_you_mean(column, header)} "
                f"(columns: {', '.join(header) or 'none'}). Name the columns with dataset.path_column, "
                "dataset.label_column and dataset.split_column; they are separated by commas, semicolons, tabs or |"
            )
    twice = [name for index, name in enumerate(header) if name and name in header[:index]]
    if twice:
        raise UserError(f"{file}:{line}: the column '{twice[0]}' occurs twice: rename one of the two")
