"""Builds a store: from the cache, or from the decoded images, which are then cached."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Iterable
from contextlib import closing, nullcontext, suppress
from dataclasses import dataclass
from functools import cached_property, partial
from typing import TYPE_CHECKING, BinaryIO

import numpy as np
import torch

from framework.data.decode import BadImage, quiet_decoding
from framework.data.stores.bad_images import BadImages, Refused
from framework.data.stores.entry import CacheEntry
from framework.data.stores.pixels import HeldPixels, Place, Shape
from framework.data.stores.storage import Storage
from framework.data.stores.store import Store
from framework.data.stores.store_file import DamagedStore, StoreFile, StoreWriter
from framework.data.stores.streaming import StreamedPixels
from framework.data.stores.survey import Progress, Survey, decode_all, decode_image

if TYPE_CHECKING:
    from torch import Tensor

    from framework.components import ImageSource
    from framework.data.preprocess import Preprocessor

PIECE = 2**24
"""Bytes that are read from a cached store at a time."""


def build_store(
    source: ImageSource,
    preprocess: Preprocessor,
    on_bad_image: str = "error",
    progress: Progress | None = None,
    storage: Storage | None = None,
) -> Store:
    """Decode and resize every image of the source, or load what an earlier run cached of the same images.

    All images that cannot be read are collected. With `on_bad_image` "skip" they are left out and listed in `skipped`;
    otherwise, and if no image can be read, `BadImages` is raised. Raises `UserError` at once if the source breaks its
    contract. `progress(done, total)` is called after every few images. By default pixels are held in memory, and
    nothing is cached.
    """
    report = progress or (lambda done, total: None)
    return _Builder(source, preprocess, on_bad_image, report, storage or Storage()).store()


class _DiskFailed(Exception):
    """The pixels were to be held on the disk, and it cannot be written."""


@dataclass(frozen=True)
class _Builder:
    source: ImageSource
    preprocess: Preprocessor
    on_bad_image: str
    progress: Progress
    storage: Storage

    @cached_property
    def entry(self) -> CacheEntry | None:
        """The place of the store in the cache, if there is one."""
        return CacheEntry.of(self.source, self.preprocess, self.storage)

    @cached_property
    def shape(self) -> Shape:
        """Of the pixels if no image is bad."""
        return len(self.source), self.preprocess.channels, self.preprocess.height, self.preprocess.width

    def store(self) -> Store:
        if store := self.from_cache():
            return store
        try:
            return self.decoded(self.storage.choose(self.shape))
        except _DiskFailed as error:
            place = self.storage.choose(self.shape)
            self.storage.say(f"{error}; images {'stay in memory' if place == 'memory' else 'are streamed'} instead")
            return self.decoded(place)

    def from_cache(self) -> Store | None:
        """None if the images must be decoded."""
        try:
            cached = self.entry.find(self.progress) if self.entry else None
            if cached is None:
                return None
            with cached:
                has_pixels, survey = cached.shape[0] > 0, Survey.from_dict(cached.survey)
                place = self.storage.choose(self.shape, on_disk=has_pixels)
                if not (has_pixels or place == "stream") or self.any_readable(survey.bad):
                    return None
                self.refuse_bad(survey)
                return self.finished(place, self.loaded(cached, place), survey, reused=True)
        except DamagedStore as error:
            self.storage.say(f"{error}; decoding all images again")
            return None

    def loaded(self, cached: StoreFile, place: Place) -> Tensor | None:
        """The pixels of a cached store, None if they are streamed; raises `DamagedStore`."""
        if place == "disk":
            return _mapped(cached.file, cached.shape)
        held, start = self.allocated(place, cached.shape), 0
        for piece in held.split(max(1, PIECE // held[0].numel())) if held is not None else ():
            on_host = piece if piece.device.type == "cpu" else torch.empty(piece.shape, dtype=torch.uint8)
            cached.read(start, on_host.numpy())
            if on_host is not piece:
                piece.copy_(on_host)
            start += piece.numel()
        return held

    def decoded(self, place: Place) -> Store:
        held, filled = self.allocated(place, self.shape), 0
        writer = self.writer(place)

        def consume(images: Tensor) -> None:
            nonlocal filled
            if held is not None:
                held[filled : filled + len(images)] = images
            if writer and place != "stream":
                self.write(place, writer, partial(writer.append, images.numpy()))
            filled += len(images)

        with closing(writer) if writer else nullcontext():
            before = self.entry.digests.compute if self.entry else None
            survey = decode_all(self.source, self.preprocess, consume, before, self.progress)
            self.refuse_bad(survey)
            pixels = None if held is None else held[:filled]
            if writer:
                shape = (0 if place == "stream" else filled, *self.shape[1:])
                self.write(place, writer, writer.flush)
                if self.entry:
                    self.write(place, writer, partial(self.entry.keep, writer, shape, survey))
                if place == "disk":
                    pixels = _mapped(writer.file, shape)
        return self.finished(place, pixels, survey, reused=False)

    def writer(self, place: Place) -> StoreWriter | None:
        """For pixels that are held on the disk, or a copy for later runs; None if nothing is to be written."""
        cache, size = self.storage.cache, 0 if place == "stream" else math.prod(self.shape)
        if cache is None or (place != "disk" and not (self.entry and self.storage.may_cache(size))):
            return None
        writer = StoreWriter(cache.folder)
        self.write(place, writer, writer.create)
        return writer

    def write(self, place: Place, writer: StoreWriter, work: Callable[[], object]) -> None:
        """Do `work` unless writing has failed before. A failure is reported, or raised if the disk is the place."""
        cache = self.storage.cache
        if cache is None or not cache.writable:
            return
        try:
            work()
        except OSError as error:
            writer.close()
            cache.writable = False
            failure = f"decoded images cannot be cached in '{cache.folder}': {error.strerror or error}"
            if place == "disk":
                raise _DiskFailed(failure) from None
            self.storage.say(failure)

    def finished(self, place: Place, held: Tensor | None, survey: Survey, reused: bool) -> Store:
        good, names, labels = survey.good(len(self.source)), self.source.names, self.source.labels
        return Store(
            StreamedPixels(self.source, good, self.preprocess) if held is None else HeldPixels(held, place),
            torch.tensor([labels[index] for index in good], dtype=torch.int64),
            tuple(names[index] for index in good),
            tuple(self.source.classes),
            survey,
            survey.bad_images(names),
            reused,
            tuple(getattr(self.source, "dropped", ())),
        )

    def allocated(self, place: Place, shape: Shape) -> Tensor | None:
        """None for a place that is not memory."""
        if place in ("disk", "stream"):
            return None
        return torch.empty(shape, dtype=torch.uint8, device=self.storage.device if place == "device" else "cpu")

    def refuse_bad(self, survey: Survey) -> None:
        """Raise `BadImages` unless they are to be skipped and other images are left."""
        total = len(self.source)
        if survey.bad and (self.on_bad_image == "error" or len(survey.bad) == total):
            raise BadImages({"": Refused(survey.bad_images(self.source.names), total)})

    def any_readable(self, bad: Iterable[int]) -> bool:
        """Whether an image that was bad can be read now: the cause may have been outside of the file."""
        with quiet_decoding():
            for index in bad:
                with suppress(BadImage):
                    decode_image(self.source, index, self.source.names[index], self.preprocess)
                    return True
        return False


def _mapped(file: BinaryIO, shape: Shape) -> Tensor:
    """The pixels of an open file, read-only; the system loads pages on first access."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="The given NumPy array is not writable")
        return torch.from_numpy(np.memmap(file, np.uint8, "r", shape=shape))
