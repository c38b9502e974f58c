"""The confusion matrix without its empty cells: K×K cells are too many for 10,000 classes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Mistake(NamedTuple):
    """A cell off the diagonal."""

    true: str
    predicted: str
    images: int
    of: int
    """Images of the true class."""


@dataclass(frozen=True)
class Confusion:
    """Numbers of images by true and predicted class, without empty cells; int64 arrays with an entry per cell.

    Cells are sorted by true class, then by predicted class.
    """

    classes: tuple[str, ...]
    true: NDArray[np.int64]
    predicted: NDArray[np.int64]
    images: NDArray[np.int64]

    section: ClassVar[str] = "Confusion matrix"
    """The title of the section of a report."""
    caption: ClassVar[str] = (
        "Percentage and number of the images of each true class (row) by predicted class (column). Correct predictions "
        "are blue."
    )
    pairs: ClassVar[tuple[str, str, str]] = ("Most frequent confusions", "true class", "predicted")
    """The title of the table of the largest cells off the diagonal, and of its first columns."""
    picture_title: ClassVar[str] = "% of the true class (row) by prediction (column)"
    title: ClassVar[str] = "confusion matrix: true class by predicted class"
    row: ClassVar[str] = "the row"
    """What the support of a row is, for tables in percent."""

    @classmethod
    def count(cls, labels: NDArray[np.int64], predictions: NDArray[np.int64], classes: Sequence[str]) -> Confusion:
        """Count labels and predicted classes of N images."""
        cells, images = np.unique(labels * len(classes) + predictions, return_counts=True)
        return cls(tuple(classes), cells // len(classes), cells % len(classes), images)

    @classmethod
    def empty(cls) -> Confusion:
        """A matrix without classes and images."""
        nothing = np.zeros(0, dtype=np.int64)
        return cls((), nothing, nothing, nothing)

    @property
    def support(self) -> NDArray[np.int64]:
        """Images of each true class, K."""
        return np.bincount(self.true, self.images, len(self.classes)).astype(np.int64)

    def matrix(self) -> NDArray[np.int64]:
        """All cells, K×K: rows are true classes, columns predicted classes. For few classes."""
        whole = np.zeros((len(self.classes), len(self.classes)), dtype=np.int64)
        whole[self.true, self.predicted] = self.images
        return whole

    def rates(self, most: int) -> NDArray[np.float64]:
        """Cells as fractions of their row, for a picture of at most `most` pixels per side.

        With more classes, each pixel is the sum over a square of neighbouring cells.
        """
        number = len(self.classes)
        step = -(-number // most)
        side = -(-number // step)
        cells = self.true // step * side + self.predicted // step
        counts = np.bincount(cells, self.images, side * side).reshape(side, side)
        rates: NDArray[np.float64] = counts / self._sums(counts, step)
        return rates

    def _sums(self, counts: NDArray[Any], step: int) -> NDArray[np.float64]:
        """What the cells of a picture are fractions of, by row; `step` classes share a row."""
        sums: NDArray[np.float64] = counts.sum(axis=1, keepdims=True).clip(min=1)
        return sums

    @property
    def confused_pairs(self) -> int:
        """Number of cells off the diagonal."""
        return int((self.true != self.predicted).sum())

    def mistakes(self, most: int) -> list[Mistake]:
        """The largest cells off the diagonal; equal counts are ordered by their fraction of the true class."""
        wrong = np.flatnonzero(self.true != self.predicted)
        images, of = self.images[wrong], self.support[self.true[wrong]]
        order = np.lexsort((-images / of, -images))[:most]
        return [
            Mistake(
                self.classes[self.true[wrong[place]]],
                self.classes[self.predicted[wrong[place]]],
                int(images[place]),
                int(of[place]),
            )
            for place in order
        ]

    def cells(self) -> list[list[str | int]]:
        """As JSON types: true class, predicted class, images."""
        rows = zip(self.true.tolist(), self.predicted.tolist(), self.images.tolist(), strict=True)
        return [[self.classes[true], self.classes[predicted], images] for true, predicted, images in rows]
