"""Reads all splits once and records what is needed to compare each image with all others."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np

from framework.data.ahead import in_order
from framework.data.contract import read_image
from framework.data.decode import BadImage, quiet_decoding
from framework.data.depth import DeepValues, deep_values
from framework.data.hashes import pixel_hash
from framework.data.preprocess import Preprocessor
from framework.data.stores.survey import CHUNK

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from framework.components import ImageSource, Task
    from framework.data.depth import ValueRange
    from framework.display import Progress

SIDE = 32
"""Pixels of a thumbnail's sides."""
THUMBNAIL = Preprocessor(SIDE, SIDE, 1, "stretch")

TRAINING = ("train", "validation")
"""Splits that a run is trained on; an image that is listed in both occurs twice."""


@dataclass(frozen=True)
class Unreadable:
    """An image that cannot be used."""

    split: int
    index: int
    reason: str
    shared: bool
    """Whether an earlier evaluation split contains the same unusable image."""


@dataclass(frozen=True, eq=False)
class Scan:
    """The readable images of all splits, concatenated; arrays have N entries.

    An image that several evaluation splits share occurs once, in the first of them; one that a split lists twice occurs
    twice.
    """

    sources: Mapping[str, ImageSource]
    split: NDArray[np.int64]
    """The number of the split of each image …"""
    index: NDArray[np.int64]
    """… and its index in it."""
    label: NDArray[np.int64]
    """Equal for images with the same labels."""
    hashes: NDArray[np.int64]
    """`pixel_hash` of the decoded pixels, before preprocessing."""
    shapes: NDArray[np.int64]
    """Channels, height and width: N×3."""
    thumbnails: NDArray[np.uint8]
    """N×32×32, gray, mapped from a file."""
    unreadable: tuple[Unreadable, ...]
    shared: Mapping[str, int]
    """Number of images of each split that an earlier one contains too, including unreadable ones."""
    texts: Mapping[str, Sequence[str]]
    """The labels of all images of each split, as text: `cat`, `cat|pet`."""
    deep: DeepValues
    """The values of training images with more than 8 bits per sample."""

    def __len__(self) -> int:
        return len(self.split)

    @property
    def splits(self) -> tuple[str, ...]:
        """The names of the splits, in the order of their numbers."""
        return tuple(self.sources)

    @property
    def classes(self) -> Sequence[str]:
        """The class names."""
        return self.sources["train"].classes


_Image = tuple[str, int | None]
"""Name, and hash of the pixels or None if it cannot be read."""


@dataclass(frozen=True)
class _Chunk:
    table: NDArray[np.int64]
    """A row for each readable image: index, hash, channels, height, width."""
    thumbnails: NDArray[np.uint8]
    bad: dict[int, str]
    deep: DeepValues
    end: int


def scan(sources: Mapping[str, ImageSource], task: Task, progress: Progress, values: ValueRange | None = None) -> Scan:
    """Read every image of every split once, with several threads; raises `UserError` if a source breaks its contract.

    `values` is the range of images with more than 8 bits a sample, as `decode` takes it.

    Memory use is about a hundred bytes for each image.
    """
    tables: list[NDArray[np.int64]] = [np.empty((0, 7), dtype=np.int64)]
    unreadable: list[Unreadable] = []
    shared: dict[str, int] = {}
    first: dict[_Image, int] = {}
    deep = DeepValues()
    texts = {split: _label_texts(source, task) for split, source in sources.items()}
    number_of = {text: number for number, text in enumerate(dict.fromkeys(chain.from_iterable(texts.values())))}
    with tempfile.TemporaryFile() as file:
        for number, (split, source) in enumerate(sources.items()):
            labels, names = np.array([number_of[text] for text in texts[split]], dtype=np.int64), source.names
            for chunk in _chunks(split, source, progress, values):
                old = set() if split in TRAINING else _of_earlier_splits(chunk, names, number, first)
                if split == "train":
                    deep.add(chunk.deep)
                shared[split] = shared.get(split, 0) + len(old)
                unreadable += [Unreadable(number, index, reason, index in old) for index, reason in chunk.bad.items()]
                new = np.array([index not in old for index in chunk.table[:, 0].tolist()], dtype=bool)
                rows = chunk.table[new]
                tables.append(np.column_stack([np.full(len(rows), number), labels[rows[:, 0]], rows]))
                file.write(chunk.thumbnails[new].tobytes())
        table = np.concatenate(tables)
        thumbnails = _mapped(file, len(table))
    where, label, index, hashes = (np.ascontiguousarray(column) for column in table[:, :4].T)
    several = {split: number for split, number in shared.items() if number}
    return Scan(sources, where, index, label, hashes, table[:, 4:], thumbnails, tuple(unreadable), several, texts, deep)


def _label_texts(source: ImageSource, task: Task) -> list[str]:
    return ["|".join(names) for names in task.label_names(np.asarray(source.labels), source.classes)]


def _of_earlier_splits(chunk: _Chunk, names: Sequence[str], number: int, first: dict[_Image, int]) -> set[int]:
    """The indices of images that an earlier split contains too; `first` maps each image to its first split."""
    images = [*chunk.table[:, :2].tolist(), *([index, None] for index in chunk.bad)]
    return {index for index, pixels in images if first.setdefault((str(names[index]), pixels), number) < number}


def _chunks(split: str, source: ImageSource, progress: Progress, values: ValueRange | None) -> Iterator[_Chunk]:
    names, total = source.names, len(source)
    starts = range(0, total, CHUNK)
    chunks = in_order(lambda start: _read(source, names, range(start, min(start + CHUNK, total)), values), starts)
    with quiet_decoding(), closing(chunks):
        for chunk in chunks:
            yield chunk
            progress(split, chunk.end, total)


def _read(source: ImageSource, names: Sequence[str], indices: range, values: ValueRange | None) -> _Chunk:
    rows: list[tuple[int, ...]] = []
    thumbnails = np.empty((len(indices), SIDE, SIDE), dtype=np.uint8)
    bad: dict[int, str] = {}
    with deep_values() as deep:
        for index in indices:
            try:
                image = read_image(source, index, str(names[index]), values=values)
            except BadImage as error:
                bad[index] = error.reason
                continue
            thumbnails[len(rows)] = THUMBNAIL(image)[0].numpy()
            rows.append((index, pixel_hash(image), *image.shape))
    return _Chunk(np.array(rows, dtype=np.int64).reshape(-1, 5), thumbnails[: len(rows)], bad, deep, indices.stop)


def _mapped(file: Any, number: int) -> NDArray[np.uint8]:
    if not number:
        return np.empty((0, SIDE, SIDE), dtype=np.uint8)
    file.flush()
    return np.memmap(file, np.uint8, "r", shape=(number, SIDE, SIDE))
