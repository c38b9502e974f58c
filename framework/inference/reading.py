"""Images on their way to a network: files, bytes and parts of them, read ahead by several threads."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import islice
from typing import TYPE_CHECKING

from framework.data.ahead import THREADS, in_order
from framework.data.decode import BadImage, decode
from framework.data.depth import DeepValues, deep_values
from framework.data.regions import Find, Region, cut, regions_of
from framework.inference.inputs import Source, name_and_source

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor

    from framework.data.preprocess import Preprocessor
    from framework.inference.inputs import Image

Keep = Callable[[str, "NDArray[np.uint8]"], None]
"""Told the name and the pixels, uint8 C×H×W, of each part that was found; from several threads at once."""

CHUNK = 8
"""Images that a thread reads at a time: few, so that a handful of large photographs keeps all threads busy."""


@dataclass(frozen=True)
class Seen:
    """An image, or a part of one, as the network will see it."""

    name: str
    pixels: Tensor | None = None
    """Uint8 C×H×W at the network's size; None where there is an error, or nothing was found in the image."""
    error: str | None = None
    region: Region | None = None
    """Which part it is, where a detector looked for parts."""
    deep: DeepValues | None = None
    """The values of an image with more than 8 bits a sample."""


@dataclass(frozen=True)
class Reader:
    """How images become what a network sees; with `find`, only those parts of them that it finds."""

    preprocess: Preprocessor
    find: Find | None = None
    keep: Keep | None = None

    def ahead(self, images: Iterable[Image], number: int) -> Generator[Seen, None, None]:
        """Every image in order, about `number` of them read ahead; raises `TypeError` for what is not an image."""
        rest = map(name_and_source, images)
        chunks = iter(lambda: list(islice(rest, CHUNK)), [])
        for chunk in in_order(self._chunk, chunks, THREADS + 1 + number // CHUNK):
            yield from chunk

    def _chunk(self, images: list[tuple[str, Source | BadImage]]) -> list[Seen]:
        return [seen for name, source in images for seen in self._seen(name, source)]

    def _seen(self, name: str, source: Source | BadImage) -> Iterator[Seen]:
        values = self.preprocess.value_range
        try:
            if isinstance(source, BadImage):
                raise source
            with deep_values() as deep:
                least = self.preprocess.least_side if self.find is None else None
                image = decode(source, name, least, value_range=values)
            if self.find is None:
                yield Seen(name, self.preprocess(image), deep=deep)
            else:
                yield from (replace(part, deep=deep) for part in self._parts(name, image, self.find))
        except BadImage as error:
            yield Seen(name, error=error.reason)

    def _parts(self, name: str, image: NDArray[np.uint8], find: Find) -> Iterator[Seen]:
        regions = regions_of(image, find, name)
        if not regions:
            yield Seen(name)
        for number, region in enumerate(regions, start=1):
            part = cut(image, region)
            if self.keep is not None:
                self.keep(f"{name}#{number}", part)
            yield Seen(f"{name}#{number}", self.preprocess(part), region=region)
