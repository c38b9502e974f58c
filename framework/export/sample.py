"""The images that a run and its export are compared on: real files, decoded as the run decodes them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from framework.data.decode import quiet_decoding
from framework.data.depth import ValueRange, value_range
from framework.data.folders import class_folders, class_tree, sorted_files
from framework.data.sources import ImageFiles, read_reduced
from framework.data.spacing import evenly_spaced
from framework.data.splits import build_splits, find_split
from framework.data.unicode_names import nfc
from framework.errors import UserError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from framework.components import ImageSource
    from framework.recipe.sections import Recipe


@dataclass(frozen=True)
class Sample:
    """Some images of a source."""

    label: str
    """Where they are from, for people."""
    source: ImageSource
    indices: Sequence[int]
    labelled: bool
    values: ValueRange | None = None
    """Of images with more than 8 bits a sample, as `decode` takes it."""

    def __len__(self) -> int:
        return len(self.indices)

    @property
    def names(self) -> list[str]:
        """Of the images."""
        names = self.source.names
        return [names[index] for index in self.indices]

    @property
    def labels(self) -> list[int] | None:
        """Indices of the true classes, or None where they are not known."""
        labels = self.source.labels
        return [labels[index] for index in self.indices] if self.labelled else None

    def images(self, least: int | None) -> Iterator[NDArray[np.uint8]]:
        """Uint8 C×H×W one by one, as `decode` gives them; `least` as there. Raises `BadImage`."""
        for index in self.indices:
            with quiet_decoding(), value_range(self.values):
                image = self.source.read(index) if least is None else read_reduced(self.source, index, least)
            yield image

    def picked(self, places: Sequence[int]) -> Sample:
        """Those at these places of it."""
        return replace(self, indices=[self.indices[place] for place in places])


def find_sample(recipe: Recipe, classes: Sequence[str], asked: str | None, number: int) -> Sample:
    """Up to `number` images, evenly spread, of a folder or a split; by default of validation, or test where none is.

    What is both is the split: `./test` is the folder. Raises `UserError` where the data is not here, saying how to
    point to it.
    """
    if asked is not None and Path(asked).is_dir() and not _is_split(recipe, classes, asked):
        return _of_folder(Path(asked), classes, number)
    return split_sample(recipe, classes, asked, number)


def _is_split(recipe: Recipe, classes: Sequence[str], asked: str) -> bool:
    """Of data that is here."""
    try:
        return asked == Path(asked).name and asked in build_splits(recipe.dataset, classes)
    except UserError:
        return False


def split_sample(recipe: Recipe, classes: Sequence[str], asked: str | None, number: int) -> Sample:
    """The same of a split alone."""
    try:
        splits = build_splits(recipe.dataset, classes)
    except UserError as error:
        raise UserError(
            f"{error}\n"
            "    An export is compared with its run on real images. Point to them: dataset.root=DIR;\n"
            "    or to a folder of any images: --parity-on DIR; or export without comparing: --parity 0"
        ) from None
    name = asked or next((split for split in ("validation", "test") if split in splits), "train")
    return _spread(f"split '{name}' of dataset '{recipe.dataset.name}'", find_split(splits, name), True, number)


def _of_folder(folder: Path, classes: Sequence[str], number: int) -> Sample:
    """Labelled where all its sub-folders with images are classes of the run."""
    found = class_folders(folder)
    if found and set(map(nfc, found)) <= set(classes):
        return _spread(f"folder '{folder}'", class_tree(folder, classes), True, number)
    paths = sorted_files(folder)
    if not paths:
        raise UserError(f"--parity-on: the folder '{folder}' has no images")
    return _spread(f"folder '{folder}'", ImageFiles(paths, [0] * len(paths), classes), False, number)


def _spread(label: str, source: ImageSource, labelled: bool, number: int) -> Sample:
    return Sample(label, source, evenly_spaced(len(source), number).tolist(), labelled)
