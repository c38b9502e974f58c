"""How far a figure can be trusted."""

from __future__ import annotations

import math

Z_95 = 1.959964
"""Standard deviations of a normal distribution that hold 95 % of it."""


def wilson_interval(share: float, number: int) -> tuple[float, float]:
    """The 95 % interval of a share (a fraction of one) that was seen on `number` images.

    Wilson, "Probable Inference, the Law of Succession, and Statistical Inference", 1927.
    """
    square = Z_95**2
    centre = (share + square / (2 * number)) / (1 + square / number)
    half = Z_95 * math.sqrt(share * (1 - share) / number + square / (4 * number**2)) / (1 + square / number)
    return max(0.0, centre - half), min(1.0, centre + half)
