"""Charts as SVG."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

from framework.evaluation.reliability import Bin
from framework.report.page.axes import GAP, NUMBER, PERCENT, Frame, Unit, label_width, ticks, whole_ticks
from framework.report.page.render import render

if TYPE_CHECKING:
    from markupsafe import Markup

MOST_POINTS = 400
"""Of a line; longer lines are averaged."""
MOST_DOTS = 40
"""Longer lines have no dots, which show the value of a point when the pointer is over it."""
ROW = 34
"""Height of a row of the interval chart, in user units."""


@dataclass(frozen=True)
class Line:
    """Points (x, y) in the order of x; `css` is `c0` to `c7`, optionally with `faint` or `dashed`."""

    name: str
    points: Sequence[tuple[float, float]]
    css: str
    legend: bool = True

    @property
    def has_dots(self) -> bool:
        """Whether each point has a dot."""
        return len(self.points) <= MOST_DOTS and "faint" not in self.css


class IntervalRow(NamedTuple):
    """A value with its interval; `css` is a class of the style sheet: `c0` to `c7`."""

    name: str
    low: float
    value: float
    high: float
    css: str


def line_chart(
    title: str, lines: Sequence[Line], unit: Unit = NUMBER, marked: tuple[float, str] | None = None
) -> Markup:
    """The lines over the epochs, with a legend; `marked` is an epoch with its label."""
    lines = [replace(line, points=_thinned(line.points)) for line in lines if line.points]
    values = [y for line in lines for _, y in line.points]
    y_ticks = unit.ticks(ticks(min(values), max(values)))
    end = math.ceil(max(x for line in lines for x, _ in line.points))
    labels = [label for _, label in y_ticks]
    frame = Frame(left=max(Frame.left, label_width(labels) + GAP + 2), top=22 if marked else 12)
    return render(
        "line_chart.svg.jinja", title=title, lines=lines, unit=unit, marked=marked, frame=frame,
        x=frame.x_scale(0, end), x_ticks=[(value, f"{value:,.0f}") for value in whole_ticks(end)],
        y=frame.y_scale(y_ticks[0][0], y_ticks[-1][0]), y_ticks=y_ticks, ceil=math.ceil,
    )  # fmt: skip


def interval_chart(title: str, rows: Sequence[IntervalRow], unit: Unit, zero: bool = False) -> Markup:
    """A dot and a line for each row, below its name; `zero` adds the value 0 to the axis."""
    low, high = min(row.low for row in rows), max(row.high for row in rows)
    x_ticks = unit.ticks(ticks(min(low, 0) if zero else low, max(high, 0) if zero else high))
    side = max(16, label_width([x_ticks[0][1], x_ticks[-1][1]]) / 2 + 2)
    frame = Frame(height=ROW * len(rows) + 46, left=side, right_margin=side, bottom_margin=34)
    return render(
        "interval_chart.svg.jinja", title=title, rows=rows, unit=unit, zero=zero, frame=frame, row_height=ROW,
        x=frame.x_scale(x_ticks[0][0], x_ticks[-1][0]), x_ticks=x_ticks,
    )  # fmt: skip


def reliability_diagram(title: str, bins: Sequence[Bin]) -> Markup:
    """Accuracy by confidence with the gap to the diagonal; below it the number of images."""
    frame = Frame(width=400, height=350, left=54, right_margin=22, top=10, bottom_margin=88)
    return render(
        "reliability_diagram.svg.jinja", title=title, bins=[one for one in bins if one.images], frame=frame,
        x=frame.x_scale(0, 1), y=frame.y_scale(0, 1), ticks=PERCENT.ticks([0.0, 0.25, 0.5, 0.75, 1.0]),
        most=max(one.images for one in bins),
    )  # fmt: skip


def _thinned(points: Sequence[tuple[float, float]]) -> Sequence[tuple[float, float]]:
    """At most `MOST_POINTS` points, each the mean of neighbouring ones."""
    size = -(-len(points) // MOST_POINTS)
    if size <= 1:
        return points
    groups = [points[begin : begin + size] for begin in range(0, len(points), size)]
    return [(group[-1][0], sum(y for _, y in group) / len(group)) for group in groups]
