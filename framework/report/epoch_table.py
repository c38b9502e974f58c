"""The table of epochs; narrow terminals show fewer columns."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from framework.attribution import full_name
from framework.report.formatting import duration, metric_text, metric_title, percent

if TYPE_CHECKING:
    from framework.components import Metric

GAP = "  "


class Column(NamedTuple):
    """A right-aligned column; `cell` maps the metrics of an epoch to text."""

    title: str
    width: int
    cell: Callable[[Mapping[str, Any]], str]
    validation: bool = False


COLUMNS = (
    Column("loss", 6, lambda metrics: f"{metrics['train']['loss']:.3f}"),
    Column("top-1", 7, lambda metrics: percent(metrics["train"]["top1"])),
    Column("val loss", 8, lambda metrics: f"{metrics['validation']['loss']:.3f}", validation=True),
    Column("val top-1", 9, lambda metrics: percent(metrics["validation"]["top1"]), validation=True),
    Column("lr", 6, lambda metrics: exponential(metrics["lr"])),
    Column("images/s", 8, lambda metrics: f"{metrics['images_per_second']:,.0f}"),
    Column("time", 9, lambda metrics: duration(metrics["seconds"])),
    Column("", 4, lambda metrics: "kept" if metrics["kept"] else ""),
)
DROPPED_FIRST = ("lr", "images/s", "top-1", "time")
"""Columns in the order in which they are dropped until a row fits; then those of metric components are dropped."""
DROPPED_LAST = ("loss", "val loss")
AFTER = "val top-1"
"""Metric components are in the columns after this one."""


class EpochTable:
    """Rows of at most `width` characters (None: no limit).

    `metrics` are the metric components of the recipe.
    """

    def __init__(
        self, epochs: int, *, validated: bool, width: int | None = None, metrics: Sequence[Metric] = ()
    ) -> None:
        self.epochs = epochs
        columns = [column for column in COLUMNS if validated or not column.validation]
        more = [_column(metric) for metric in metrics] if validated else []
        place = next((place for place, column in enumerate(columns, 1) if column.title == AFTER), 0)
        self.columns = [*columns[:place], *more, *columns[place:]]
        self.first = max(len("epoch"), len(f"{epochs}/{epochs}"))
        for title in (*DROPPED_FIRST, *(column.title for column in reversed(more)), *DROPPED_LAST):
            if width is None or self.width <= width:
                break
            self.columns = [column for column in self.columns if column.title != title]

    @property
    def width(self) -> int:
        """Characters of a row."""
        return self.first + sum(len(GAP) + column.width for column in self.columns)

    @property
    def titles(self) -> list[str]:
        """Column titles; the first column is the epoch number."""
        return ["epoch", *(column.title for column in self.columns)]

    def cells(self, epoch: int, metrics: Mapping[str, Any]) -> list[str]:
        """The cells of an epoch; `metrics` are those of the callback hook `epoch_end`."""
        return [f"{epoch}/{self.epochs}", *(column.cell(metrics) for column in self.columns)]

    def row(self, cells: list[str]) -> str:
        """A line of titles or cells."""
        widths = [self.first, *(column.width for column in self.columns)]
        return GAP.join(cell.rjust(width) for cell, width in zip(cells, widths, strict=True)).rstrip()


def _column(metric: Metric) -> Column:
    name, components = full_name(metric), (metric,)
    title = f"val {metric_title(name, components)}"
    return Column(
        title, max(len(title), 7), lambda metrics: metric_text(name, metrics["validation"].get(name), components)
    )


def exponential(value: float) -> str:
    """`1.9e-3`."""
    if value == 0:
        return "0"
    mantissa, exponent = f"{value:.1e}".split("e")
    return f"{mantissa}e{int(exponent)}"
