"""Shares as bars: the reliability diagram, and the small bars of tables."""

from __future__ import annotations

from collections.abc import Sequence

from framework.errors import count
from framework.evaluation.reliability import Bin
from framework.report.formatting import share
from framework.report.page.axes import PERCENT, Frame
from framework.report.page.elements import Markup, element

QUARTERS = (0.0, 0.25, 0.5, 0.75, 1.0)


def reliability_diagram(label: str, bins: Sequence[Bin]) -> Markup:
    """Accuracy by confidence against the diagonal, with the gap between the two; below, how many images are where."""
    frame = Frame(width=400, height=350, left=54, right=22, top=10, bottom=88)
    x, y = frame.across(0, 1), frame.upward(0, 1)
    most = max(found.images for found in bins)
    floor = frame.height - 40
    parts = [frame.vertical_axis(y, QUARTERS, PERCENT.labels(QUARTERS))]
    for found in bins:
        if not found.images:
            continue
        left, width = x(found.low) + 0.75, x(found.high) - x(found.low) - 1.5
        tip = element(
            "title",
            f"said {share(found.confidence)}, right {share(found.accuracy)}, {count(found.images, 'image')}",
        )
        claimed, right = y(found.confidence), y(found.accuracy)
        modest = found.accuracy > found.confidence
        top, bottom = min(claimed, right), max(claimed, right)
        tall = max(1.0, 34 * found.images / most)
        parts += [
            element("rect", tip, x=left, width=width, y=bottom, height=y(0) - bottom, class_="hit"),
            element("rect", tip, x=left, width=width, y=top, height=bottom - top, class_="spare" if modest else "gap"),
            element("rect", tip, x=left, width=width, y=floor - tall, height=tall, class_="amount"),
        ]
    parts += [
        element("line", x1=x(0), y1=y(0), x2=x(1), y2=y(1), class_="ideal"),
        element("line", x1=x(0), x2=x(1), y1=floor, y2=floor, class_="base"),
        *(
            element("text", f"{100 * value:.0f} %", x=x(value), y=floor + 17, class_="tick", text_anchor="middle")
            for value in QUARTERS
        ),
        element("text", "images", x=frame.left - 7, y=floor - 3, class_="tick", text_anchor="end"),
        element(
            "text", "confidence", x=(x(0) + x(1)) / 2, y=frame.height - 4, class_="axis", text_anchor="middle"
        ),
    ]  # fmt: skip
    return frame.drawing(label, *parts)


def bar(value: float, look: str = "") -> Markup:
    """A share (a fraction of one) as a thin bar."""
    return element(
        "span", element("span", style=f"width:{100 * min(max(value, 0), 1):.1f}%"), class_=f"bar {look}".strip()
    )


def range_bar(low: float, value: float, high: float) -> Markup:
    """An interval on the line from 0 to 1, with the value as a tick."""
    return element(
        "span",
        element("span", class_="span", style=f"left:{100 * low:.2f}%;width:{100 * (high - low):.2f}%"),
        element("span", class_="at", style=f"left:{100 * value:.2f}%"),
        class_="range", aria_hidden="true",
    )  # fmt: skip
