"""The pixels of a store: taken from the file that an earlier run kept, or read, and then kept."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO

import torch

from framework.data.decode import BadImage, quiet_decoding
from framework.data.stores.kept import map_pixels, read_pixels
from framework.data.stores.pixels import Held, Pixels, Place
from framework.data.stores.reading import read_chunks, read_one
from framework.data.stores.reuse import Shelf
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
        place = self.storage.choose(self._shape(len(self.source)))
        try:
            return self._at(place)
        except NoDisk as error:
            place = self.storage.without_disk(self._shape(len(self.source)))
            self.storage.say(f"{error}; images {'stay in memory' if place == 'memory' else 'are streamed'} instead")
            return self._at(place)

    def _at(self, place: Place) -> Contents:
        shelf = Shelf.of(self.source, self.preprocess, self.storage, place)
        kept = shelf.find() if shelf else None
        if shelf is not None and kept is not None:
            with kept.file:
                survey = kept.survey
                if not self._mended(survey):
                    self.refuse(survey)
                    if place == "stream":
                        return Contents(self._streamed(survey), survey, True)
                    images = shelf.whole(lambda: self._load(place, kept.file, kept.shape))
                    if images is not None:
                        return Contents(Held(images, place), survey, True)
        return self._read(place, shelf)

    def _read(self, place: Place, shelf: Shelf | None) -> Contents:
        total, filled = len(self.source), 0
        held = self._allocate(place, self._shape(total))
        surveyor = Surveyor(self.preprocess.channels)
        size = 0 if place == "stream" else math.prod(self._shape(total))
        writing = Writing(self.storage, shelf, required=place == "disk", size=size)
        with writing, closing(read_chunks(self.source, self.preprocess)) as chunks:
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

    def _streamed(self, survey: Survey) -> Pixels:
        return Streamed(self.source, survey.good(len(self.source)), self.preprocess)

    def _shape(self, number: int) -> tuple[int, int, int, int]:
        return number, self.preprocess.channels, self.preprocess.height, self.preprocess.width

    def _mended(self, survey: Survey) -> bool:
        """Whether an image that was bad can be read by now; a file's stamp does not tell of rights, for one thing."""
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
