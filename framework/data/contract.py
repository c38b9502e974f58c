"""Checks of the `ImageSource` contract: a mistake in a plugin is reported before training."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from framework.attribution import attributed_to, fault
from framework.data.decode import BadImage
from framework.data.depth import ValueRange, value_range
from framework.data.labels import as_array, renumbered
from framework.data.sources import Selection, read_reduced
from framework.data.unicode_names import nfc
from framework.errors import UserError, count, enumerate_names

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from framework.components import Dataset, ImageSource

RULE = "must return a numpy array uint8 C×H×W with C 1 or 3"
MEMBERS = ("classes", "labels", "names", "channels", "read", "__len__")


@dataclass(frozen=True, eq=False)
class DatasetSource(Selection):
    """A split as its dataset built it; errors name the dataset and its plugin."""

    dataset: Dataset = field(kw_only=True)

    def read(self, index: int) -> NDArray[np.uint8]:
        """The image as uint8 C×H×W; raises `BadImage`, and `ComponentFault` if the dataset fails."""
        with self._reading(index):
            return self._valid(index, super().read(index))

    def read_reduced(self, index: int, least: int) -> NDArray[np.uint8]:
        """The image, smaller if the source supports it, at least `least` pixels a side; raises as `read` does."""
        with self._reading(index):
            return self._valid(index, super().read_reduced(index, least))

    def _reading(self, index: int) -> AbstractContextManager[None]:
        return attributed_to(self.dataset, f"read() of image '{self.names[index]}'", passing=(BadImage,))

    def _valid(self, index: int, image: Any) -> NDArray[np.uint8]:
        if form := wrong_form(image):
            raise fault(self.dataset, f", image '{self.names[index]}': read() {RULE}; it returned {form}")
        valid: NDArray[np.uint8] = image
        return valid


def checked(dataset: Dataset, split: str, source: Any) -> ImageSource:
    """The same images with labels int64 N or float64 N×K, and names in NFC.

    Raises `ComponentFault` if a member is missing or raises, lengths differ, or labels do not match the classes;
    `UserError` if there are no images.
    """
    where = f", split '{split}'"
    missing = [name for name in MEMBERS if not hasattr(source, name)]
    if missing:
        raise fault(
            dataset,
            f"{where} lacks {', '.join(missing)}: an image source has classes, labels, names, channels, "
            "read(index) and a length",
        )
    with attributed_to(dataset, f"split '{split}'"):
        if wrong := _wrong_members(source):
            raise fault(dataset, f"{where}{wrong}")
        number, classes = len(source), tuple(source.classes)
        if number == 0:
            raise UserError(f"dataset '{dataset.name}', split '{split}' has no images")
        try:
            labels = as_array(source.labels, len(classes))
        except ValueError as error:
            raise fault(dataset, f"{where}{error}") from None
    names = tuple(dict.fromkeys(map(nfc, classes)))
    if len(names) < len(classes):
        position = {name: label for label, name in enumerate(names)}
        labels = renumbered(labels, [position[nfc(name)] for name in classes], len(names))
    return DatasetSource(source, np.arange(number), labels, names, dataset=dataset)


def read_image(
    source: ImageSource, index: int, name: str, least: int | None = None, values: ValueRange | None = None
) -> NDArray[np.uint8]:
    """Image `index` as uint8 C×H×W; `name` is used in messages.

    With `least`, the source may return a smaller image with at least that many pixels a side. Images with more than 8
    bits a sample are decoded with the range `values`.

    Raises `BadImage` as the source does, and `UserError` if it breaks its contract.
    """
    try:
        with value_range(values):
            image: Any = source.read(index) if least is None else read_reduced(source, index, least)
    except (BadImage, UserError):
        raise
    except Exception as error:
        raise UserError(
            f"image '{name}' cannot be read: {type(error).__name__}: {error}\n"
            "    (for an image that is damaged, a source's read() raises BadImage)"
        ) from error
    if form := wrong_form(image):
        raise UserError(f"image '{name}': read() {RULE}; it returned {form}")
    valid: NDArray[np.uint8] = image
    return valid


def wrong_form(image: Any) -> str | None:
    """A description of `image` unless it is uint8 C×H×W with C 1 or 3."""
    if not isinstance(image, np.ndarray):
        return type(image).__name__
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[0] not in (1, 3) or image.size == 0:
        return f"{image.dtype} {'×'.join(map(str, image.shape))}"
    return None


def _wrong_members(source: Any) -> str | None:
    """The error in classes, channels, lengths or labels, to follow the name of the split."""
    wrong = [name for name in source.classes if not isinstance(name, str)]
    if wrong:
        return f": class names must be strings; there is {wrong[0]!r}"
    if len(set(source.classes)) != len(source.classes):
        return f" names a class twice: {enumerate_names(source.classes)}"
    if source.channels not in (1, 3):
        return f" has channels {source.channels!r}; it must be 1 (grayscale) or 3 (RGB)"
    number = len(source)
    if number and (len(source.labels) != number or len(source.names) != number):
        labels, names = count(len(source.labels), "label"), count(len(source.names), "name")
        return f" has {count(number, 'image')}, {labels} and {names}"
    return None
