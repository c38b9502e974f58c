"""Images that a recipe leaves out, or uses alone, by a table of their names: `dataset.drop` and `dataset.keep`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from framework.data.roots import find_data
from framework.data.sources import Selection
from framework.data.subset import COLUMN, SHOWN, read_rows
from framework.errors import UserError, count, did_you_mean, enumerate_names

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

    Shares are held out before: the other images stay in the split where they are without a table. Raises `UserError`
    where a table names images that are not there, or leaves a split or a class without images.
    """
    left = dict(splits)
    for option in OPTIONS:
        file = find_table(dataset, option)
        if file is not None:
            where = f"dataset.{option}: '{file}'"
            for wholes in _wholes(left, own, read_rows(file), option, where):
                left |= wholes.without(wholes.to_drop(option, where), where)
    return left


@dataclass(frozen=True)
class _Whole:
    """Splits in which a name is looked for together, and the names that a table has for them."""

    splits: Mapping[str, ImageSource]
    wanted: Counter[str] = field(default_factory=Counter)

    def to_drop(self, option: str, where: str) -> set[Place]:
        """The places of the images that go."""
        places = self._places()
        if option == "drop":
            return {place for full, number in self._full_names(where).items() for place in places[full][-number:]}
        kept = self._full_names(where)
        return {place for full, found in places.items() if full not in kept for place in found}

    def without(self, gone: set[Place], where: str) -> dict[str, ImageSource]:
        """The splits without these images."""
        by_split: dict[str, set[int]] = {}
        for split, index in gone:
            by_split.setdefault(split, set()).add(index)
        return {
            split: _less(source, by_split[split], where, split)
            for split, source in self.splits.items()
            if split in by_split
        }

    def _places(self) -> dict[str, list[Place]]:
        places: dict[str, list[Place]] = {}
        for split, source in self.splits.items():
            for index, name in enumerate(source.names):
                places.setdefault(str(name), []).append((split, index))
        return places

    def _full_names(self, where: str) -> Counter[str]:
        """The names as the sources have them; raises `UserError` for those that no image or more than one has."""
        known = [str(name) for source in self.splits.values() for name in source.names]
        full = set(known)
        if self.wanted.keys() <= full:
            return self.wanted
        by_last: dict[str, set[str]] = {}
        for name in full:
            by_last.setdefault(PurePosixPath(name).name, set()).add(name)
        unknown = [name for name in self.wanted if name not in full and name not in by_last]
        if unknown:
            shown = ", ".join(f"'{name}'{did_you_mean(name, [*by_last, *full])}" for name in unknown[:SHOWN])
            raise UserError(
                f"{where} has {count(len(unknown), 'name')} that no image of {enumerate_names(self.splits)} has: "
                f"{shown}"
            )
        names: Counter[str] = Counter()
        for name, number in self.wanted.items():
            meant = {name} if name in full else by_last[name]
            if len(meant) > 1:
                raise UserError(f"{where}: {len(meant)} images are called '{name}'; name them with their folder")
            names[next(iter(meant))] += number
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
        split = row.get("split") or "train"
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
        raise UserError(f"{where} leaves no images of {names} in {split}")
    names_ = source.names
    dropped = (*getattr(source, "dropped", ()), *(str(names_[index]) for index in sorted(gone)))
    return Selection(source, indices, labels, source.classes, dropped)
