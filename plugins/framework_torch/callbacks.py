"""Callbacks that need only the standard library."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from framework import Callback, RunFolder, hookimpl, replace_atomically


class CsvTable(Callback):
    """A row for each epoch in `metrics.csv` of the run folder, for a spreadsheet."""

    name = "csv"

    def build(self, run: RunFolder) -> Any:
        """The callback."""
        return CsvWriter(run.path / "metrics.csv")


class CsvWriter:
    """Writes the scalar metrics of each epoch; a resumed run replaces the rows of repeated epochs."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @hookimpl
    def epoch_end(self, step: int, epoch: int, metrics: Mapping[str, Any]) -> None:
        """Add the epoch's row."""
        row: dict[str, Any] = {
            "epoch": epoch,
            "step": step,
            "lr": metrics["lr"],
            "seconds": round(metrics["seconds"], 3),
        }
        for split in ("train", "validation"):
            of_split = metrics.get(split, {})
            row |= {f"{split}_{key}": value for key, value in of_split.items() if isinstance(value, float)}
        rows = [old for old in self._rows() if int(old["epoch"]) < epoch] + [row]
        replace_atomically(self.path, lambda temporary: _write(temporary, rows))

    def _rows(self) -> list[dict[str, Any]]:
        if not self.path.exists():
            return []
        with self.path.open(encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file))


def _write(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        columns = dict.fromkeys(key for row in (rows[-1], *rows) for key in row)
        writer = csv.DictWriter(file, columns)
        writer.writeheader()
        writer.writerows(rows)


CALLBACKS = (CsvTable,)
