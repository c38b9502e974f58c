"""Values with their intervals, one below the other."""

from __future__ import annotations

from collections.abc import Sequence

from framework.report.page.axes import Frame, Unit, label_width, ticks
from framework.report.page.elements import Markup, element

ROW = 34

Row = tuple[str, float, float, float, str]
"""Name, low end, value, high end, and a class of the style sheet: `c0` to `c7`."""


def whisker_chart(label: str, rows: Sequence[Row], unit: Unit, zero: bool = False) -> Markup:
    """Each row a dot with a whisker; names stand above their whiskers, so that they may be long."""
    low, high = min(row[1] for row in rows), max(row[3] for row in rows)
    marks = ticks(min(low, 0) if zero else low, max(high, 0) if zero else high)
    labels = unit.labels(marks)
    side = max(16, label_width([labels[0], labels[-1]]) / 2 + 2)
    frame = Frame(height=ROW * len(rows) + 46, left=side, right=side, bottom=34)
    x = frame.across(marks[0], marks[-1])
    floor = frame.height - frame.bottom
    parts = [element("line", x1=x(mark), x2=x(mark), y1=frame.top, y2=floor, class_="grid") for mark in marks]
    if zero:
        parts.append(element("line", x1=x(0), x2=x(0), y1=frame.top, y2=floor, class_="mark"))
    for index, (name, begin, value, end, look) in enumerate(rows):
        y = frame.top + ROW * index + 24
        parts += [
            element("text", name, x=x(marks[0]), y=y - 10, class_="tick above"),
            element("line", x1=x(begin), x2=x(end), y1=y, y2=y, class_=f"line {look}"),
            element("circle", element("title", unit.text(value)), cx=x(value), cy=y, r="4.5", class_=f"dot {look}"),
        ]
    parts += [frame.horizontal_axis(x, marks, "", labels)]
    return element("figure", element("figcaption", element("b", label)), frame.drawing(label, *parts), class_="plot")
