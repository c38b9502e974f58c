"""Image sources that plugins may return from `Dataset.build`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from framework.data.decode import decode
from framework.errors import UserError

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from framework.components import ImageSource


@dataclass(frozen=True)
class ImageFiles:
    """Images in files, decoded when read."""

    paths: Sequence[Path]
    labels: Sequence[int]
    classes: Sequence[str]
    channels: int = 3
    root: Path | None = None
    """Where given, names are relative to it."""

    @cached_property
    def names(self) -> Sequence[str]:
        """The paths, relative to `root`."""
        if self.root is None:
            return [str(path) for path in self.paths]
        return [path.relative_to(self.root).as_posix() for path in self.paths]

    def __len__(self) -> int:
        return len(self.paths)

    def read(self, index: int) -> NDArray[np.uint8]:
        """The image as uint8 C×H×W; raises `BadImage`."""
        return decode(self.paths[index])


@dataclass(frozen=True)
class ImageArrays:
    """Images that are in memory already: uint8 N×C×H×W."""

    images: NDArray[np.uint8]
    labels: Sequence[int]
    classes: Sequence[str]
    prefix: str = "image"

    def __post_init__(self) -> None:
        if self.images.ndim != 4 or self.images.dtype != "uint8" or self.images.shape[1] not in (1, 3):
            raise UserError(
                "ImageArrays takes uint8 N×C×H×W with C 1 or 3; "
                f"it was given {self.images.dtype} {'×'.join(map(str, self.images.shape))}"
            )
        if len(self.images) != len(self.labels):
            raise UserError(f"ImageArrays was given {len(self.images)} images and {len(self.labels)} labels")

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


@dataclass(frozen=True)
class Selection:
    """Some images of another source, with labels of their own."""

    source: ImageSource
    indices: Sequence[int]
    labels: Sequence[int]
    classes: Sequence[str]

    @property
    def channels(self) -> int:
        """As the source."""
        return self.source.channels

    @cached_property
    def names(self) -> Sequence[str]:
        """As in the source."""
        names = self.source.names
        return [str(names[index]) for index in self.indices]

    def __len__(self) -> int:
        return len(self.indices)

    def read(self, index: int) -> NDArray[np.uint8]:
        """The image as uint8 C×H×W; raises `BadImage`."""
        return self.source.read(self.indices[index])
