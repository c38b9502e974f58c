"""The metrics of a split on a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.cells import cell_len, set_cell_size
from rich.text import Text

from framework.errors import count
from framework.evaluation.confusion import Confusion
from framework.evaluation.intervals import wilson_interval
from framework.evaluation.untested import untested_note
from framework.inference.evaluation import Evaluation
from framework.report.console import plain_console, plain_table
from framework.report.formatting import interval_text, metric_keys, metric_text, metric_title, percent

if TYPE_CHECKING:
    from rich.table import Table

NARROWEST = 3
"""Minimum width of a column of the confusion matrix: `100`."""
MOST_CELLS = 12
"""Up to this many classes the confusion matrix is printed, with more the most frequent confusions."""
PAIRS = 20


def print_split(evaluation: Evaluation) -> None:
    """All metrics, those of each class, and the confusion matrix."""
    metrics, predictions, components = evaluation.metrics, evaluation.predictions, evaluation.components
    split, skipped, confusion = evaluation.where, len(evaluation.skipped), predictions.confusion()
    console = plain_console()
    bad = f", {count(skipped, 'unreadable image')} skipped" if skipped else ""
    console.print(Text.assemble((split, "bold"), f", {count(metrics['images'], 'image')}{bad}"))
    intervals = {"top1": wilson_interval(metrics["top1"], metrics["images"])}
    intervals |= predictions.intervals(components)
    for key in metric_keys(metrics):
        text = f"{metric_title(key, components):>20}  {metric_text(key, metrics[key], components)}"
        note = f"  95 % interval {interval_text(key, *intervals[key], components)}" if key in intervals else ""
        console.print(Text.assemble(text, (note, "dim")))
    if untested := untested_note(metrics, split):
        console.print()
        console.print(untested, style="yellow", soft_wrap=not console.is_terminal, markup=False)
    console.print()
    console.print(_class_table(metrics))
    console.print()
    few = len(confusion.classes) <= MOST_CELLS
    title = "confusion matrix: true class by predicted class, % of the row" if few else "most frequent confusions"
    console.print(title, style="bold")
    console.print(confusion_table(confusion, console.width) if few else _confusion_pairs(confusion))


def _class_table(metrics: dict[str, Any]) -> Table:
    table = plain_table("class", right=["precision", "recall", "F1", "images"])
    for name, row in metrics["per_class"].items():
        fractions = (percent(row[key]) if row["support"] else "–" for key in ("precision", "recall", "f1"))
        table.add_row(name, *fractions, f"{row['support']:,}")
    return table


def _confusion_pairs(confusion: Confusion) -> Table:
    table = plain_table("true class", "predicted", right=["images", "of"])
    for true, predicted, images, of in confusion.mistakes(PAIRS):
        table.add_row(true, predicted, f"{images:,}", f"{of:,}")
    return table


def confusion_table(confusion: Confusion, width: int) -> Table:
    """Rows are true classes, columns predicted classes, in percent of the row.

    Names are shortened so that a row has at most `width` characters.
    """
    names = confusion.classes
    first = min(max(map(cell_len, names)), max(6, width // 5))
    gap = 2 if (width - first) // len(names) - 2 >= NARROWEST else 1
    widest = min(8, max(NARROWEST, (width - first) // len(names) - gap))
    table = plain_table()
    table.padding = (0, gap, 0, 0)
    table.add_column("", no_wrap=True, max_width=first)
    for name in names:
        table.add_column(_cut(name, widest), justify="right", no_wrap=True)
    for index, (name, row) in enumerate(zip(names, confusion.matrix().tolist(), strict=True)):
        fractions = [number / max(sum(row), 1) for number in row]
        styles = ["bold green" if column == index and row[column] else _shade(f) for column, f in enumerate(fractions)]
        table.add_row(name, *(Text(f"{100 * f:.0f}", style) for f, style in zip(fractions, styles, strict=True)))
    return table


def _cut(name: str, cells: int) -> str:
    return name if cell_len(name) <= cells else set_cell_size(name, cells - 1).rstrip() + "…"


def _shade(fraction: float) -> str:
    return "red" if fraction >= 0.15 else "yellow" if fraction >= 0.05 else "dim"
