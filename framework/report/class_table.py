"""The classes of a data set with their number of images in each split, as lines of at most 60 columns."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from rich.cells import cell_len, set_cell_size

Line = tuple[str, str]
"""Text and style."""
WIDTH = 60
INDENT = 12
"""As wide as the labels of the startup message."""
NAMES = (14, 28)
"""Columns that the names of classes may always take, and at most; longer ones are cut."""
TITLES = 14
"""Columns that the name of a split may take."""
ALL = 12
"""Up to so many classes are all shown; of more, the first and the last `EDGE`."""
EDGE = 5


def class_table(splits: Mapping[str, Mapping[str, int]]) -> Iterator[Line]:
    """Lines for the images of each class, by split; splits that do not fit side by side come below each other."""
    classes = list(next(iter(splits.values())))
    shown = classes if len(classes) <= ALL else [*classes[:EDGE], *classes[-EDGE:]]
    columns = {split: _column(split, counts, shown) for split, counts in splits.items()}
    widths = {split: max(map(len, cells)) for split, cells in columns.items()}
    least, most = NAMES
    longest = max(cell_len(_printable(name)) for name in shown)
    names = min(longest, most, max(least, WIDTH - INDENT - sum(width + 2 for width in widths.values())))
    for number, group in enumerate(_groups(widths, WIDTH - INDENT - names)):
        titles, *rows = zip(*(columns[split] for split in group), strict=True)
        aligned = [widths[split] for split in group]
        yield f"{'' if number else 'classes':>{INDENT - 2}}  {' ' * names}{_cells(titles, aligned)}", "bold"
        for place, (name, row) in enumerate(zip(shown, rows, strict=True)):
            if place == EDGE and len(shown) < len(classes):
                yield _rest(splits[group[0]], group[0], classes[EDGE:-EDGE]), "dim"
            yield f"{' ' * INDENT}{_cut(name, names)}{_cells(row, aligned)}", ""


def _column(split: str, counts: Mapping[str, int], shown: Sequence[str]) -> list[str]:
    """The title and a cell for each class."""
    return [_cut(split, min(TITLES, cell_len(split))), *(f"{counts.get(name, 0):,}" for name in shown)]


def _groups(widths: Mapping[str, int], room: int) -> Iterator[list[str]]:
    """Splits that fit side by side."""
    group: list[str] = []
    for split in widths:
        if group and sum(widths[other] + 2 for other in [*group, split]) > room:
            yield group
            group = []
        group.append(split)
    yield group


def _cells(cells: Sequence[str], widths: Sequence[int]) -> str:
    return "".join(" " * (width + 2 - cell_len(cell)) + cell for cell, width in zip(cells, widths, strict=True))


def _rest(counts: Mapping[str, int], split: str, classes: Sequence[str]) -> str:
    numbers = [counts.get(name, 0) for name in classes]
    low, high = f"{min(numbers):,}", f"{max(numbers):,}"
    images = low if low == high else f"{low} to {high}"
    return f"{' ' * INDENT}… {len(classes):,} more, {images} images each in {split}"


def _cut(name: str, width: int) -> str:
    """The name in just so many columns."""
    name = _printable(name)
    return set_cell_size(name, width) if cell_len(name) <= width else set_cell_size(name, width - 1) + "…"


def _printable(name: str) -> str:
    return "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in name)
