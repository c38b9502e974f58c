"""Intervals of metrics that have no formula: images are drawn again, many times, from those of the split.

Efron, "Bootstrap Methods: Another Look at the Jackknife", 1979.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from framework.evaluation.intervals import wilson_interval

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from framework.evaluation.confusion import Confusion

RESAMPLES = 1_000
"""For an interval of a figure; Efron and Tibshirani, "An Introduction to the Bootstrap", 1993, ask for that many."""
PAIRED_RESAMPLES = 10_000
TAILS = (2.5, 97.5)
"""Percentiles that hold 95 % between them."""

Interval = tuple[float, float]


def macro_f1_interval(confusion: Confusion, resamples: int = RESAMPLES, seed: int = 0) -> Interval | None:
    """The 95 % interval of macro F1, a fraction of one; the same for the same seed.

    Resampling images is resampling the cells of the confusion matrix. The resamples give the bias of macro F1, which
    classes of few images lower, and its variance; the interval is Wilson's around the figure without its bias, for the
    number of images that a plain share would need for the same variance, so that it ends before 1 (Korn and Graubard,
    1998). None where all resamples give the same figure, as of a split without a mistake.
    """
    images, random = int(confusion.images.sum()), np.random.default_rng(seed)
    rates = confusion.images / images
    drawn = np.array([_macro_f1(confusion, random.multinomial(images, rates)) for _ in range(resamples)])
    variance = float(drawn.var())
    if variance == 0:
        return None
    edge = 0.5 / images
    unbiased = min(max(2 * _macro_f1(confusion, confusion.images) - float(drawn.mean()), edge), 1 - edge)
    return wilson_interval(unbiased, unbiased * (1 - unbiased) / variance)


def difference_interval(
    first: NDArray[np.bool_], other: NDArray[np.bool_], resamples: int = PAIRED_RESAMPLES, seed: int = 0
) -> Interval:
    """The 95 % percentile interval of `other`'s top-1 less `first`'s; bool N each, whether the same image was hit.

    Images are drawn in pairs. For the difference it only matters how many drawn ones the one had right and the other
    wrong, so that those counts are drawn, from the multinomial distribution that drawing N images gives them. They are
    drawn as if one more image had been gained and one more lost: where few images tell the two apart, resamples of
    these alone would differ too little (Bonett and Price, "Adjusted Wald Confidence Interval for a Difference of
    Binomial Proportions Based on Paired Data", 2012).
    """
    number = len(first)
    gained, lost = int((other & ~first).sum()) + 1, int((first & ~other).sum()) + 1
    shares = np.array([gained, lost, number + 2 - gained - lost]) / (number + 2)
    drawn = np.random.default_rng(seed).multinomial(number, shares, size=resamples)
    low, high = np.percentile((drawn[:, 0] - drawn[:, 1]) / number, TAILS)
    return float(low), float(high)


def _macro_f1(confusion: Confusion, images: NDArray[np.int64]) -> float:
    """As `metrics` defines it, of these counts in the cells."""
    number, diagonal = len(confusion.classes), confusion.true == confusion.predicted
    both = np.bincount(confusion.true, images, number) + np.bincount(confusion.predicted, images, number)
    correct = np.bincount(confusion.true[diagonal], images[diagonal], number)
    counted = both > 0
    return float((2 * correct[counted] / both[counted]).mean())
