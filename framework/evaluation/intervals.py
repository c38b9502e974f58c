"""How far a figure can be trusted."""

from __future__ import annotations

import math
from collections.abc import Sequence

Z_95 = 1.959964
"""Standard deviations of a normal distribution that hold 95 % of it."""


def wilson_interval(share: float, number: float) -> tuple[float, float]:
    """The 95 % interval of a share (a fraction of one) that was seen on `number` images, which need not be whole.

    Wilson, "Probable Inference, the Law of Succession, and Statistical Inference", 1927.
    """
    share = min(max(share, 0.0), 1.0)
    square = Z_95**2
    centre = (share + square / (2 * number)) / (1 + square / number)
    half = Z_95 * math.sqrt(share * (1 - share) / number + square / (4 * number**2)) / (1 + square / number)
    return max(0.0, centre - half), min(1.0, centre + half)


PRIOR_IMAGES = 4
"""How many images the mean recall counts for in each class's variance: chosen by simulation among 1, 2 and 4."""


def mean_recall_interval(correct: Sequence[int], support: Sequence[int]) -> tuple[float, float]:
    """The 95 % interval of balanced accuracy, from the correct and the number of images of each class that has images.

    It is Wilson's for the number of images that a plain share would need for the same variance (Korn and Graubard,
    "Confidence Intervals for Proportions with Small Expected Number of Positive Counts Estimated from Survey Data",
    1998). The recall of a class is drawn towards that of all images before its variance is taken: one of few images,
    all of them right, would have none otherwise.
    """
    whole = (sum(correct) + 1) / (sum(support) + 2)
    shrunk = [
        (hit + PRIOR_IMAGES * whole) / (images + PRIOR_IMAGES) for hit, images in zip(correct, support, strict=True)
    ]
    mean = math.fsum(shrunk) / len(shrunk)
    variance = math.fsum(p * (1 - p) / images for p, images in zip(shrunk, support, strict=True)) / len(shrunk) ** 2
    recall = math.fsum(hit / images for hit, images in zip(correct, support, strict=True)) / len(shrunk)
    return wilson_interval(recall, mean * (1 - mean) / variance)
