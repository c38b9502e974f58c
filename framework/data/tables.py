"""Tables of image names: `dataset.drop` lists images to leave out, `dataset.keep` the only ones to use."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from framework.components import Dataset, ImageSource
from framework.data.labels import occurring
from framework.data.roots import find_data
from framework.data.sources import Selection
from framework.data.subset import COLUMN, full_names, read_rows
from framework.data.unicode_names import nfc
from framework.errors import UserError, did_you_mean, enumerate_names

HELD_OUT = ("test", "validation", "train")
"""Splits that are held out of one set of images unless the dataset provides them; a name that occurs twice in that set
is dropped from the last of these first."""
OPTIONS = ("keep", "drop")
Position = tuple[str, int]
"""A split and the index of an image in it."""


def find_table(dataset: Dataset, option: str) -> Path | None:
    """The file that `dataset.drop` or `dataset.keep` names; raises `UserError` if it does not exist."""
    path: Path | None = getattr(dataset, option)
    if path is None:
        return None
    file = find_data(path)
    if file is None or not file.is_file():
        raise UserError(
            f"dataset.{option}: there is no file '{path}', nor under $FRAMEWORK_DATA. "
            f"`framework data check RECIPE --csv FILE` writes one; a run folder has a copy, {option}.csv"
        )
    return file


def require_other_file(dataset: Dataset, file: Path, option: str) -> None:
    """Raise `UserError` if writing `file`, the value of `option`, would overwrite one of the dataset's tables."""
    for name in OPTIONS:
        table = find_table(dataset, name)
        if table is not None and file.exists() and file.samefile(table):
            raise UserError(
                f"{option} {file}: this is the table of dataset.{name}, which would be overwritten; name another file"
            )


def apply_tables(
    dataset: Dataset, splits: Mapping[str, ImageSource], provided: Collection[str]
) -> dict[str, ImageSource]:
    """The splits without the images that the dataset's tables leave out.

    `provided` are the names of the splits that the dataset provides; all others were held out of `train`, so that
    a table moves no image to another split. Each table may name images that the other one leaves out. Raises
    `UserError` if a table names images that do not exist, or a split or a class has no images left.
    """
    left_out: dict[str, set[int]] = {}
    tables = []
    for option in OPTIONS:
        file = find_table(dataset, option)
        if file is not None:
            tables.append(f"dataset.{option}: '{file}'")
            for pool in _pools(splits, provided, read_rows(file), option, tables[-1]):
                for split, index in pool.to_drop(option, tables[-1]):
                    left_out.setdefault(split, set()).add(index)
    where = " and ".join(tables)
    return {
        split: _without(source, left_out[split], where, split) if split in left_out else source
        for split, source in splits.items()
    }


@dataclass(frozen=True)
class _Pool:
    """Splits in which a name is searched together, and the names that a table lists for them."""

    splits: Mapping[str, ImageSource]
    listed: Counter[str] = field(default_factory=Counter)

    def to_drop(self, option: str, where: str) -> set[Position]:
        """The positions of the images to leave out."""
        positions = self._positions()
        named = self._full_names(positions, where)
        if option == "drop":
            return {position for name, number in named.items() for position in positions[name][-number:]}
        return {position for name, found in positions.items() if name not in named for position in found}

    def _positions(self) -> dict[str, list[Position]]:
        positions: dict[str, list[Position]] = {}
        for split, source in self.splits.items():
            for index, name in enumerate(source.names):
                positions.setdefault(nfc(str(name)), []).append((split, index))
        return positions

    def _full_names(self, known: Collection[str], where: str) -> Counter[str]:
        """How often each image is listed, by its full name."""
        full = full_names(self.listed, known, where, f"image of {enumerate_names(self.splits)}")
        names: Counter[str] = Counter()
        for name, number in self.listed.items():
            names[full[name]] += number
        return names


def _pools(
    splits: Mapping[str, ImageSource],
    provided: Collection[str],
    rows: Iterable[Mapping[str, str]],
    option: str,
    where: str,
) -> list[_Pool]:
    """The splits that the table refers to, with the names listed for them."""
    pool = [split for split in HELD_OUT if split == "train" or split not in provided]
    pools: dict[str, _Pool] = {}
    for row in rows:
        if "keep" in row and _kept(row, where) == (option == "drop"):
            continue
        split = nfc(row.get("split") or "train")
        if split in pool:
            members = {name: splits[name] for name in pool if name in splits}
            pools.setdefault("train", _Pool(members)).listed[row[COLUMN]] += 1
        elif split in splits:
            pools.setdefault(split, _Pool({split: splits[split]})).listed[row[COLUMN]] += 1
        elif split not in provided:
            known = [*splits, *pool]
            raise UserError(
                f"{where} names a split '{split}' that does not exist{did_you_mean(split, known)} "
                f"(splits: {', '.join(splits)})"
            )
    if option == "keep" and not pools:
        raise UserError(f"{where} names no image")
    return list(pools.values())


def _kept(row: Mapping[str, str], where: str) -> bool:
    value = row["keep"].strip().casefold()
    if value not in ("yes", "no"):
        raise UserError(f"{where}: the column 'keep' of '{row[COLUMN]}' is '{row['keep']}'; it must be yes or no")
    return value == "yes"


def _without(source: ImageSource, left_out: set[int], where: str, split: str) -> Selection:
    """The source without these images, if every class keeps at least one."""
    indices = np.array([index for index in range(len(source)) if index not in left_out], dtype=np.int64)
    all_labels, number = np.asarray(source.labels), len(source.classes)
    labels = all_labels[indices]
    gone = occurring(all_labels, number) & ~occurring(labels, number)
    lost = np.flatnonzero(gone).tolist() if split == "train" else []
    if not len(indices) or lost:
        names = enumerate_names([source.classes[label] for label in lost]) if len(indices) else "any class"
        raise UserError(f"{where}: no images of {names} are left in {split}")
    all_names = source.names
    dropped = (*getattr(source, "dropped", ()), *(str(all_names[index]) for index in sorted(left_out)))
    return Selection(source, indices, labels, source.classes, dropped)
