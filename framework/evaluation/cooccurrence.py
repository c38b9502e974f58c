"""Which labels are predicted where others are true, for several labels per image."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from framework.evaluation.confusion import Confusion

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True)
class CoOccurrence(Confusion):
    """A confusion matrix for several labels per image.

    On the diagonal are the images whose label is predicted. Other cells are the images with the label of the row for
    which the label of the column is predicted wrongly. An image may be counted in several cells of a row, or in none.
    """

    true_counts: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    """Images with each label, K."""

    section: ClassVar[str] = "Co-occurrence"
    caption: ClassVar[str] = (
        "Of the images with each label (row), percentage and number for which the label itself is predicted (blue, on "
        "the diagonal) and for which another label is predicted wrongly (orange). An image may count in several cells."
    )
    pairs: ClassVar[tuple[str, str, str]] = ("Most frequent errors beside a label", "true label", "wrongly predicted")
    picture_title: ClassVar[str] = "% of the images with a label (row): label predicted, others wrongly (column)"
    title: ClassVar[str] = "co-occurrence: true label by predicted label"
    row: ClassVar[str] = "the images with the label"

    @classmethod
    def of_labels(cls, labels: NDArray[np.int64], predicted: NDArray[np.int64], classes: Sequence[str]) -> CoOccurrence:
        """Count true and predicted labels of N images, both N×K of 0 and 1."""
        cells = []
        for label in range(len(classes)):
            rows = labels[:, label] > 0
            counts = (predicted[rows] > labels[rows]).sum(axis=0)
            counts[label] = predicted[rows, label].sum()
            others = np.flatnonzero(counts)
            cells.append(np.stack([np.full(len(others), label), others, counts[others]]))
        true, columns, images = np.concatenate(cells, axis=1).astype(np.int64)
        return cls(tuple(classes), true, columns, images, labels.sum(axis=0))

    @property
    def support(self) -> NDArray[np.int64]:
        """Images with each label, K."""
        return self.true_counts

    def _sums(self, counts: NDArray[Any], step: int) -> NDArray[np.float64]:
        sums: NDArray[np.float64] = np.add.reduceat(self.support, np.arange(0, len(self.classes), step)).clip(min=1)
        return sums[:, None]
