"""A source's images, decoded and brought to one size by several threads, in their order."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import numpy as np
import torch

from framework.data.contract import read_image
from framework.data.decode import BadImage, quiet_decoding
from framework.data.hashes import pixel_hash
from framework.data.preprocess import level_counts

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    from framework.components import ImageSource
    from framework.data.preprocess import Preprocessor

Result = TypeVar("Result")

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
    end: int
    """The place in the source where the next chunk begins."""


def read_chunks(source: ImageSource, preprocess: Preprocessor) -> Generator[Chunk, None, None]:
    """Every image once. Raises `UserError` where the source breaks its contract."""
    total, names = len(source), source.names
    size = max(1, min(CHUNK, CHUNK_BYTES // (preprocess.channels * preprocess.height * preprocess.width)))

    return in_threads(lambda indices: _read_chunk(source, names, preprocess, indices), total, size)


def in_threads(work: Callable[[range], Result], total: int, size: int) -> Generator[Result, None, None]:
    """What `work` makes of 0 … `total`, `size` numbers at a time, in their order.

    In threads, for decoders and file systems let go of the interpreter while they work. No more results are ahead than
    keep the threads busy: what is held does not grow with `total`.
    """
    threads = os.cpu_count() or 1
    with quiet_decoding(), ThreadPoolExecutor(threads) as pool:
        ahead: deque[Future[Result]] = deque()
        try:
            for start in range(0, total, size):
                ahead.append(pool.submit(work, range(start, min(start + size, total))))
                if len(ahead) > threads + 1:
                    yield ahead.popleft().result()
            while ahead:
                yield ahead.popleft().result()
        finally:
            for future in ahead:
                future.cancel()


def read_one(source: ImageSource, index: int, name: str, preprocess: Preprocessor) -> Tensor:
    """Image `index` as uint8 C×H×W at the network's size; raises `BadImage`, and `UserError` as `read_image` does."""
    try:
        return preprocess(read_image(source, index, name, preprocess.least_side))
    except BadImage as error:
        raise BadImage(name, error.reason) from None


def _read_chunk(source: ImageSource, names: Sequence[str], preprocess: Preprocessor, indices: range) -> Chunk:
    images = torch.empty(len(indices), preprocess.channels, preprocess.height, preprocess.width, dtype=torch.uint8)
    bad: dict[int, str] = {}
    for index in indices:
        try:
            images[index - indices.start - len(bad)] = read_one(source, index, names[index], preprocess)
        except BadImage as error:
            bad[index] = error.reason
    images = images[: len(indices) - len(bad)]
    hashes = np.array([pixel_hash(image) for image in images.numpy()], dtype=np.int64)
    return Chunk(images, bad, level_counts(images), hashes, indices.stop)
