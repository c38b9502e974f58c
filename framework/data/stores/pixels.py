"""The pixels of a store, requested by index and returned as batches."""

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
Shape = tuple[int, int, int, int]
"""N×C×H×W."""


class Pixels(ABC):
    """Images uint8 C×H×W, numbered from 0."""

    place: Place
    shape: Shape

    @abstractmethod
    def batches(self, lists: Iterable[Tensor]) -> Iterator[Tensor]:
        """For each list of indices, int64 B, the images uint8 B×C×H×W, in the order requested.

        `lists` may be endless; it is consumed some batches ahead. Raises `UserError` if an image can no longer be read.
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
class HeldPixels(Pixels):
    """One tensor uint8 N×C×H×W: in memory, on the device, or mapped from a file."""

    images: Tensor
    place: Place

    @property
    def shape(self) -> Shape:  # type: ignore[override]
        """Of the tensor."""
        number, channels, height, width = self.images.shape
        return number, channels, height, width

    def batches(self, lists: Iterable[Tensor]) -> Iterator[Tensor]:
        """Each is gathered when it is requested, on the device of the tensor."""
        return (self.images.index_select(0, sent(indices, self.images.device)) for indices in lists)

    def in_order(self, batch_size: int) -> Iterator[Tensor]:
        """All images once, uint8 B×C×H×W, without a copy."""
        return iter(self.images.split(batch_size))
