"""Every image of a split, brought to one size, with its label."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from framework.data.stores.building import Building
from framework.data.stores.refusal import BadImages, Refused
from framework.data.stores.storage import Storage

if TYPE_CHECKING:
    from torch import Tensor

    from framework.components import ImageSource
    from framework.data.decode import BadImage
    from framework.data.preprocess import Preprocessor
    from framework.data.stores.pixels import Pixels
    from framework.data.stores.survey import Survey

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Store:
    """Images at the network's size, labels int64 N, and the name of each image."""

    pixels: Pixels
    labels: Tensor
    names: tuple[str, ...]
    classes: tuple[str, ...]
    survey: Survey
    skipped: tuple[BadImage, ...] = ()
    reused: bool = False
    """Whether an earlier run had decoded them."""
    dropped: tuple[str, ...] = ()
    """Names of the images that a table of the recipe left out."""

    def __len__(self) -> int:
        return len(self.pixels)

    @property
    def class_counts(self) -> dict[str, int]:
        """Images of each class, in the order of the labels."""
        counts = torch.bincount(self.labels, minlength=len(self.classes)).tolist()
        return dict(zip(self.classes, counts, strict=True))

    def spread(self, number: int) -> Tensor:
        """Up to so many images uint8 N×C×H×W, in memory, evenly spread: sources are sorted by class, as a rule."""
        return self.pixels.at(torch.arange(0, len(self), -(-len(self) // number))).cpu()

    @property
    def hashes(self) -> Tensor:
        """Int64 N: the `pixel_hash` of each image, at the network's size."""
        return torch.from_numpy(self.survey.hashes.copy())

    def copies_of(self, other: Store) -> Tensor:
        """Which images are in `other` too, pixel by pixel at the network's size: bool N."""
        return torch.from_numpy(np.isin(self.survey.hashes, other.survey.hashes))

    def fingerprint(self) -> str:
        """SHA-256 that follows from pixels, their shape, labels, class names and image names; not from the place."""
        words = [self.pixels.shape, self.classes, self.names, self.survey.digest]
        digest = hashlib.sha256(json.dumps(words).encode())
        labels: Any = self.labels.numpy()
        digest.update(labels)
        return digest.hexdigest()


def build_store(
    source: ImageSource,
    preprocess: Preprocessor,
    on_bad_image: str = "error",
    progress: Progress | None = None,
    storage: Storage | None = None,
) -> Store:
    """Decode and resize every image of the source, or take what an earlier run kept of the same images.

    Images that cannot be read are all collected; then it raises `BadImages` with their list, or with `on_bad_image`
    "skip" leaves them out and keeps the list in `skipped`; none that can be read is an error either way. A source that
    breaks its contract is a `UserError` at once. `progress(done, total)` is called after every few images. `storage`
    says where pixels go; left out, into memory, and nothing is kept.
    """
    total, names = len(source), source.names

    def refuse(survey: Survey) -> None:
        if survey.bad and (on_bad_image == "error" or len(survey.bad) == total):
            raise BadImages({"": Refused(survey.bad_images(names), total)})

    report = progress or (lambda done, total: None)
    contents = Building(source, preprocess, storage or Storage(), report, refuse).contents()
    survey = contents.survey
    kept = survey.good(total)
    given = source.labels
    labels = torch.tensor([given[index] for index in kept], dtype=torch.int64)
    kept_names = tuple(names[index] for index in kept)
    skipped = survey.bad_images(names)
    dropped = tuple(getattr(source, "dropped", ()))
    return Store(contents.pixels, labels, kept_names, tuple(source.classes), survey, skipped, contents.reused, dropped)
