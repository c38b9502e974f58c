"""Intervals of metrics without a formula, by resampling the images of the split.

Efron, "Bootstrap Methods: Another Look at the Jackknife", 1979.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from framework.evaluation.intervals import wilson_interval

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from framework.evaluation.confusion import Confusion

RESAMPLES = 1_000
"""For an interval of a metric, as Efron and Tibshirani recommend ("An Introduction to the Bootstrap", 1993)."""
PAIRED_RESAMPLES = 10_000
TAILS = (2.5, 97.5)
"""Percentiles of a 95 % interval."""

Interval = tuple[float, float]

FEWEST_RESAMPLES = 200
MOST_VALUES = 2_000_000
"""Of N×K probabilities: with more, an interval of any metric would take minutes and is left out."""


def percentile_interval(
    metric: Callable[[Any], float | None], images: int, classes: int, resamples: int | None = None, seed: int = 0
) -> Interval | None:
    """The 95 % percentile interval of any metric; deterministic for a seed.

    `metric` gets int64 indices of resampled images and returns None where it is undefined. 1,000 resamples for up to
    200,000 probabilities, fewer for more. None if there are too many probabilities, if most resamples are undefined, or
    if all are equal, as for a split without errors.
    """
    values = _resampled(metric, images, classes, resamples, seed)
    if not values or min(values) == max(values):
        return None
    low, high = np.percentile(values, TAILS)
    return float(low), float(high)


def corrected_interval(
    metric: Callable[[Any], float | None], images: int, classes: int, resamples: int | None = None, seed: int = 0
) -> Interval | None:
    """The 95 % interval of a fraction whose estimates from few images are biased, such as average precision.

    As `percentile_interval`, but corrected for the bias that the resamples show: see `macro_f1_interval`.
    """
    value, values = metric(np.arange(images)), _resampled(metric, images, classes, resamples, seed)
    return corrected(value, np.array(values), images) if values and value is not None else None


def _resampled(
    metric: Callable[[Any], float | None], images: int, classes: int, resamples: int | None, seed: int
) -> list[float]:
    """The values on resamples, where defined; empty if most are undefined or there are too many probabilities."""
    if images * classes > MOST_VALUES:
        return []
    resamples = resamples or max(FEWEST_RESAMPLES, min(RESAMPLES, RESAMPLES * 200_000 // (images * classes)))
    random = np.random.default_rng(seed)
    drawn = [metric(random.integers(images, size=images)) for _ in range(resamples)]
    values = [value for value in drawn if value is not None]
    return values if 2 * len(values) >= resamples else []


def macro_f1_interval(confusion: Confusion, resamples: int = RESAMPLES, seed: int = 0) -> Interval | None:
    """The 95 % interval of macro F1 as a fraction; deterministic for a seed.

    Resampling images means resampling the cells of the confusion matrix. The resamples give the bias of macro F1, which
    is low for classes with few images, and its variance. The interval is Wilson's around the bias-corrected value, for
    the number of images with which a proportion would have the same variance, so that it stays below 1 (Korn and
    Graubard, 1998). None if all resamples are equal, as for a split without errors.
    """
    images, random = int(confusion.images.sum()), np.random.default_rng(seed)
    rates = confusion.images / images
    drawn = np.array([_macro_f1(confusion, random.multinomial(images, rates)) for _ in range(resamples)])
    return corrected(_macro_f1(confusion, confusion.images), drawn, images)


def corrected(value: float, drawn: NDArray[np.float64], images: int) -> Interval | None:
    """The interval of a fraction from its value on all images and on resamples; None if all of these are equal."""
    variance = float(drawn.var())
    if variance == 0:
        return None
    edge = 0.5 / images
    unbiased = min(max(2 * value - float(drawn.mean()), edge), 1 - edge)
    return wilson_interval(unbiased, unbiased * (1 - unbiased) / variance)


def difference_interval(
    first: NDArray[np.bool_], other: NDArray[np.bool_], resamples: int = PAIRED_RESAMPLES
) -> Interval:
    """The 95 % percentile interval of `other`'s top-1 minus `first`'s; bool N each: correct on the same images.

    Images are resampled in pairs. The difference depends only on the numbers of images that exactly one of them
    classifies correctly, so these are drawn from their multinomial distribution. One more image is added on either
    side: with few such images, resamples of these alone would vary too little (Bonett and Price, "Adjusted Wald
    Confidence Interval for a Difference of Binomial Proportions Based on Paired Data", 2012).
    """
    number = len(first)
    gained, lost = int((other & ~first).sum()) + 1, int((first & ~other).sum()) + 1
    fractions = np.array([gained, lost, number + 2 - gained - lost]) / (number + 2)
    drawn = np.random.default_rng(0).multinomial(number, fractions, size=resamples)
    low, high = np.percentile((drawn[:, 0] - drawn[:, 1]) / number, TAILS)
    return float(low), float(high)


def _macro_f1(confusion: Confusion, images: NDArray[np.int64]) -> float:
    """Macro F1 as in `metrics`, for these counts of the cells."""
    number, diagonal = len(confusion.classes), confusion.true == confusion.predicted
    both = np.bincount(confusion.true, images, number) + np.bincount(confusion.predicted, images, number)
    correct = np.bincount(confusion.true[diagonal], images[diagonal], number)
    counted = both > 0
    return float((2 * correct[counted] / both[counted]).mean())
