"""Every image of a split at one size, with its label."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

if TYPE_CHECKING:
    from torch import Tensor

    from framework.data.decode import BadImage
    from framework.data.stores.pixels import Pixels
    from framework.data.stores.survey import Survey


@dataclass(frozen=True)
class Store:
    """Images at the size that the network sees, labels int64 N, and the name of each image."""

    pixels: Pixels
    labels: Tensor
    names: tuple[str, ...]
    classes: tuple[str, ...]
    survey: Survey
    skipped: tuple[BadImage, ...] = ()
    reused: bool = False
    """Whether it was loaded from the cache."""
    dropped: tuple[str, ...] = ()
    """Names of the images that the recipe's tables leave out."""

    def __len__(self) -> int:
        return len(self.pixels)

    @property
    def class_counts(self) -> dict[str, int]:
        """Images of each class, in the order of the labels."""
        counts = torch.bincount(self.labels, minlength=len(self.classes)).tolist()
        return dict(zip(self.classes, counts, strict=True))

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
