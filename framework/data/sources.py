"""Image sources that plugins may return from `Dataset.build`."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from framework.data.decode import decode
from framework.data.stamps import Stamps, stamps_of
from framework.data.unicode_names import nfc
from framework.errors import UserError, count

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from framework.components import ImageSource


class Splits(dict[str, "ImageSource"]):
    """The splits of a dataset by name.

    `notes` are messages for the user: how folders were interpreted, what is not used.
    """

    def __init__(self, sources: Mapping[str, ImageSource], notes: Sequence[str] = ()) -> None:
        super().__init__(sources)
        self.notes = tuple(notes)


@dataclass(frozen=True)
class ImageFiles:
    """Images in files, decoded when read."""

    paths: Sequence[str | Path]
    labels: Sequence[int] | NDArray[Any]
    """N integers, or numbers N×K."""
    classes: Sequence[str]
    channels: int = 3
    root: Path | None = None
    """The dataset's folder: names of images below it are relative to it, so that they do not change when it moves."""

    @cached_property
    def names(self) -> Sequence[str]:
        """The paths, relative to `root` if they are below it, in NFC."""
        return [nfc(name) for name in self._relative()]

    def _relative(self) -> Sequence[str]:
        if self.root is None:
            return [str(path) for path in self.paths]
        # As text, because there may be a million: creating a `Path` takes longer than finding its file.
        root = os.fspath(self.root)
        before = "" if root == os.curdir else os.path.join(root, "")  # noqa: PTH118
        inside = [os.fspath(path).removeprefix(before) for path in self.paths]
        return inside if os.sep == "/" else [Path(path).as_posix() for path in inside]

    def __len__(self) -> int:
        return len(self.paths)

    def subset(self, indices: Sequence[int]) -> ImageFiles:
        """The images at these indices."""
        paths = [self.paths[index] for index in indices]
        return replace(self, paths=paths, labels=np.asarray(self.labels)[np.asarray(indices, dtype=np.int64)])

    def read(self, index: int) -> NDArray[np.uint8]:
        """The image as uint8 C×H×W; raises `BadImage`."""
        return decode(self.paths[index])

    def read_reduced(self, index: int, least: int) -> NDArray[np.uint8]:
        """The image; a large JPEG is decoded at a smaller size, at least `least` pixels a side. Raises `BadImage`."""
        return decode(self.paths[index], least=least)

    def file(self, index: int) -> Path:
        """The file of the image."""
        return Path(self.paths[index])

    def stamps(self, indices: Sequence[int]) -> Stamps:
        """Of these files. A subclass has its own stores, because it may read them differently."""
        reader = f"{type(self).__module__}.{type(self).__qualname__}"
        return Stamps.of_files(self.root or os.curdir, (self.paths[index] for index in indices), reader)


@dataclass(frozen=True)
class ImageArrays:
    """Images in memory: uint8 N×C×H×W."""

    images: NDArray[np.uint8]
    labels: Sequence[int] | NDArray[Any]
    """N integers, or numbers N×K."""
    classes: Sequence[str]
    prefix: str = "image"

    def __post_init__(self) -> None:
        if self.images.ndim != 4 or self.images.dtype != "uint8" or self.images.shape[1] not in (1, 3):
            raise UserError(
                "ImageArrays takes uint8 N×C×H×W with C 1 or 3; "
                f"given: {self.images.dtype} {'×'.join(map(str, self.images.shape))}"
            )
        if len(self.images) != len(self.labels):
            labels = count(len(self.labels), "label")
            raise UserError(
                f"ImageArrays takes one label for each image; given: {count(len(self.images), 'image')}, {labels}"
            )

    @property
    def channels(self) -> int:
        """1 or 3."""
        return int(self.images.shape[1])

    @property
    def names(self) -> Sequence[str]:
        """`prefix/000012`."""
        return [f"{self.prefix}/{index:06}" for index in range(len(self.images))]

    def __len__(self) -> int:
        return len(self.images)

    def read(self, index: int) -> NDArray[np.uint8]:
        """The image as uint8 C×H×W."""
        image: NDArray[np.uint8] = self.images[index]
        return image


@dataclass(frozen=True, eq=False)
class Selection:
    """Some images of another source, with their own labels.

    A selection of a selection is one of the original source: `indices` are composed.
    """

    source: ImageSource
    indices: NDArray[np.int64]
    labels: NDArray[Any]
    """N or N×K, of the selected images."""
    classes: Sequence[str]
    dropped: Sequence[str] = ()
    """Names of the images that the recipe's tables leave out."""

    def __post_init__(self) -> None:
        source, indices = self.source, np.asarray(self.indices, dtype=np.int64)
        if type(source) is Selection:  # a subclass may read images in its own way
            indices, source = source.indices[indices], source.source
        vars(self).update(source=source, indices=indices)

    @property
    def channels(self) -> int:
        """1 or 3."""
        return self.source.channels

    @cached_property
    def names(self) -> Sequence[str]:
        """The name of each image, in NFC."""
        names = self.source.names
        return [nfc(str(names[index])) for index in self.indices.tolist()]

    def __len__(self) -> int:
        return len(self.indices)

    def read(self, index: int) -> NDArray[np.uint8]:
        """The image as uint8 C×H×W; raises `BadImage`."""
        return self.source.read(int(self.indices[index]))

    def read_reduced(self, index: int, least: int) -> NDArray[np.uint8]:
        """The image, smaller if the source supports it, at least `least` pixels a side; raises `BadImage`."""
        return read_reduced(self.source, int(self.indices[index]), least)

    def file(self, index: int) -> Path | None:
        """The file of the image, if it has one."""
        return file_of(self.source, int(self.indices[index]))

    def stamps(self, indices: Sequence[int]) -> Stamps | None:
        """The stamps of these images, if the source has any."""
        return stamps_of(self.source, self.indices[np.asarray(indices, dtype=np.int64)].tolist())


def read_reduced(source: ImageSource, index: int, least: int) -> NDArray[np.uint8]:
    """Image `index` as uint8 C×H×W, smaller if the source supports it, at least `least` pixels a side."""
    reduced: Callable[[int, int], NDArray[np.uint8]] | None = getattr(source, "read_reduced", None)
    return source.read(index) if reduced is None else reduced(index, least)


def file_of(source: ImageSource, index: int) -> Path | None:
    """The file of image `index`, or None if images have no files of their own."""
    found: Callable[[int], Path | None] | None = getattr(source, "file", None)
    return found(index) if found else None
