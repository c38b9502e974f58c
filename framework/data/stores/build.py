"""Builds a store: from the cache, or from the decoded images, which are then cached."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property, partial
from typing import IO, TYPE_CHECKING

import numpy as np
import torch

from framework.data.decode import BadImage, quiet_decoding
from framework.data.stores.bad_images import BadImages
from framework.data.stores.contents import Contents
from framework.data.stores.storage import Storage
from framework.data.stores.store import HeldPixels, Place, Shape, Store
from framework.data.stores.store_file import StoreFile, append, create, discard
from framework.data.stores.streaming import StreamedPixels
from framework.data.stores.survey import Progress, Survey, decode_all, decode_image
from framework.registry import default_task

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    from framework.components import ImageSource, Task
    from framework.data.preprocess import Preprocessor


def build_store(
    source: ImageSource,
    preprocess: Preprocessor,
    on_bad_image: str = "error",
    progress: Progress | None = None,
    storage: Storage | None = None,
    task: Task | None = None,
) -> Store:
    """Decode and resize every image of the source, or load what an earlier run cached of the same images.

    All images that cannot be read are collected. With `on_bad_image` "skip" they are left out and listed in `skipped`;
    otherwise, and if no image can be read, `BadImages` is raised. Raises `UserError` at once if the source breaks its
    contract. `progress(done, total)` is called after every few images. By default pixels are held in memory, nothing is
    cached, and labels are those of `single_label`.
    """
    report = progress or (lambda done, total: None)
    return _Builder(source, preprocess, on_bad_image, report, storage or Storage(), task or default_task()).store()


@dataclass(frozen=True)
class _Builder:
    source: ImageSource
    preprocess: Preprocessor
    on_bad_image: str
    progress: Progress
    storage: Storage
    task: Task

    @cached_property
    def contents(self) -> Contents | None:
        """Of the source; None if there is no cache, or the source has no stamps that show whether images changed."""
        cache = self.storage.cache
        return Contents.of(self.source, self.preprocess, cache.folder) if cache else None

    @property
    def shape(self) -> Shape:
        """Of the pixels if no image is bad."""
        return len(self.source), self.preprocess.channels, self.preprocess.height, self.preprocess.width

    def store(self) -> Store:
        if store := self.from_cache():
            return store
        try:
            return self.decoded(self.storage.choose(self.shape))
        except OSError:
            if self.storage.cache is None or self.storage.cache.writable:
                raise
            return self.decoded(self.storage.choose(self.shape))  # to a place other than the disk

    def from_cache(self) -> Store | None:
        """None if the images must be decoded."""
        cache, contents = self.storage.cache, self.contents
        if not (cache and contents and (cached := cache.find(contents, self.progress))):
            return None
        survey, has_pixels = Survey.from_dict(cached.survey), cached.pixels is not None
        place = self.storage.choose(self.shape, on_disk=has_pixels)
        if not (has_pixels or place == "stream") or self.any_readable(survey.bad):
            return None
        self.refuse_bad(survey)
        try:
            return self.finished(place, self.loaded(cached, place), survey, reused=True)
        except OSError as error:
            cache.say(f"the cached store '{cached.path}' cannot be read: {error}; decoding all images again")
            return None

    def loaded(self, cached: StoreFile, place: Place) -> Tensor | None:
        if cached.pixels is None or place == "stream":
            return None
        if place == "memory":
            images = torch.empty(cached.shape, dtype=torch.uint8)
            cached.read(images.numpy())
            return images
        mapped = _tensor(cached.pixels)
        return mapped if place == "disk" else mapped.to(self.storage.device)

    def decoded(self, place: Place) -> Store:
        cache, contents, required = self.storage.cache, self.contents, place == "disk"
        devices = {"device": self.storage.device, "memory": torch.device("cpu")}
        held = torch.empty(self.shape, dtype=torch.uint8, device=devices[place]) if place in devices else None
        file, number = self.new_file(place), 0

        def consume(images: Tensor) -> None:
            nonlocal number
            if held is not None:
                held[number : number + len(images)] = images
            if cache and file and place != "stream":
                cache.attempt(partial(append, file, images.numpy()), required)
            number += len(images)

        try:
            before = contents.compute if contents else None
            survey = decode_all(self.source, self.preprocess, consume, before, self.progress)
            self.refuse_bad(survey)
            shape = (number, *self.shape[1:])
            if cache and file:
                cache.attempt(file.flush, required)  # before it is mapped
                if contents:
                    cache.attempt(partial(cache.add, file, contents, shape, survey.as_dict()), required)
                if place == "disk":
                    held = _tensor(np.memmap(file, np.uint8, "r", shape=shape))
        finally:
            if file:
                discard(file)
        return self.finished(place, None if held is None else held[:number], survey)

    def new_file(self, place: Place) -> IO[bytes] | None:
        """For pixels that are held on the disk, or a copy for later runs; None if nothing is to be written."""
        cache, size = self.storage.cache, 0 if place == "stream" else math.prod(self.shape)
        if cache is None or (place != "disk" and not (self.contents and self.storage.may_cache(size))):
            return None
        return cache.attempt(partial(create, cache.folder), required=place == "disk")

    def finished(self, place: Place, images: Tensor | None, survey: Survey, reused: bool = False) -> Store:
        names, labels = self.source.names, np.asarray(self.source.labels)
        good = [index for index in range(len(names)) if index not in survey.bad]
        return Store(
            StreamedPixels(self.source, good, self.preprocess) if images is None else HeldPixels(images, place),
            torch.from_numpy(labels[good]),
            tuple(names[index] for index in good),
            tuple(self.source.classes),
            survey,
            survey.bad_images(self.source.names),
            reused,
            tuple(getattr(self.source, "dropped", ())),
            self.task,
        )

    def refuse_bad(self, survey: Survey) -> None:
        """Raise `BadImages` unless they are to be skipped and other images are left."""
        total = len(self.source)
        if survey.bad and (self.on_bad_image == "error" or len(survey.bad) == total):
            raise BadImages(survey.bad_images(self.source.names), total)

    def any_readable(self, bad: Iterable[int]) -> bool:
        """Whether an image that was bad can be read now: the cause may have been outside of the file."""
        with quiet_decoding():
            for index in bad:
                with suppress(BadImage):
                    decode_image(self.source, index, self.source.names[index], self.preprocess)
                    return True
        return False


def _tensor(mapped: NDArray[np.uint8]) -> Tensor:
    """A tensor on the same read-only memory."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="The given NumPy array is not writable")
        return torch.from_numpy(mapped)
