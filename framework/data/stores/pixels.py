"""The pixels of a store, wherever they are: asked for by index, given as batches."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import torch

from framework.data.uploading import sent

if TYPE_CHECKING:
    from torch import Tensor

Place = Literal["device", "memory", "disk", "stream"]


class Pixels(ABC):
    """Images uint8 C×H×W, numbered from 0."""

    place: Place
    shape: tuple[int, int, int, int]
    """N×C×H×W."""

    @abstractmethod
    def batches(self, lists: Iterable[Tensor]) -> Iterator[Tensor]:
        """For each list of indices, int64 B, those images, uint8 B×C×H×W, in the order asked for.

        `lists` may be endless; it is looked at some batches ahead of what was taken. Raises `UserError` where an image
        cannot be read any more.
        """

    def __len__(self) -> int:
        return self.shape[0]

    def in_order(self, batch_size: int) -> Iterator[Tensor]:
        """All images once, uint8 B×C×H×W."""
        return self.batches(torch.arange(len(self)).split(batch_size))

    def at(self, indices: Tensor) -> Tensor:
        """These images, uint8 B×C×H×W."""
        return next(self.batches([indices]))


@dataclass(frozen=True, eq=False)
class Held(Pixels):
    """In one tensor uint8 N×C×H×W: in memory, on the device, or a file that the system reads where it is looked at."""

    images: Tensor
    place: Place

    @property
    def shape(self) -> tuple[int, int, int, int]:  # type: ignore[override]
        """N×C×H×W."""
        number, channels, height, width = self.images.shape
        return number, channels, height, width

    def batches(self, lists: Iterable[Tensor]) -> Iterator[Tensor]:
        """Each is gathered when it is asked for; it is where the tensor is."""
        return (self.images.index_select(0, sent(indices, self.images.device)) for indices in lists)

    def in_order(self, batch_size: int) -> Iterator[Tensor]:
        """All images once, uint8 B×C×H×W, without a copy."""
        return iter(self.images.split(batch_size))
