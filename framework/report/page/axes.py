"""From values to places in a chart, and the values that an axis names."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from framework.report.page.elements import Markup, element


@dataclass(frozen=True)
class Scale:
    """A linear map from values to user units."""

    low: float
    high: float
    begin: float
    end: float

    def __call__(self, value: float) -> float:
        """Where the value is drawn."""
        return self.begin + (value - self.low) / (self.high - self.low) * (self.end - self.begin)


@dataclass(frozen=True)
class Frame:
    """A drawing with margins for its axes, in user units; a phone shows about 340 of them, so that text stays legible.

    `view` is the size of the whole, the plot lies within.
    """

    width: float = 460
    height: float = 250
    left: float = 46
    right: float = 14
    top: float = 12
    bottom: float = 40

    def across(self, low: float, high: float) -> Scale:
        """Values from left to right."""
        return Scale(low, high, self.left, self.width - self.right)

    def upward(self, low: float, high: float) -> Scale:
        """Values from the bottom to the top."""
        return Scale(low, high, self.height - self.bottom, self.top)

    def drawing(self, label: str, *content: Markup) -> Markup:
        """The SVG element; `label` tells what it shows to those who cannot see it."""
        view = f"0 0 {self.width:g} {self.height:g}"
        return element("svg", *content, viewBox=view, role="img", aria_label=label, class_="chart")

    def horizontal_axis(
        self, scale: Scale, values: Sequence[float], title: str, text: Callable[[float], str]
    ) -> Markup:
        """Below the plot."""
        base = self.height - self.bottom
        marks = [
            element("text", text(value), x=scale(value), y=base + 17, class_="tick", text_anchor="middle")
            for value in values
        ]
        middle = (self.left + self.width - self.right) / 2
        name = element("text", title, x=middle, y=self.height - 4, class_="axis", text_anchor="middle")
        line = element("line", x1=self.left, x2=self.width - self.right, y1=base, y2=base, class_="base")
        return element("g", line, marks, name)

    def vertical_axis(self, scale: Scale, values: Sequence[float], text: Callable[[float], str]) -> Markup:
        """Left of the plot, with lines across."""
        lines = [
            element("line", x1=self.left, x2=self.width - self.right, y1=scale(value), y2=scale(value), class_="grid")
            for value in values
        ]
        marks = [
            element("text", text(value), x=self.left - 7, y=scale(value) + 4, class_="tick", text_anchor="end")
            for value in values
        ]
        return element("g", lines, marks)


def ticks(low: float, high: float, about: int = 5) -> list[float]:
    """Round values from at most `low` to at least `high`, about so many, evenly apart."""
    if high - low <= 1e-9 * max(abs(low), abs(high)):  # flat, but for rounding: shown against zero
        low, high = min(low, 0.0), max(high, 0.0)
        high = high if high > low else 1.0
    rough = (high - low) / about
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1, 2, 2.5, 5, 10) if factor * power >= rough * 0.999)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [round(index * step, 12) for index in range(first, last + 1)]


def whole_ticks(high: float, about: int = 6) -> list[float]:
    """Whole numbers from 0 to at most `high`, evenly apart."""
    step = max(1, math.ceil(high / about))
    power = 10 ** math.floor(math.log10(step))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= step)
    return [float(value) for value in range(0, int(high) + 1, step)]
