"""Several image sources as one, for datasets that consist of parts."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from framework.data.sources import file_of, read_reduced
from framework.data.stamps import Stamps

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from framework.components import ImageSource


@dataclass(frozen=True)
class Joined:
    """Several sources of the same classes and channels as one, in that order."""

    sources: Sequence[ImageSource]

    def __post_init__(self) -> None:
        if len({(tuple(source.classes), source.channels) for source in self.sources}) != 1:
            raise ValueError("Joined takes one source or more, all of the same classes and channels")

    @property
    def classes(self) -> Sequence[str]:
        """The class names of each source."""
        return self.sources[0].classes

    @property
    def channels(self) -> int:
        """The usual number of channels, 1 or 3."""
        return self.sources[0].channels

    @cached_property
    def labels(self) -> NDArray[Any]:
        """The labels of all images, N or N×K."""
        return np.concatenate([np.asarray(source.labels) for source in self.sources])

    @cached_property
    def names(self) -> Sequence[str]:
        """The name of each image."""
        return [name for source in self.sources for name in source.names]

    def __len__(self) -> int:
        return self._ends[-1]

    def read(self, index: int) -> NDArray[np.uint8]:
        """The image as uint8 C×H×W; raises `BadImage`."""
        source, inside = self._place(index)
        return source.read(inside)

    def read_reduced(self, index: int, least: int) -> NDArray[np.uint8]:
        """The image, smaller if its source supports it, at least `least` pixels a side; raises `BadImage`."""
        return read_reduced(*self._place(index), least)

    def file(self, index: int) -> Path | None:
        """The file of the image, if it has one."""
        return file_of(*self._place(index))

    def stamps(self, indices: Sequence[int]) -> Stamps | None:
        """The stamps of these images; None if one of the sources has none."""
        stamps = Stamps.joined(self.sources)
        return None if stamps is None else stamps.of(indices)

    def _place(self, index: int) -> tuple[ImageSource, int]:
        part = bisect_right(self._ends, index)
        return self.sources[part], index - (self._ends[part - 1] if part else 0)

    @cached_property
    def _ends(self) -> Sequence[int]:
        return list(accumulate(len(source) for source in self.sources))
