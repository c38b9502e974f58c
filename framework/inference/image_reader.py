"""Image files, bytes and detected regions as tensors for prediction, read ahead by several threads."""

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
"""Called with the name and the pixels, uint8 C×H×W, of each detected region; from several threads at once."""

CHUNK = 8
"""Images that a thread reads at a time: few, so that a handful of large photographs keeps all threads busy."""


@dataclass(frozen=True)
class ReadImage:
    """An image, or a detected region of one, ready for the network."""

    name: str
    pixels: Tensor | None = None
    """Uint8 C×H×W at the network's size; None if there is an error, or if the detector found nothing."""
    error: str | None = None
    region: Region | None = None
    """The detected region, if there is a detector."""
    deep: DeepValues | None = None
    """The values of an image with more than 8 bits per sample."""


@dataclass(frozen=True)
class ImageReader:
    """Reads images for a network; with `find`, only the regions that it detects."""

    preprocess: Preprocessor
    find: Find | None = None
    keep: Keep | None = None

    def ahead(self, images: Iterable[Image], number: int) -> Generator[ReadImage, None, None]:
        """Read all images in order, about `number` of them ahead; raises `TypeError` for what is not an image."""
        rest = map(name_and_source, images)
        chunks = iter(lambda: list(islice(rest, CHUNK)), [])
        for chunk in in_order(self._read_chunk, chunks, THREADS + 1 + number // CHUNK):
            yield from chunk

    def _read_chunk(self, images: list[tuple[str, Source | BadImage]]) -> list[ReadImage]:
        return [image for name, source in images for image in self._read(name, source)]

    def _read(self, name: str, source: Source | BadImage) -> Iterator[ReadImage]:
        try:
            if isinstance(source, BadImage):
                raise source
            with deep_values() as deep:
                if self.find is None:
                    images = iter([ReadImage(name, self.preprocess.from_file(source, name))])
                else:
                    whole = decode(source, name, value_range=self.preprocess.value_range)
                    images = self._regions(name, whole, self.find)
            yield from (replace(image, deep=deep) for image in images)
        except BadImage as error:
            yield ReadImage(name, error=error.reason)

    def _regions(self, name: str, image: NDArray[np.uint8], find: Find) -> Iterator[ReadImage]:
        regions = regions_of(image, find, name)
        if not regions:
            yield ReadImage(name)
        for number, region in enumerate(regions, start=1):
            part = cut(image, region)
            if self.keep is not None:
                self.keep(f"{name}#{number}", part)
            yield ReadImage(f"{name}#{number}", self.preprocess(part), region=region)
