"""Confidence intervals by formula."""

from __future__ import annotations

import math
from collections.abc import Sequence

Z_95 = 1.959964
"""95 % of a normal distribution lie within this many standard deviations."""


def wilson_interval(fraction: float, number: float) -> tuple[float, float]:
    """The 95 % interval of a proportion measured on `number` images, which need not be an integer.

    Wilson, "Probable Inference, the Law of Succession, and Statistical Inference", 1927.
    """
    fraction = min(max(fraction, 0.0), 1.0)
    square = Z_95**2
    centre = (fraction + square / (2 * number)) / (1 + square / number)
    half = Z_95 * math.sqrt(fraction * (1 - fraction) / number + square / (4 * number**2)) / (1 + square / number)
    return max(0.0, centre - half), min(1.0, centre + half)


PRIOR_IMAGES = 4
"""Weight of the overall recall in each class's variance, in images: chosen among 1, 2 and 4 by simulation."""


def mean_recall_interval(correct: Sequence[int], support: Sequence[int]) -> tuple[float, float]:
    """The 95 % interval of balanced accuracy, from correct predictions and images of each class that has images.

    It is Wilson's for the number of images with which a proportion would have the same variance (Korn and Graubard,
    "Confidence Intervals for Proportions with Small Expected Number of Positive Counts Estimated from Survey Data",
    1998). For the variance, the recall of a class is shrunk towards that of all images: a class with few images, all
    correct, would have no variance otherwise.
    """
    whole = (sum(correct) + 1) / (sum(support) + 2)
    shrunk = [
        (right + PRIOR_IMAGES * whole) / (images + PRIOR_IMAGES) for right, images in zip(correct, support, strict=True)
    ]
    mean = math.fsum(shrunk) / len(shrunk)
    variance = math.fsum(p * (1 - p) / images for p, images in zip(shrunk, support, strict=True)) / len(shrunk) ** 2
    recall = math.fsum(right / images for right, images in zip(correct, support, strict=True)) / len(shrunk)
    return wilson_interval(recall, mean * (1 - mean) / variance)
