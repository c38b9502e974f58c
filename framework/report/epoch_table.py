"""The table of epochs; narrow terminals show fewer columns."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from framework.attribution import full_name
from framework.registry import default_task
from framework.report.formatting import duration, metric_text_of, percent

if TYPE_CHECKING:
    from framework.components import Metric, Task

GAP = "  "


class Column(NamedTuple):
    """A right-aligned column; `cell` maps the metrics of an epoch to text."""

    title: str
    width: int
    cell: Callable[[Mapping[str, Any]], str]
    validation: bool = False


DROPPED_FIRST, DROPPED_THEN = ("lr", "images/s"), ("time",)
"""Columns in the order in which they are dropped until a row fits, with the score of the training between them; then
those of metric components are dropped."""
DROPPED_LAST = ("loss", "val loss")


class EpochTable:
    """Rows of at most `width` characters (None: no limit).

    `metrics` are the metric components of the recipe, `task` is its task (default: `single_label`).
    """

    def __init__(
        self,
        epochs: int,
        *,
        validated: bool,
        width: int | None = None,
        metrics: Sequence[Metric] = (),
        task: Task | None = None,
    ) -> None:
        self.epochs = epochs
        task = task or default_task()
        score, monitored = task.training_metric, task.monitor
        score_title, monitored_title = (task.metric_formats[name].title for name in (score, monitored))
        more = [_column(metric) for metric in metrics]
        columns = [
            Column("loss", 6, lambda metrics: f"{metrics['train']['loss']:.3f}"),
            Column(score_title, max(7, len(score_title)), lambda metrics: percent(metrics["train"][score])),
            Column("val loss", 8, lambda metrics: f"{metrics['validation']['loss']:.3f}", validation=True),
            Column(
                title := f"val {monitored_title}",
                max(7, len(title)),
                lambda metrics: metric_text_of(task.metric_formats[monitored], metrics["validation"][monitored]),
                validation=True,
            ),
            *more,
            Column("lr", 6, lambda metrics: exponential(metrics["lr"])),
            Column("images/s", 8, lambda metrics: f"{metrics['images_per_second']:,.0f}"),
            Column("time", 9, lambda metrics: duration(metrics["seconds"])),
            Column("", 4, lambda metrics: "kept" if metrics["kept"] else ""),
        ]
        self.columns = [column for column in columns if validated or not column.validation]
        self.first = max(len("epoch"), len(f"{epochs}/{epochs}"))
        titles = [*DROPPED_FIRST, score_title, *DROPPED_THEN, *(column.title for column in reversed(more))]
        for title in (*titles, *DROPPED_LAST):
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
    name = full_name(metric)
    title = f"val {metric.title or name}"
    width = max(len(title), 7)
    return Column(
        title, width, lambda metrics: metric_text_of(metric, metrics["validation"].get(name)), validation=True
    )


def exponential(value: float) -> str:
    """`1.9e-3`."""
    if value == 0:
        return "0"
    mantissa, exponent = f"{value:.1e}".split("e")
    return f"{mantissa}e{int(exponent)}"
