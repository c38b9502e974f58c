"""Images that a recipe leaves out, or uses alone, by a table of their names: `dataset.drop` and `dataset.keep`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from framework.data.roots import find_data
from framework.data.sources import Selection
from framework.data.subset import COLUMN, full_names, read_rows
from framework.data.unicode_names import nfc
from framework.errors import UserError, did_you_mean, enumerate_names

if TYPE_CHECKING:
    from framework.components import Dataset, ImageSource

HELD_OUT = ("test", "validation", "train")
"""Splits that are parts of one whole unless the dataset has them as its own; a name that the whole has twice is dropped
from the last of these first."""
OPTIONS = ("keep", "drop")
Place = tuple[str, int]
"""A split, and where in it an image is."""


def find_table(dataset: Dataset, option: str) -> Path | None:
    """The file that `dataset.drop` or `dataset.keep` names; raises `UserError` where it is not there."""
    given: Path | None = getattr(dataset, option)
    if given is None:
        return None
    file = find_data(given)
    if file is None or not file.is_file():
        raise UserError(
            f"dataset.{option}: there is no file '{given}', nor under $FRAMEWORK_DATA. "
            f"`framework data check RECIPE --csv FILE` writes one; a run keeps its own as {option}.csv"
        )
    return file


def require_other_file(dataset: Dataset, file: Path, option: str) -> None:
    """Raise `UserError` where writing `file`, which `option` asks for, would overwrite one of the dataset's tables."""
    for name in OPTIONS:
        table = find_table(dataset, name)
        if table is not None and file.exists() and file.samefile(table):
            raise UserError(
                f"{option} {file}: that is the table of dataset.{name}, and would be lost; name another file"
            )


def apply_tables(dataset: Dataset, splits: Mapping[str, ImageSource], own: Collection[str]) -> dict[str, ImageSource]:
    """The splits without what the dataset's tables leave out; `own` are the splits that the dataset itself has.

    Shares are held out before: the other images stay in the split where they are without a table. Each table may name
    what the other one leaves out. Raises `UserError` where a table names images that are not there, or where a split or
    a class has no images left.
    """
    gone: dict[str, set[int]] = {}
    tables = []
    for option in OPTIONS:
        file = find_table(dataset, option)
        if file is not None:
            tables.append(f"dataset.{option}: '{file}'")
            for whole in _wholes(splits, own, read_rows(file), option, tables[-1]):
                for split, index in whole.to_drop(option, tables[-1]):
                    gone.setdefault(split, set()).add(index)
    where = " and ".join(tables)
    return {
        split: _less(source, gone[split], where, split) if split in gone else source for split, source in splits.items()
    }


@dataclass(frozen=True)
class _Whole:
    """Splits in which a name is looked for together, and the names that a table has for them."""

    splits: Mapping[str, ImageSource]
    wanted: Counter[str] = field(default_factory=Counter)

    def to_drop(self, option: str, where: str) -> set[Place]:
        """The places of the images that go."""
        places = self._places()
        named = self._full_names(places, where)
        if option == "drop":
            return {place for name, number in named.items() for place in places[name][-number:]}
        return {place for name, found in places.items() if name not in named for place in found}

    def _places(self) -> dict[str, list[Place]]:
        places: dict[str, list[Place]] = {}
        for split, source in self.splits.items():
            for index, name in enumerate(source.names):
                places.setdefault(nfc(str(name)), []).append((split, index))
        return places

    def _full_names(self, known: Collection[str], where: str) -> Counter[str]:
        """What is wanted, by the names that the sources have."""
        full = full_names(self.wanted, known, where, f"image of {enumerate_names(self.splits)}")
        names: Counter[str] = Counter()
        for name, number in self.wanted.items():
            names[full[name]] += number
        return names


def _wholes(
    splits: Mapping[str, ImageSource], own: Collection[str], rows: Iterable[Mapping[str, str]], option: str, where: str
) -> list[_Whole]:
    """What the table speaks of, with the names that it has for that."""
    pool = [split for split in HELD_OUT if split == "train" or split not in own]
    wholes: dict[str, _Whole] = {}
    for row in rows:
        if "keep" in row and _kept(row, where) == (option == "drop"):
            continue
        split = nfc(row.get("split") or "train")
        if split in pool:
            members = {name: splits[name] for name in pool if name in splits}
            wholes.setdefault("train", _Whole(members)).wanted[row[COLUMN]] += 1
        elif split in splits:
            wholes.setdefault(split, _Whole({split: splits[split]})).wanted[row[COLUMN]] += 1
        elif split not in own:
            known = [*splits, *pool]
            raise UserError(
                f"{where} speaks of a split '{split}' that is not there{did_you_mean(split, known)} "
                f"(splits: {', '.join(splits)})"
            )
    if option == "keep" and not wholes:
        raise UserError(f"{where} names no image")
    return list(wholes.values())


def _kept(row: Mapping[str, str], where: str) -> bool:
    said = row["keep"].strip().casefold()
    if said not in ("yes", "no"):
        raise UserError(f"{where}: the column 'keep' of '{row[COLUMN]}' says '{row['keep']}'; it must be yes or no")
    return said == "yes"


def _less(source: ImageSource, gone: set[int], where: str, split: str) -> Selection:
    """The source without these images, if every class that it had stays."""
    indices = [index for index in range(len(source)) if index not in gone]
    labels: Sequence[int] = [source.labels[index] for index in indices]
    lost = sorted({*source.labels}.difference(labels)) if split == "train" else []
    if not indices or lost:
        names = enumerate_names([source.classes[label] for label in lost]) if indices else "any class"
        raise UserError(f"{where}: no images of {names} are left in {split}")
    names_ = source.names
    dropped = (*getattr(source, "dropped", ()), *(str(names_[index]) for index in sorted(gone)))
    return Selection(source, indices, labels, source.classes, dropped)
