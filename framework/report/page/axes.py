"""Scales, ticks and number formats of a chart."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from framework.recipe.option_text import number

MOST_DECIMALS = 5
"""Tick values that need more decimals are written as `2e-6`."""
CHARACTER = 7.7
"""An upper estimate of the mean width of a character, in user units."""
GAP = 7
"""Between a label and the plot, in user units."""

Ticks = list[tuple[float, str]]
"""Values with their labels."""


@dataclass(frozen=True)
class Scale:
    """A linear map from values to user units."""

    low: float
    high: float
    begin: float
    end: float

    def __call__(self, value: float) -> float:
        """The coordinate of the value."""
        return self.begin + (value - self.low) / (self.high - self.low) * (self.end - self.begin)


@dataclass(frozen=True)
class Unit:
    """A number format: `text` for a single value, `ticks` for an axis."""

    factor: float = 1.0
    suffix: str = ""
    signed: bool = False

    def text(self, value: float) -> str:
        """Three significant digits."""
        return self._finish(number(self.factor * value, 3, self._sign))

    def ticks(self, values: Sequence[float]) -> Ticks:
        """The values with labels of the same number of decimals, enough to be exact: `0.0`, `2.5`, `5.0`."""
        return list(zip(values, self._labels([self.factor * value for value in values]), strict=True))

    def _labels(self, scaled: Sequence[float]) -> list[str]:
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


@dataclass(frozen=True)
class Frame:
    """The size of a chart and the margins around its plot, in user units; a phone shows about 340 of them."""

    width: float = 460
    height: float = 250
    left: float = 46
    right_margin: float = 14
    top: float = 12
    bottom_margin: float = 40

    @property
    def right(self) -> float:
        """The right edge of the plot."""
        return self.width - self.right_margin

    @property
    def bottom(self) -> float:
        """The lower edge of the plot."""
        return self.height - self.bottom_margin

    def x_scale(self, low: float, high: float) -> Scale:
        """Values from left to right."""
        return Scale(low, high, self.left, self.right)

    def y_scale(self, low: float, high: float) -> Scale:
        """Values from the bottom to the top."""
        return Scale(low, high, self.bottom, self.top)


def label_width(labels: Sequence[str]) -> float:
    """Estimated width of the longest label, in user units."""
    return CHARACTER * max(map(len, labels))


def ticks(low: float, high: float) -> list[float]:
    """About five round values from at most `low` to at least `high`, evenly spaced."""
    if high - low <= 1e-9 * max(abs(low), abs(high)):  # constant except for rounding: the axis starts at zero
        low, high = min(low, 0.0), max(high, 0.0)
        high = high if high > low else 1.0
    rough = (high - low) / 5
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1, 2, 2.5, 5, 10) if factor * power >= rough * 0.999)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [round(index * step, 12) for index in range(first, last + 1)]


def whole_ticks(high: float) -> list[float]:
    """About six whole numbers from 0 to at most `high`, evenly spaced."""
    step = max(1, math.ceil(high / 6))
    power = 10 ** math.floor(math.log10(step))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= step)
    return [float(value) for value in range(0, int(high) + 1, step)]


def _exponential(value: float, sign: str) -> str:
    """`2.5e-6`."""
    if value == 0:
        return "0"
    mantissa, exponent = f"{value:{sign}.3e}".split("e")
    return f"{mantissa.rstrip('0').rstrip('.')}e{int(exponent)}"
