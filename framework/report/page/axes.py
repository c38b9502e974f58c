"""From values to places in a chart, and the values that an axis names."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from framework.recipe.option_text import number
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
class Unit:
    """A number format: `text` for a single value, `labels` for the ticks of an axis."""

    factor: float = 1.0
    suffix: str = ""
    signed: bool = False

    def text(self, value: float) -> str:
        """Three significant digits."""
        return self._finish(number(self.factor * value, 3, self._sign))

    def labels(self, values: Sequence[float]) -> list[str]:
        """The same number of decimals for all, enough to write each value exactly: `0.0`, `2.5`, `5.0`."""
        scaled = [self.factor * value for value in values]
        finest = 1e-6 * min(abs(after - before) for before, after in pairwise(scaled))
        decimals = next(many for many in range(20) if all(abs(round(v, many) - v) <= finest for v in scaled))
        if decimals <= MOST_DECIMALS:
            return [self._finish(f"{round(value, decimals) + 0.0:{self._sign}.{decimals}f}") for value in scaled]
        return [self._finish(_exponential(value, self._sign)) for value in scaled]

    @property
    def _sign(self) -> str:
        return "+" if self.signed else ""

    def _finish(self, text: str) -> str:
        text = text.removeprefix("+") if not text.strip("+-0.") else text
        return text.replace("-", "\N{MINUS SIGN}", 1) + self.suffix if text.startswith("-") else text + self.suffix


NUMBER, PERCENT, POINTS = Unit(), Unit(100, " %"), Unit(100, signed=True)
MOST_DECIMALS = 5
"""Values that need more are written as `2e-6`."""
CHARACTER = 7.7
"""An upper estimate of the mean width of a character, in user units."""
GAP = 7
"""Between a label and the plot."""


def label_width(labels: Sequence[str]) -> float:
    """Estimated width of the longest label, in user units."""
    return CHARACTER * max(map(len, labels))


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

    def horizontal_axis(self, scale: Scale, values: Sequence[float], title: str, labels: Sequence[str]) -> Markup:
        """Below the plot, with a label for each value."""
        base = self.height - self.bottom
        marks = [
            element("text", label, x=scale(value), y=base + 17, class_="tick", text_anchor="middle")
            for value, label in zip(values, labels, strict=True)
        ]
        middle = (self.left + self.width - self.right) / 2
        name = element("text", title, x=middle, y=self.height - 4, class_="axis", text_anchor="middle")
        line = element("line", x1=self.left, x2=self.width - self.right, y1=base, y2=base, class_="base")
        return element("g", line, marks, name)

    def vertical_axis(self, scale: Scale, values: Sequence[float], labels: Sequence[str]) -> Markup:
        """Left of the plot, with a label for each value and lines across."""
        lines = [
            element("line", x1=self.left, x2=self.width - self.right, y1=scale(value), y2=scale(value), class_="grid")
            for value in values
        ]
        marks = [
            element("text", label, x=self.left - GAP, y=scale(value) + 4, class_="tick", text_anchor="end")
            for value, label in zip(values, labels, strict=True)
        ]
        return element("g", lines, marks)


def _exponential(value: float, sign: str) -> str:
    """`2.5e-6`."""
    if value == 0:
        return "0"
    mantissa, exponent = f"{value:{sign}.3e}".split("e")
    return f"{mantissa.rstrip('0').rstrip('.')}e{int(exponent)}"


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
