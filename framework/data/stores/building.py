"""The pixels of a store: taken from the file that an earlier run kept, or read, and then kept."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, nullcontext
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, BinaryIO

import torch

from framework.data.decode import BadImage, quiet_decoding
from framework.data.stamps import stamps_of
from framework.data.stores.cache import identity
from framework.data.stores.digests import Digests
from framework.data.stores.kept import map_pixels, read_pixels
from framework.data.stores.pixels import Held, Pixels, Place
from framework.data.stores.reading import read_chunks, read_one
from framework.data.stores.reuse import Found, Shelf
from framework.data.stores.stream import Streamed
from framework.data.stores.survey import Survey, Surveyor
from framework.data.stores.writing import NoDisk, Writing

if TYPE_CHECKING:
    from torch import Tensor

    from framework.components import ImageSource
    from framework.data.preprocess import Preprocessor
    from framework.data.stores.storage import Storage

PIECE = 2**24
"""Bytes that are read from a kept file at a time."""

Refuse = Callable[[Survey], None]
"""Raises where there are bad images that shall stop the run."""


@dataclass(frozen=True)
class Contents:
    """What a store holds besides labels and names."""

    pixels: Pixels
    survey: Survey
    reused: bool


@dataclass(frozen=True)
class Building:
    """One store to be built."""

    source: ImageSource
    preprocess: Preprocessor
    storage: Storage
    progress: Callable[[int, int], None]
    refuse: Refuse

    def contents(self) -> Contents:
        """Reused where that is possible; raises as `build_store` says."""
        shape = self._shape(len(self.source))
        with self._kept(streams=False) as kept:
            place = self.storage.choose(shape, kept is not None)
            contents = self._reused(place, kept) if kept else None
        try:
            return contents or self._at(place)
        except NoDisk as error:
            place = self.storage.without_disk(shape)
            self.storage.say(f"{error}; images {'stay in memory' if place == 'memory' else 'are streamed'} instead")
            return self._at(place)

    def _at(self, place: Place) -> Contents:
        """Read, but for a stream of images that were looked at before."""
        if place == "stream":
            with self._kept(streams=True) as kept:
                contents = self._reused(place, kept) if kept else None
            if contents:
                return contents
        return self._read(place, self._shelf(place == "stream"))

    @contextmanager
    def _kept(self, streams: bool) -> Iterator[Found | None]:
        """The kept store, open; for pixels that are asked for as a stream there is none."""
        shelf = self._shelf(streams) if streams or self.storage.kind != "stream" else None
        found = shelf.find(self.progress) if shelf else None
        with found.file if found else nullcontext():
            yield found

    def _reused(self, place: Place, kept: Found) -> Contents | None:
        """None where images must be read after all."""
        if self._mended(kept.survey):
            return None
        self.refuse(kept.survey)
        if place == "stream":
            return Contents(self._streamed(kept.survey), kept.survey, True)
        images = kept.shelf.whole(kept.path, lambda: self._load(place, kept.file, kept.shape))
        return None if images is None else Contents(Held(images, place), kept.survey, True)

    def _read(self, place: Place, shelf: Shelf | None) -> Contents:
        total, filled = len(self.source), 0
        held = self._allocate(place, self._shape(total))
        surveyor = Surveyor(self.preprocess.channels)
        size = 0 if place == "stream" else math.prod(self._shape(total))
        writing = Writing(self.storage, shelf, required=place == "disk", size=size)
        digest = shelf.digests.of if shelf else None
        with writing, closing(read_chunks(self.source, self.preprocess, digest)) as chunks:
            for chunk in chunks:
                surveyor.add(chunk)
                end = filled + len(chunk.images)
                if held is not None:
                    held[filled:end] = chunk.images
                if place != "stream":
                    writing.append(chunk.images)
                filled = end
                self.progress(chunk.end, total)
            survey = surveyor.survey()
            self.refuse(survey)
            file = writing.finish(survey, self._shape(0 if place == "stream" else filled), filled)
            if place == "stream":
                return Contents(self._streamed(survey), survey, False)
            if held is None:
                held = _mapped(file, self._shape(filled))
        return Contents(Held(held[:filled], place), survey, False)

    def _load(self, place: Place, file: BinaryIO, shape: tuple[int, int, int, int]) -> Tensor:
        """The pixels of a kept file; raises `OSError` where it cannot be read."""
        held = self._allocate(place, shape)
        if held is None:
            return _mapped(file, shape)
        file.seek(0)
        for piece in held.split(max(1, PIECE // held[0].numel())):
            arrived = piece if piece.device.type == "cpu" else torch.empty(piece.shape, dtype=torch.uint8)
            read_pixels(file, arrived.numpy())
            if arrived is not piece:
                piece.copy_(arrived)
        return held

    def _allocate(self, place: Place, shape: tuple[int, int, int, int]) -> Tensor | None:
        if place in ("disk", "stream"):
            return None
        return torch.empty(shape, dtype=torch.uint8, device=self.storage.device if place == "device" else "cpu")

    def _shelf(self, streams: bool) -> Shelf | None:
        """None where nothing shows whether the images have changed, or stores are not kept."""
        cache, digests = self.storage.cache, self._digests
        if cache is None or digests is None:
            return None
        name = identity(self.source, self.preprocess, digests.stamps, streams)
        return Shelf(cache, name, self.source, digests, self.storage.say)

    @cached_property
    def _digests(self) -> Digests | None:
        """By stamps taken before anything is read: what changes meanwhile is noticed."""
        cache = self.storage.cache
        stamps = stamps_of(self.source, range(len(self.source))) if cache else None
        return Digests.read(cache.digests_path(self.source, stamps), stamps) if cache and stamps else None

    def _streamed(self, survey: Survey) -> Pixels:
        return Streamed(self.source, survey.good(len(self.source)), self.preprocess)

    def _shape(self, number: int) -> tuple[int, int, int, int]:
        return number, self.preprocess.channels, self.preprocess.height, self.preprocess.width

    def _mended(self, survey: Survey) -> bool:
        """Whether an image that was bad can be read by now: the reason may lie outside of the file."""
        with quiet_decoding():
            for index in survey.bad:
                try:
                    read_one(self.source, index, self.source.names[index], self.preprocess)
                except BadImage:
                    continue
                return True
        return False


def _mapped(file: BinaryIO | None, shape: tuple[int, int, int, int]) -> Tensor:
    assert file is not None
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="The given NumPy array is not writable")  # nobody writes
        return torch.from_numpy(map_pixels(file, shape))
