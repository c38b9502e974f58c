"""CSV files as rows of cells: encoding, delimiter, header, and errors with file and line."""

from __future__ import annotations

import codecs
import csv
import re
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from framework.errors import UserError, did_you_mean

DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "vertical bar"}
IMAGE = re.compile(r"\.(jpe?g|png|bmp|gif|webp|tiff?|p[gpn]m|heic|avif)$", re.IGNORECASE)
UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)

Rows = Iterator[tuple[int, dict[str, str]]]


class Table(NamedTuple):
    """A CSV file with a header."""

    header: list[str]
    """The names of all columns."""
    rows: Rows
    """Line number and cells of each row, by the names of the given columns, without surrounding blanks."""


def read_table(file: Path, columns: Sequence[str], hint: str = "", optional: Collection[str] = ()) -> Table:
    """The header and, as they are consumed, the rows of a CSV file that has `columns`.

    It is UTF-8, or UTF-16 with a byte order mark; the delimiter is a comma, semicolon, tab or `|`, whichever makes a
    header with all `columns`. Raises `UserError` that names file and line if a column is missing or occurs twice, a
    cell is empty, or a row is longer than the header. `hint` ends the message about a missing column; cells of the
    columns in `optional` may be empty.
    """
    delimiter = next((found for found in DELIMITERS if set(columns) <= set(_header(file, found))), ",")
    rows = csv_rows(file, delimiter)
    line, cells = next(rows, (1, []))
    header = [name.strip() for name in cells]
    for column in columns:
        if column not in header:
            if inserted := _missing_header(header, columns):
                raise UserError(
                    f"{file}:{line}: there is no header: the first line must name the columns, and it is an image, "
                    f"'{', '.join(header)}'. Insert the line `{inserted}` above it"
                )
            raise UserError(
                f"{file}:{line}: there is no column '{column}'{did_you_mean(column, header)} "
                f"(columns: {', '.join(header) or 'none'}){hint and '. '}{hint}"
            )
    twice = [name for index, name in enumerate(header) if name and name in header[:index]]
    if twice:
        raise UserError(f"{file}:{line}: the column '{twice[0]}' occurs twice: rename one of the two")
    places = {column: header.index(column) for column in columns}
    return Table(header, _cells(file, rows, places, optional, len(header), delimiter))


def csv_rows(
    file: Path, delimiter: str = ",", skip_blanks: bool = True, undecodable: str = "strict"
) -> Iterator[tuple[int, list[str]]]:
    """Line number and cells of each row that is not empty; raises `UserError` that names the file.

    `skip_blanks` ignores blanks after a delimiter. `undecodable` is the error handler for bytes that are not text.
    """
    try:
        with file.open("rb") as content:
            encoding = "utf-16" if content.read(2) in UTF16 else "utf-8-sig"
        with file.open(encoding=encoding, errors=undecodable, newline="") as text:
            reader = csv.reader(text, delimiter=delimiter, skipinitialspace=skip_blanks, strict=True)
            try:
                for cells in reader:
                    if any("\0" in cell for cell in cells):
                        raise csv.Error("it contains zero bytes, as UTF-16 does: save it as 'CSV UTF-8'")
                    if any(cell.strip() for cell in cells):
                        yield reader.line_num, cells
            except csv.Error as error:
                raise UserError(f"{file}:{reader.line_num}: not a CSV table: {error}") from None
    except OSError as error:
        raise UserError(f"{file}: cannot be read: {error.strerror}") from None
    except UnicodeError:
        raise UserError(f"{file} is not {encoding.removesuffix('-sig').upper()} text: save it as 'CSV UTF-8'") from None


def _header(file: Path, delimiter: str) -> list[str]:
    """The names of the columns with that delimiter; none if the first row cannot be parsed with it."""
    try:
        return [name.strip() for name in next(csv_rows(file, delimiter), (1, []))[1]]
    except UserError:
        return []


def _missing_header(cells: Sequence[str], columns: Sequence[str]) -> str | None:
    """A header for the table if its first row contains the path of an image; otherwise None."""
    delimiter = next((found for found in DELIMITERS if found in cells[0]), ",") if len(cells) == 1 else ","
    if len(cells) == 1:
        cells = cells[0].split(delimiter)
    place = next((index for index, cell in enumerate(cells) if IMAGE.search(cell)), None)
    if place is None:
        return None
    path, *others = columns
    names = [*others[: len(cells) - 1], *(f"column{index + 1}" for index in range(len(others) + 1, len(cells)))]
    return delimiter.join([*names[:place], path, *names[place:]])


def _cells(
    file: Path,
    rows: Iterator[tuple[int, list[str]]],
    places: dict[str, int],
    optional: Collection[str],
    width: int,
    delimiter: str,
) -> Rows:
    for line, cells in rows:
        if len(cells) > width:
            raise UserError(
                f"{file}:{line}: {len(cells)} cells, and the header has {width}: "
                f'quote a cell that contains a {DELIMITERS[delimiter]}, as "cat{delimiter} big"'
            )
        row = {column: cells[place].strip() if place < len(cells) else "" for column, place in places.items()}
        if empty := [column for column, cell in row.items() if not cell and column not in optional]:
            raise UserError(f"{file}:{line}: '{empty[0]}' is empty")
        yield line, row
