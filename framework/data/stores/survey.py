"""Decodes all images of a source once and collects all facts about them."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from framework.data.ahead import in_order
from framework.data.contract import read_image
from framework.data.decode import BadImage, quiet_decoding
from framework.data.depth import DeepValues, deep_values
from framework.data.hashes import pixel_hash
from framework.data.preprocess import level_counts

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    from framework.components import ImageSource
    from framework.data.preprocess import Preprocessor

CHUNK = 64
"""Images that a thread decodes at a time, …"""
CHUNK_BYTES = 4_000_000
"""… unless they take more bytes than this after resizing."""

Progress = Callable[[int, int], None]
"""Called with (images done, images in total)."""


@dataclass(frozen=True)
class Survey:
    """Of the images of a source, at the size of the store."""

    bad: dict[int, str]
    """The reason for each image that cannot be used, by its index in the source."""
    counts: Tensor
    """Histogram of the pixel values of the usable images: int64 C×256."""
    hashes: NDArray[np.int64]
    """The `pixel_hash` of each usable image: copies have the same one."""
    digest: str = ""
    """SHA-256 of the pixels of the usable images, in order."""
    cut_away: float = 0.0
    """Mean fraction of an image that `fit` crops."""
    deep: DeepValues = field(default_factory=DeepValues)
    """Range of the images with more than 8 bits a sample."""

    def bad_images(self, names: Sequence[str]) -> tuple[BadImage, ...]:
        """The images that cannot be used, with their names."""
        return tuple(BadImage(names[index], reason) for index, reason in self.bad.items())

    def as_dict(self) -> dict[str, Any]:
        """As JSON types; hashes as base64, which is half as long as digits."""
        hashes = base64.b64encode(self.hashes.astype("<i8").tobytes()).decode()
        plain = {"bad": [*self.bad.items()], "counts": self.counts.tolist(), "hashes": hashes}
        return {**vars(self), **plain, "deep": asdict(self.deep)}

    @classmethod
    def from_dict(cls, saved: dict[str, Any]) -> Survey:
        """The inverse of `as_dict`."""
        hashes = np.frombuffer(base64.b64decode(saved["hashes"]), dtype="<i8").astype(np.int64)
        counts, deep = torch.tensor(saved["counts"], dtype=torch.int64), DeepValues(**saved["deep"])
        return cls(dict(saved["bad"]), counts, hashes, saved["digest"], saved["cut_away"], deep)


def decode_all(
    source: ImageSource,
    preprocess: Preprocessor,
    consume: Callable[[Tensor], None],
    before: Callable[[Sequence[int]], None] | None = None,
    progress: Progress = lambda done, total: None,
) -> Survey:
    """Decode every image once, with several threads.

    `consume` gets the usable images chunk by chunk, uint8 N×C×H×W, in the order of the source. `before` is called in
    the thread that decodes, with the indices of a chunk before it is read. Only as many chunks as keep the threads busy
    are decoded ahead: memory use does not grow with the source. Raises `UserError` if the source breaks its contract.
    """
    total, names = len(source), source.names
    size = max(1, min(CHUNK, CHUNK_BYTES // (preprocess.channels * preprocess.height * preprocess.width)))

    def decode(start: int) -> tuple[Tensor, Survey]:
        indices = range(start, min(start + size, total))
        if before is not None:
            before(indices)
        return _decode_chunk(source, names, preprocess, indices)

    bad: dict[int, str] = {}
    counts = torch.zeros(preprocess.channels, 256, dtype=torch.int64)
    digest, hashes, cut_away, deep = hashlib.sha256(), [], 0.0, DeepValues()
    with quiet_decoding(), closing(in_order(decode, range(0, total, size))) as chunks:
        for number, (images, part) in enumerate(chunks, start=1):
            consume(images)
            pixels: Any = images.numpy()  # hashed as a buffer, without a copy
            digest.update(pixels)
            bad |= part.bad
            counts += part.counts
            hashes.append(part.hashes)
            cut_away += part.cut_away
            deep.add(part.deep)
            progress(min(number * size, total), total)
    usable = max(1, total - len(bad))
    return Survey(bad, counts, np.concatenate(hashes), digest.hexdigest(), cut_away / usable, deep)


def decode_image(source: ImageSource, index: int, name: str, preprocess: Preprocessor) -> Tensor:
    """Image `index` as uint8 C×H×W at the size of the store; raises `BadImage`, and `UserError` as `read_image`."""
    return preprocess(read_image(source, index, name, preprocess.least_side, preprocess.value_range))


def _decode_chunk(
    source: ImageSource, names: Sequence[str], preprocess: Preprocessor, indices: range
) -> tuple[Tensor, Survey]:
    """The usable images, uint8 N×C×H×W, and their survey, in which `cut_away` is the sum."""
    images = torch.empty(len(indices), preprocess.channels, preprocess.height, preprocess.width, dtype=torch.uint8)
    bad: dict[int, str] = {}
    cut_away = 0.0
    with deep_values() as deep:
        for index in indices:
            try:
                whole = read_image(source, index, names[index], preprocess.least_side, preprocess.value_range)
            except BadImage as error:
                bad[index] = error.reason
                continue
            images[index - indices.start - len(bad)] = preprocess(whole)
            cut_away += preprocess.cut_away(*whole.shape[1:])
    images = images[: len(indices) - len(bad)]
    hashes = np.array([pixel_hash(image) for image in images.numpy()], dtype=np.int64)
    return images, Survey(bad, level_counts(images), hashes, cut_away=cut_away, deep=deep)
