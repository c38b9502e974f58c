"""The table of classes with their number of images in each split, at most 60 columns wide."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from rich.cells import cell_len, set_cell_size

Line = tuple[str, str]
"""Text and style."""
WIDTH = 60
INDENT = 12
"""Width of the labels of the startup message."""
NAMES = (14, 28)
"""Minimum and maximum width of the class names; longer names are cut."""
TITLES = 14
"""Maximum width of the name of a split."""
ALL = 12
"""Up to this many classes are all shown; of more, the first and the last `EDGE`."""
EDGE = 5


def class_table(splits: Mapping[str, Mapping[str, float]]) -> Iterator[Line]:
    """Lines with the images of each class by split; splits that do not fit side by side follow below."""
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
        for position, (name, row) in enumerate(zip(shown, rows, strict=True)):
            if position == EDGE and len(shown) < len(classes):
                yield _rest(splits[group[0]], group[0], classes[EDGE:-EDGE]), "dim"
            yield f"{' ' * INDENT}{_cut(name, names)}{_cells(row, aligned)}", ""


def _column(split: str, counts: Mapping[str, float], shown: Sequence[str]) -> list[str]:
    """The title and a cell for each class."""
    return [_cut(split, min(TITLES, cell_len(split))), *(number_text(counts.get(name, 0)) for name in shown)]


def _groups(widths: Mapping[str, float], width: int) -> Iterator[list[str]]:
    """Splits that fit side by side."""
    group: list[str] = []
    for split in widths:
        if group and sum(widths[other] + 2 for other in [*group, split]) > width:
            yield group
            group = []
        group.append(split)
    yield group


def _cells(cells: Sequence[str], widths: Sequence[int]) -> str:
    return "".join(" " * (width + 2 - cell_len(cell)) + cell for cell, width in zip(cells, widths, strict=True))


def _rest(counts: Mapping[str, float], split: str, classes: Sequence[str]) -> str:
    numbers = [counts.get(name, 0) for name in classes]
    low, high = number_text(min(numbers)), number_text(max(numbers))
    images = low if low == high else f"{low} to {high}"
    return f"{' ' * INDENT}… {len(classes):,} more, {images} images each in {split}"


def number_text(images: float) -> str:
    """Soft labels have fractions of images."""
    return f"{images:,}" if isinstance(images, int) else f"{images:,.1f}"


def _cut(name: str, width: int) -> str:
    """The name in exactly `width` columns."""
    name = _printable(name)
    return set_cell_size(name, width) if cell_len(name) <= width else set_cell_size(name, width - 1) + "…"


def _printable(name: str) -> str:
    return "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in name)
