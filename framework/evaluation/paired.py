"""Whether one classifier is better than another on the same images, or whether that is noise."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from framework.errors import UserError, count
from framework.evaluation.bootstrap import Interval, difference_interval

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from framework.evaluation.predictions import Predictions

LEVEL = 0.05
"""A difference is called more than noise where chance alone would make one as large more rarely than that."""


@dataclass(frozen=True)
class Paired:
    """Two classifiers on the images that both answered for; shares are fractions of one."""

    images: int
    """In common, with the same true class."""
    left_out: int
    """Of either side: images that the other has not, or has by another class."""
    first_top1: float
    other_top1: float
    gained: int
    """Right by the other and wrong by the first."""
    lost: int
    """Right by the first and wrong by the other."""
    difference: float
    """The other's top-1 less the first's."""
    interval: Interval
    """Of the difference, 95 %: a paired bootstrap."""
    p: float
    """Of McNemar's exact test."""
    other_pixels: int = 0
    """Images in common of which the two saw different pixels, as far as both kept what they saw."""

    def as_dict(self) -> dict[str, Any]:
        """As JSON types."""
        return {**vars(self), "interval": list(self.interval)}


def paired(first: Predictions, other: Predictions, *, same_size: bool = False) -> Paired:
    """Compare on the images of the same name and the same true class; raises `UserError` where there are none.

    With `same_size`, where both networks see images brought to their size in the same way, pixels are compared too.
    """
    theirs = {key: index for index, key in enumerate(other.keys)}
    pairs = [(index, theirs[key]) for index, key in enumerate(first.keys) if key in theirs]
    if not pairs:
        raise UserError(
            f"no image is in both: the one answered for {_examples(first)}, the other for {_examples(other)}; "
            "compare runs on the same split of the same data"
        )
    mine, other_s = np.array(pairs).T
    right, other_right = first.correct.numpy()[mine], other.correct.numpy()[other_s]
    gained, lost = int((other_right & ~right).sum()), int((right & ~other_right).sum())
    return Paired(
        images=len(pairs),
        left_out=len(first) + len(other) - 2 * len(pairs),
        first_top1=float(right.mean()),
        other_top1=float(other_right.mean()),
        gained=gained,
        lost=lost,
        difference=(gained - lost) / len(pairs),
        interval=difference_interval(right, other_right),
        p=mcnemar(gained, lost),
        other_pixels=_other_pixels(first, other, mine, other_s) if same_size else 0,
    )


def mcnemar(gained: int, lost: int) -> float:
    """How often chance alone splits as many disagreements at least as unevenly: McNemar's test, exact and two-sided.

    Under the hypothesis that neither is better each disagreement falls to either side like a fair coin. McNemar, "Note
    on the Sampling Error of the Difference between Correlated Proportions or Percentages", 1947; in whole numbers, so
    that it is exact for any count.
    """
    number, ways, total = gained + lost, 1, 0
    for index in range(min(gained, lost) + 1):
        total += ways
        ways = ways * (number - index) // (index + 1)
    return min(1.0, 2 * total / (1 << number))


def holm(values: Sequence[float]) -> list[float]:
    """The p-values of several tests, raised so that all of them together mislead as rarely as one alone would.

    Holm, "A Simple Sequentially Rejective Multiple Test Procedure", 1979.
    """
    raised, highest = [0.0] * len(values), 0.0
    for rank, index in enumerate(sorted(range(len(values)), key=values.__getitem__)):
        highest = max(highest, min(1.0, (len(values) - rank) * values[index]))
        raised[index] = highest
    return raised


def _other_pixels(first: Predictions, other: Predictions, mine: NDArray[np.int64], other_s: NDArray[np.int64]) -> int:
    if first.hashes is None or other.hashes is None:
        return 0
    return int((first.hashes.numpy()[mine] != other.hashes.numpy()[other_s]).sum())


def _examples(predictions: Predictions) -> str:
    return f"{count(len(predictions), 'image')} such as '{predictions.names[0]}'"
