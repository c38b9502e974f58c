"""The labels of a table: one class in a cell, several with a separator, or a column of numbers for each class."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from framework import UserError, did_you_mean, nfc

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Labelled(Protocol):
    """A row of a table."""

    @property
    def line(self) -> int:
        """Its line in the file."""

    @property
    def cells(self) -> tuple[str, ...]:
        """The cells of the columns with labels."""


class ClassNames:
    """One class in a cell, or any number of classes with a separator."""

    def __init__(self, column: str, separator: str | None) -> None:
        self.columns, self.separator = (column,), separator
        self.optional = () if separator is None else self.columns
        """Columns whose cells may be empty: images without labels."""

    def names(self, row: Labelled) -> list[str]:
        """The classes of a row, in NFC."""
        (cell,) = row.cells
        if self.separator is None:
            return [nfc(cell)]
        return [nfc(name.strip()) for name in cell.split(self.separator) if name.strip()]

    def classes(self, rows: Sequence[Labelled], given: Sequence[str] | None) -> tuple[str, ...]:
        """The names of all classes: those given, else all in the table, sorted."""
        return tuple(map(nfc, given or sorted({name for row in rows for name in self.names(row)})))

    def labels(self, rows: Sequence[Labelled], classes: Sequence[str], file: Path) -> Any:
        """Indices of the classes, or N×K of 0 and 1; raises `UserError` with the line of an unknown class."""
        label_of = {name: label for label, name in enumerate(classes)}
        found = [[self._label(name, label_of, f"{file}:{row.line}") for name in self.names(row)] for row in rows]
        if self.separator is None:
            return [label for (label,) in found]
        matrix = np.zeros((len(rows), len(classes)), dtype=np.int64)
        for image, labels in enumerate(found):
            matrix[image, labels] = 1
        return matrix

    def _label(self, name: str, label_of: dict[str, int], where: str) -> int:
        if name not in label_of:
            raise UserError(
                f"{where}: label '{name}' is not in dataset.classes{did_you_mean(name, label_of)} "
                f"(classes: {', '.join(label_of)})"
            )
        return label_of[name]


class Numbers:
    """A column for each class: 0 or 1, or votes."""

    def __init__(self, columns: Sequence[str]) -> None:
        self.columns = tuple(columns)
        self.optional: tuple[str, ...] = ()

    def classes(self, rows: Sequence[Labelled], given: Sequence[str] | None) -> tuple[str, ...]:
        """The names of the columns, or those given in the same order."""
        return tuple(map(nfc, given or self.columns))

    def labels(self, rows: Sequence[Labelled], classes: Sequence[str], file: Path) -> NDArray[np.float64]:
        """The numbers, N×K; raises `UserError` with the line of a cell that is not one."""
        return np.array([[self._number(row, cell, file) for cell in row.cells] for row in rows], dtype=np.float64)

    def _number(self, row: Labelled, cell: str, file: Path) -> float:
        try:
            number = float(cell)
        except ValueError:
            number = math.nan
        if math.isfinite(number) and number >= 0:
            return number
        column = self.columns[row.cells.index(cell)]
        raise UserError(f"{file}:{row.line}: '{column}' is '{cell}'; it must be a number of at least 0: 0, 1 or votes")
