"""A source's images, decoded and brought to one size by several threads, in their order."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

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
"""Images that a thread reads at a time, …"""
CHUNK_BYTES = 4_000_000
"""… as far as they are no more than this when they are decoded and resized."""


@dataclass(frozen=True)
class Chunk:
    """Neighbouring images of a source."""

    images: Tensor
    """Those that could be read, uint8 N×C×H×W."""
    bad: dict[int, str]
    """Why the others could not, by their place in the source."""
    counts: Tensor
    """How many pixels have each level, int64 C×256."""
    hashes: NDArray[np.int64]
    """The `pixel_hash` of each of `images`."""
    cut_away: float
    """The fractions of `images` that `fit` leaves out, added up."""
    deep: DeepValues
    """The values of those with more than 8 bits a sample."""
    end: int
    """The place in the source where the next chunk begins."""


def read_chunks(
    source: ImageSource, preprocess: Preprocessor, before: Callable[[Sequence[int]], None] | None = None
) -> Generator[Chunk, None, None]:
    """Every image once; `before` is called with the places of some images before these are read, in the same thread.

    Raises `UserError` where the source breaks its contract.

    In threads: no more chunks are ahead than keep them busy, so that what is held does not grow with the source.
    """
    total, names = len(source), source.names
    size = max(1, min(CHUNK, CHUNK_BYTES // (preprocess.channels * preprocess.height * preprocess.width)))

    def read(start: int) -> Chunk:
        indices = range(start, min(start + size, total))
        if before is not None:
            before(indices)
        return _read_chunk(source, names, preprocess, indices)

    with quiet_decoding():
        yield from in_order(read, range(0, total, size))


def read_one(source: ImageSource, index: int, name: str, preprocess: Preprocessor) -> Tensor:
    """Image `index` as uint8 C×H×W at the network's size; raises `BadImage`, and `UserError` as `read_image` does."""
    return preprocess(_read_whole(source, index, name, preprocess))


def _read_whole(source: ImageSource, index: int, name: str, preprocess: Preprocessor) -> NDArray[np.uint8]:
    """At a size of its own."""
    try:
        return read_image(source, index, name, preprocess.least_side, preprocess.value_range)
    except BadImage as error:
        raise BadImage(name, error.reason) from None


def _read_chunk(source: ImageSource, names: Sequence[str], preprocess: Preprocessor, indices: range) -> Chunk:
    images = torch.empty(len(indices), preprocess.channels, preprocess.height, preprocess.width, dtype=torch.uint8)
    bad: dict[int, str] = {}
    cut_away = 0.0
    with deep_values() as deep:
        for index in indices:
            try:
                whole = _read_whole(source, index, names[index], preprocess)
            except BadImage as error:
                bad[index] = error.reason
                continue
            images[index - indices.start - len(bad)] = preprocess(whole)
            cut_away += preprocess.cut_away(*whole.shape[1:])
    images = images[: len(indices) - len(bad)]
    hashes = np.array([pixel_hash(image) for image in images.numpy()], dtype=np.int64)
    return Chunk(images, bad, level_counts(images), hashes, cut_away, deep, indices.stop)
