"""The images that a run and its export are compared on: real files, decoded as the run decodes them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from framework.data.decode import quiet_decoding
from framework.data.depth import ValueRange, value_range
from framework.data.folders import class_folders, class_tree, sorted_files
from framework.data.sources import ImageFiles, read_reduced
from framework.data.spacing import evenly_spaced
from framework.data.splits import build_splits, find_split, labelled
from framework.data.unicode_names import nfc
from framework.errors import UserError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from framework.components import ImageSource, Task
    from framework.recipe.sections import Recipe


@dataclass(frozen=True)
class Sample:
    """Some images of a source."""

    label: str
    """What messages call it."""
    source: ImageSource
    indices: Sequence[int]
    labelled: bool
    values: ValueRange | None = None
    """For images with more than 8 bits per sample, as `decode` takes it."""

    def __len__(self) -> int:
        return len(self.indices)

    @property
    def names(self) -> list[str]:
        """The names of the images."""
        names = self.source.names
        return [names[index] for index in self.indices]

    @property
    def labels(self) -> NDArray[Any] | None:
        """The labels of the images, N or N×K as in the source, or None if they are not known."""
        return np.asarray(self.source.labels)[list(self.indices)] if self.labelled else None

    def read(self, place: int, least: int | None = None) -> NDArray[np.uint8]:
        """The decoded image at that position, uint8 C×H×W; `least` as in `decode`. Raises `BadImage`."""
        index = self.indices[place]
        with quiet_decoding(), value_range(self.values):
            return self.source.read(index) if least is None else read_reduced(self.source, index, least)

    def images(self, least: int | None = None) -> Iterator[NDArray[np.uint8]]:
        """All images, as `read` returns them."""
        return (self.read(place, least) for place in range(len(self)))

    def selected(self, places: Sequence[int]) -> Sample:
        """The images at these positions."""
        return replace(self, indices=[self.indices[place] for place in places])


def find_sample(recipe: Recipe, classes: Sequence[str], requested: str | None, number: int) -> Sample:
    """Up to `number` images, evenly spread, of a split or folder; by default of validation, or else test.

    If a split and a folder have that name, the split is used; `./test` is the folder. Raises `UserError` if the
    dataset is missing.
    """
    if requested is not None and Path(requested).is_dir() and not _is_split(recipe, classes, requested):
        return _of_folder(Path(requested), classes, number, recipe.task)
    return split_sample(recipe, classes, requested, number)


def _is_split(recipe: Recipe, classes: Sequence[str], requested: str) -> bool:
    try:
        return requested == Path(requested).name and requested in build_splits(recipe.dataset, classes, recipe.task)
    except UserError:
        return False


def split_sample(recipe: Recipe, classes: Sequence[str], requested: str | None, number: int) -> Sample:
    """As `find_sample`, of a split only."""
    try:
        splits = build_splits(recipe.dataset, classes, recipe.task)
    except UserError as error:
        raise UserError(
            f"{error}\n"
            "    An export is compared with its run on real images. Give their folder: dataset.root=DIR;\n"
            "    or a folder of any images: --parity-on DIR; or export without the comparison: --parity 0"
        ) from None
    name = requested or next((split for split in ("validation", "test") if split in splits), "train")
    return _spread(f"split '{name}' of dataset '{recipe.dataset.name}'", find_split(splits, name), True, number)


def _of_folder(folder: Path, classes: Sequence[str], number: int, task: Task) -> Sample:
    """Labelled if all its sub-folders with images are named after classes of the run."""
    found = class_folders(folder)
    if found and set(map(nfc, found)) <= set(classes):
        return _spread(f"folder '{folder}'", labelled(class_tree(folder, classes), task), True, number)
    paths = sorted_files(folder)
    if not paths:
        raise UserError(f"--parity-on: the folder '{folder}' has no images")
    return _spread(f"folder '{folder}'", ImageFiles(paths, [0] * len(paths), classes), False, number)


def _spread(label: str, source: ImageSource, has_labels: bool, number: int) -> Sample:
    return Sample(label, source, evenly_spaced(len(source), number).tolist(), has_labels)
