"""Every image of a split at one size, with its label."""

from __future__ import annotations

import hashlib
import json
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import torch

from framework.components import Task
from framework.data.labels import counts_of
from framework.data.uploading import sent
from framework.registry import default_task

if TYPE_CHECKING:
    from torch import Tensor

    from framework.data.decode import BadImage
    from framework.data.stores.survey import Survey

Place = Literal["device", "memory", "disk", "stream"]
Shape = tuple[int, int, int, int]
"""N×C×H×W."""


class Pixels(ABC):
    """Images uint8 C×H×W, numbered from 0, requested by index and returned as batches."""

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


class HeldPixels(Pixels):
    """One tensor uint8 N×C×H×W: in memory, on the device, or mapped from a file."""

    def __init__(self, images: Tensor, place: Place) -> None:
        number, channels, height, width = images.shape
        self.images, self.place, self.shape = images, place, (number, channels, height, width)

    def batches(self, lists: Iterable[Tensor]) -> Iterator[Tensor]:
        """Each is gathered when it is requested, on the device of the tensor."""
        return (self.images.index_select(0, sent(indices, self.images.device)) for indices in lists)

    def in_order(self, batch_size: int) -> Iterator[Tensor]:
        """All images once, uint8 B×C×H×W, without a copy."""
        return iter(self.images.split(batch_size))


@dataclass(frozen=True)
class Store:
    """Images at the size that the network sees, their labels and names."""

    pixels: Pixels
    labels: Tensor
    """Int64 N or float32 N×K, in the form of the task."""
    names: tuple[str, ...]
    classes: tuple[str, ...]
    survey: Survey
    skipped: tuple[BadImage, ...] = ()
    reused: bool = False
    """Whether it was loaded from the cache."""
    dropped: tuple[str, ...] = ()
    """Names of the images that the recipe's tables leave out."""
    task: Task = field(default_factory=default_task)

    def __len__(self) -> int:
        return len(self.pixels)

    @property
    def class_counts(self) -> dict[str, float]:
        """Images of each class, in the order of the labels; of soft labels, the sum of the fractions."""
        return dict(zip(self.classes, counts_of(self.labels.numpy(), len(self.classes)), strict=True))

    @property
    def label_names(self) -> list[tuple[str, ...]]:
        """The names of the labels of each image."""
        return self.task.label_names(self.labels.numpy(), self.classes)

    def spread(self, number: int) -> Tensor:
        """Every k-th image, up to `number` of them, uint8 N×C×H×W in memory: most sources are sorted by class."""
        return self.pixels.at(torch.arange(0, len(self), -(-len(self) // number))).cpu()

    @property
    def hashes(self) -> Tensor:
        """Int64 N: the `pixel_hash` of each image."""
        return torch.from_numpy(self.survey.hashes.copy())

    def copies_of(self, other: Store) -> Tensor:
        """Which images have the same pixels as one of `other`: bool N."""
        return torch.from_numpy(np.isin(self.survey.hashes, other.survey.hashes))

    def fingerprint(self) -> str:
        """SHA-256 of pixels, their shape, labels, class names and image names, wherever they are."""
        words = [self.pixels.shape, self.classes, self.names, self.survey.digest]
        digest = hashlib.sha256(json.dumps(words).encode())
        labels: Any = self.labels.numpy()
        digest.update(labels)
        return digest.hexdigest()
