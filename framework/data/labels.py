"""Labels of a split as one array: int64 N (the class of each image) or N×K (a number for each image and class)."""

from __future__ import annotations

import operator
import reprlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


def as_array(labels: Any, classes: int) -> NDArray[Any]:
    """The labels as int64 N or float64 N×K; raises `ValueError` with what is wrong, to follow the name of the split.

    Whether the values of a matrix are valid is decided by the task.
    """
    if isinstance(labels, np.ndarray) and labels.ndim == 1 and labels.dtype.kind in "iu":
        indices = np.asarray(labels, dtype=np.int64)
    elif (matrix := _matrix(labels, classes)) is not None:
        return matrix
    else:
        indices = np.array([_index(label) for label in labels], dtype=np.int64)
    low, high = int(indices.min()), int(indices.max())
    if low < 0 or high >= classes:
        raise ValueError(f" has labels from {low} to {high} for {classes} classes (labels start at 0)")
    return indices


def occurring(labels: NDArray[Any], classes: int) -> NDArray[np.bool_]:
    """Bool K: which classes occur."""
    if labels.ndim == 1:
        return np.bincount(labels, minlength=classes) > 0
    return np.asarray((labels > 0).any(axis=0))


def counts_of(labels: NDArray[Any], classes: int) -> list[float]:
    """Images of each class, K numbers: whole ones unless labels are soft."""
    counts: list[float] = (
        np.bincount(labels, minlength=classes) if labels.ndim == 1 else labels.sum(axis=0, dtype=np.float64)
    ).tolist()
    return [int(number) if number == int(number) else round(number, 6) for number in counts]


def renumbered(labels: NDArray[Any], position: Sequence[int], classes: int) -> NDArray[Any]:
    """The labels with class i as class `position[i]` of `classes`; classes with -1 must not occur.

    Columns of classes that become one are added.
    """
    if labels.ndim == 1:
        moved: NDArray[Any] = np.asarray(position, dtype=np.int64)[labels]
        return moved
    matrix = np.zeros((len(labels), classes), dtype=labels.dtype)
    for column, place in enumerate(position):
        if place >= 0:
            matrix[:, place] += labels[:, column]
    return matrix


def _matrix(labels: Any, classes: int) -> NDArray[np.float64] | None:
    """Float64 N×K; None unless the labels are a number for each image and class."""
    if isinstance(labels, np.ndarray):
        if labels.ndim != 2:
            return None
    elif not all(hasattr(row, "__len__") and not isinstance(row, str) for row in labels):
        return None
    try:
        matrix = np.asarray(labels, dtype=np.float64)
    except (TypeError, ValueError):
        return None
    if matrix.ndim != 2:
        return None
    if matrix.shape[1] != classes:
        form = "×".join(map(str, matrix.shape))
        raise ValueError(f": labels that are numbers for each class must have a column for each; shape {form}")
    return matrix


def _index(label: Any) -> int:
    try:
        return operator.index(label)
    except TypeError:
        raise ValueError(
            ": labels must be whole numbers that index into classes, or an array with a number for each image and "
            f"class; there is {reprlib.repr(label)}"
        ) from None
