"""Intervals of figures that have no formula: the split is drawn anew, many times, from its own images.

Efron, "Bootstrap Methods: Another Look at the Jackknife", 1979.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from framework.evaluation.metrics import ECE_BINS, bin_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from framework.evaluation.answers import Answers

RESAMPLES = 1_000
"""For an interval of a figure; Efron and Tibshirani, "An Introduction to the Bootstrap", 1993, ask for that many."""
PAIRED_RESAMPLES = 10_000
TAILS = (2.5, 97.5)
"""Percentiles that hold 95 % between them."""

Interval = tuple[float, float]


def figure_intervals(answers: Answers, resamples: int = RESAMPLES, seed: int = 0) -> dict[str, Interval]:
    """The 95 % intervals of `balanced_accuracy`, `macro_f1` and `ece`, fractions of one; the same for the same seed.

    They are basic bootstrap intervals: the distances of the resamples from the figure, turned around (Davison and
    Hinkley, "Bootstrap Methods and their Application", 1997). That matters for ECE, which resampling raises just as
    sampling did. Ends are cut to [0, 1], and the figure itself is always inside. A figure that is the same in every
    resample, as of a split without a mistake, has none: its images cannot tell how far others would move it.
    """
    probabilities = answers.probabilities.numpy()
    labels, predictions = answers.labels.numpy(), probabilities.argmax(axis=1)
    bins = bin_of(answers.probabilities.amax(1)).numpy()
    gaps = (predictions == labels) - probabilities.max(axis=1)
    random, number, classes = np.random.default_rng(seed), len(labels), len(answers.classes)
    drawn = np.stack(
        [
            _figures(labels[chosen], predictions[chosen], bins[chosen], gaps[chosen], classes)
            for chosen in (random.integers(0, number, number) for _ in range(resamples))
        ]
    )
    seen = _figures(labels, predictions, bins, gaps, classes)
    low, high = np.percentile(drawn, TAILS, axis=0)
    return {
        name: (float(np.clip(2 * seen[i] - high[i], 0, seen[i])), float(np.clip(2 * seen[i] - low[i], seen[i], 1)))
        for i, name in enumerate(("balanced_accuracy", "macro_f1", "ece"))
        if low[i] < high[i]
    }


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


def _figures(
    labels: NDArray[np.int64],
    predictions: NDArray[np.int64],
    bins: NDArray[np.int64],
    gaps: NDArray[np.float64],
    classes: int,
) -> NDArray[np.float64]:
    """Balanced accuracy, macro F1 and ECE, as `metrics` defines them, in time that grows with images plus classes."""
    support = np.bincount(labels, minlength=classes)
    predicted = np.bincount(predictions, minlength=classes)
    hits = np.bincount(labels[labels == predictions], minlength=classes)
    occurring = support > 0
    recall = hits[occurring] / support[occurring]
    known = (support + predicted) > 0
    f1 = 2 * hits[known] / (support + predicted)[known]
    ece = np.abs(np.bincount(bins, gaps, minlength=ECE_BINS)).sum() / len(labels)
    return np.array([recall.mean(), f1.mean(), ece])
