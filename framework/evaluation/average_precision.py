"""Average precision of each class: the area under its precision-recall curve, as a sum over the positive images."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


class AveragePrecision:
    """Average precision of N images and K classes, for any weights of the images: sorted once, for many resamples.

    Without interpolation: the mean, over the images with the label, of the precision among all images with at least
    their score. Su, Yuan and Zhu, "A Relationship between the Average Precision and the Area Under the ROC Curve",
    2015.
    """

    def __init__(self, scores: NDArray[np.float64], labels: NDArray[np.int64]) -> None:
        self.order = np.argsort(-scores, axis=0, kind="stable")
        ranked = np.take_along_axis(scores, self.order, axis=0)
        self.labels = np.take_along_axis(labels, self.order, axis=0).astype(np.float64)
        last = np.ones(scores.shape, dtype=bool)  # of several images with the same score
        last[:-1] = ranked[:-1] != ranked[1:]
        places = np.where(last, np.arange(len(scores))[:, None], len(scores))
        self.last = np.minimum.accumulate(places[::-1], axis=0)[::-1]

    def of_classes(self, weights: NDArray[np.int64] | None = None) -> NDArray[np.float64]:
        """Float64 K; NaN for a class without an image. `weights` is how often each image occurs, N (default: once)."""
        images = np.ones(len(self.order)) if weights is None else weights.astype(np.float64)
        weighted = images[self.order]
        positive = weighted * self.labels
        found = np.take_along_axis(positive.cumsum(axis=0), self.last, axis=0)
        seen = np.take_along_axis(weighted.cumsum(axis=0), self.last, axis=0)
        total = positive.sum(axis=0)
        sums = (positive * found / np.maximum(seen, 1)).sum(axis=0)
        return np.where(total > 0, sums / np.maximum(total, 1), np.nan)
