"""The metrics of one split on a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.cells import cell_len, set_cell_size
from rich.table import Table
from rich.text import Text

from framework.errors import count
from framework.evaluation.intervals import wilson_interval
from framework.evaluation.untested import untested_note
from framework.report.console import plain_console
from framework.report.formatting import class_rows, split_rows

if TYPE_CHECKING:
    from framework.evaluation.confusion import Confusion

NARROWEST = 3
"""Minimum width of a column of the confusion matrix: `100`."""


IN_FULL = 12
"""Up to so many classes the matrix is printed."""
MISTAKES = 20


def print_split(what: str, metrics: dict[str, Any], confusion: Confusion, skipped: int) -> None:
    """Headline metrics, each class, and the confusion matrix; `skipped` images could not be read."""
    console = plain_console()
    bad = f", {count(skipped, 'bad one')} skipped" if skipped else ""
    console.print(Text.assemble((what, "bold"), f", {count(metrics['images'], 'image')}{bad}"))
    for name, value in split_rows({what: metrics}):
        console.print(Text.assemble(f"{name:>20}  {value}", (_interval(metrics) if name == "top-1" else "", "dim")))
    if untested := untested_note(metrics, what):
        console.print()
        console.print(untested, style="yellow", soft_wrap=not console.is_terminal, markup=False)
    table = Table("class", "precision", "recall", "F1", "images", box=None, header_style="bold", pad_edge=False)
    for column in table.columns[1:]:
        column.justify = "right"
    for row in class_rows(metrics):
        table.add_row(*row)
    console.print()
    console.print(table)
    console.print()
    few = len(confusion.classes) <= IN_FULL
    console.print("true class by prediction, % of the row" if few else "most frequent mistakes", style="bold")
    console.print(confusion_table(confusion, console.width) if few else mistakes_table(confusion))


def _interval(metrics: dict[str, Any]) -> str:
    low, high = wilson_interval(metrics["top1"], metrics["images"])
    return f"  95 % interval {100 * low:.1f} to {100 * high:.1f}"


def mistakes_table(confusion: Confusion) -> Table:
    """The most frequent mistakes, where there are too many classes for a matrix."""
    table = Table("true class", "predicted", "images", "of", box=None, header_style="bold", pad_edge=False)
    for column in table.columns[2:]:
        column.justify = "right"
    for true, predicted, images, of in confusion.mistakes(MISTAKES):
        table.add_row(true, predicted, f"{images:,}", f"{of:,}")
    return table


def confusion_table(confusion: Confusion, width: int) -> Table:
    """Rows are true classes, columns predictions, in percent of the row.

    Names are shortened so that a row has at most `width` characters.
    """
    names = confusion.classes
    first = min(max(map(cell_len, names)), max(6, width // 5))
    gap = 2 if (width - first) // len(names) - 2 >= NARROWEST else 1
    widest = min(8, max(NARROWEST, (width - first) // len(names) - gap))
    table = Table(box=None, header_style="bold", pad_edge=False, padding=(0, gap, 0, 0))
    table.add_column("", no_wrap=True, max_width=first)
    for name in names:
        table.add_column(_cut(name, widest), justify="right", no_wrap=True)
    for index, (name, row) in enumerate(zip(names, confusion.matrix().tolist(), strict=True)):
        total = max(sum(row), 1)
        cells = [
            Text(
                f"{100 * number / total:.0f}",
                style="bold green" if column == index and number else _shade(number / total),
            )
            for column, number in enumerate(row)
        ]
        table.add_row(name, *cells)
    return table


def _cut(name: str, cells: int) -> str:
    return name if cell_len(name) <= cells else set_cell_size(name, cells - 1).rstrip() + "…"


def _shade(fraction: float) -> str:
    return "red" if fraction >= 0.15 else "yellow" if fraction >= 0.05 else "dim"
