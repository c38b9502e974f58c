"""The cache entry of one source: found by everything that determines the pixels, stored after decoding."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from framework.data.stamps import stamps_of
from framework.data.stores.digests import Digests
from framework.data.stores.store_file import StoreFile, StoreWriter
from framework.errors import count

if TYPE_CHECKING:
    from framework.components import ImageSource
    from framework.data.preprocess import Preprocessor
    from framework.data.stamps import Stamps
    from framework.data.stores.cache import Cache
    from framework.data.stores.pixels import Shape
    from framework.data.stores.storage import Storage
    from framework.data.stores.survey import Survey

DECODER = 4
"""Increased whenever the same file is decoded to other pixels, or a store contains more."""


@dataclass(frozen=True)
class CacheEntry:
    """Where the store of a source is cached.

    The name of the file is the `identity` of the store and a digest of the contents of all images. Digests are taken
    before the images are decoded and verified afterwards: a change in between is noticed.
    """

    cache: Cache
    source: ImageSource
    identity: str
    digests: Digests
    digests_path: Path
    say: Callable[[str], None]

    @classmethod
    def of(cls, source: ImageSource, preprocess: Preprocessor, storage: Storage) -> CacheEntry | None:
        """None if there is no cache, or the source has no stamps to notice changed images by."""
        stamps = stamps_of(source, range(len(source))) if storage.cache else None
        if storage.cache is None or stamps is None:
            return None
        path = digests_path(storage.cache, source, stamps)
        name = identity(source, preprocess, stamps)
        return cls(storage.cache, source, name, Digests.load(path, stamps), path, storage.say)

    @property
    def origin(self) -> str:
        """Where the images are."""
        return self.digests.stamps.origin

    def find(self, progress: Callable[[int, int], None]) -> StoreFile | None:
        """The cached store, open, or None if there is none of these contents; raises `DamagedStore`."""
        if not self.cache.files(self._any):  # then the contents need not be known yet
            return None
        self.digests.all(progress)
        try:
            store = StoreFile.open(self._path())
        except OSError:  # usually there is no such file; if the folder is unreadable, writing reports it
            if changed := self.digests.changed():
                self.say(f"{count(changed, 'image')} of '{self.origin}' changed since the last run: decoding all again")
            return None
        self._use(store.path)
        return store

    def keep(self, writer: StoreWriter, shape: Shape, survey: Survey) -> None:
        """Publish what was written, unless images changed while they were decoded; raises `OSError`."""
        total = len(self.source)
        stamps = stamps_of(self.source, range(total))
        if stamps is None or not self.digests.still_hold(stamps):
            self.say(f"images of '{self.origin}' changed while they were decoded: they are not cached")
            return
        path, images = self._path(), total - len(survey.bad)
        writer.publish(path, origin=self.origin, shape=shape, images=images, survey=survey.as_dict())
        self._use(path)
        self.cache.remove_superseded(self._any, self.origin)

    @property
    def _any(self) -> str:
        """The pattern of the names of stores of any contents."""
        return f"{self.identity}-*.store"

    def _path(self) -> Path:
        return self.cache.folder / f"{self.identity}-{_hexadecimal(self.digests.all().tobytes())}.store"

    def _use(self, path: Path) -> None:
        self.digests.save(self.digests_path)
        self.cache.use(path, self.digests_path)


def identity(source: ImageSource, preprocess: Preprocessor, stamps: Stamps) -> str:
    """A digest of everything that determines the pixels except the contents of the images.

    Labels and classes are not part of it: images with new labels need not be decoded again.
    """
    import PIL

    from framework.data.resize import VERSION as RESIZING

    words = [
        [DECODER, RESIZING, PIL.__version__],  # another release may decode to other pixels
        [preprocess.height, preprocess.width, preprocess.channels, preprocess.fit, preprocess.value_range],
        stamps.origin if stamps.reader is None else None,
        stamps.reader,
    ]
    return _hexadecimal(json.dumps(words).encode(), _names(source))


def digests_path(cache: Cache, source: ImageSource, stamps: Stamps) -> Path:
    """The file with the digests of a source's images."""
    return cache.folder / f"{_hexadecimal(stamps.origin.encode(errors='surrogateescape'), _names(source))}.digests"


def _names(source: ImageSource) -> bytes:
    return "\0".join(source.names).encode(errors="surrogateescape")


def _hexadecimal(*parts: bytes) -> str:
    digest = hashlib.blake2b(digest_size=16)
    for part in parts:
        digest.update(len(part).to_bytes(8, "little"))
        digest.update(part)
    return digest.hexdigest()
