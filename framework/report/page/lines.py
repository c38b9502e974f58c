"""Lines over the course of something."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from framework.report.page.axes import GAP, NUMBER, Frame, Scale, Unit, label_width, ticks, whole_ticks
from framework.report.page.elements import Markup, element

MOST_POINTS = 400
"""Of one line; more would not be seen."""
DOTS = 40
"""Up to so many points each gets a dot, with its value for whoever points at it."""


@dataclass(frozen=True)
class Line:
    """Points (x, y) in the order of x; `look` is a class of the style sheet: `c0` to `c7`, and `faint` or `dashed`."""

    name: str
    points: Sequence[tuple[float, float]]
    look: str
    legend: bool = True


def line_chart(
    label: str,
    lines: Sequence[Line],
    unit: Unit = NUMBER,
    across: str = "epoch",
    marked: tuple[float, str] | None = None,
) -> Markup:
    """The lines with axes and a legend; `marked` is an x with its name."""
    lines = [Line(line.name, _thinned(line.points), line.look, line.legend) for line in lines if line.points]
    values = [y for line in lines for _, y in line.points]
    shown = ticks(min(values), max(values))
    end = math.ceil(max(x for line in lines for x, _ in line.points))
    labels, epochs = unit.labels(shown), whole_ticks(end)
    frame = Frame(left=max(Frame.left, label_width(labels) + GAP + 2), top=22 if marked else 12)
    x, y = frame.across(0, end), frame.upward(shown[0], shown[-1])
    drawn = [
        frame.vertical_axis(y, shown, labels),
        frame.horizontal_axis(x, epochs, across, [f"{value:,.0f}" for value in epochs]),
        *([_mark(frame, x, *marked)] if marked else []),
        *(_drawn(line, x, y, unit, across) for line in lines),
    ]
    return element("figure", _legend(label, lines), frame.drawing(label, *drawn), class_="plot")


def _drawn(line: Line, x: Scale, y: Scale, unit: Unit, across: str) -> Markup:
    path = " ".join(f"{x(at):.1f},{y(value):.1f}" for at, value in line.points)
    parts = [element("polyline", points=path, class_=f"line {line.look}")]
    if len(line.points) <= DOTS and "faint" not in line.look:
        parts += [
            element(
                "circle", element("title", f"{line.name}, {across} {math.ceil(at)}: {unit.text(value)}"),
                cx=x(at), cy=y(value), r="2.6", class_=f"dot {line.look}",
            )
            for at, value in line.points
        ]  # fmt: skip
    return element("g", parts)


def _mark(frame: Frame, x: Scale, at: float, name: str) -> Markup:
    late = x(at) > frame.width / 2
    return element(
        "g",
        element("line", x1=x(at), x2=x(at), y1=frame.top, y2=frame.height - frame.bottom, class_="mark"),
        element(
            "text", name, x=x(at) + (4 if late else -4), y=frame.top - 6, class_="tick",
            text_anchor="end" if late else "start",
        ),
    )  # fmt: skip


def _legend(label: str, lines: Sequence[Line]) -> Markup:
    entries = [
        element("span", element("i", class_=f"swatch {line.look}"), line.name, class_="entry")
        for line in lines
        if line.legend
    ]
    return element("figcaption", element("b", label), entries)


def _thinned(points: Sequence[tuple[float, float]]) -> Sequence[tuple[float, float]]:
    """Means of neighbours where there are too many points to be seen."""
    each = -(-len(points) // MOST_POINTS)
    if each <= 1:
        return points
    groups = [points[begin : begin + each] for begin in range(0, len(points), each)]
    return [(group[-1][0], sum(y for _, y in group) / len(group)) for group in groups]
