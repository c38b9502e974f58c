"""The file of a store while its images are read: pixels that shall stay on the disk, or a copy for later runs."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, BinaryIO

from framework.data.stores.kept import StoreWriter

if TYPE_CHECKING:
    from torch import Tensor

    from framework.data.stores.cache import Cache
    from framework.data.stores.reuse import Shelf
    from framework.data.stores.storage import Storage
    from framework.data.stores.survey import Survey


class NoDisk(Exception):
    """Pixels were to be on the disk, and it does not take them."""


class Writing:
    """Writes where there is something to write, and is nothing otherwise.

    With a `shelf` the file, of about `size` bytes, is kept there. `required` says that pixels are to be in the file:
    then what the disk does not take raises `NoDisk`; else a sentence says so, once, and the run goes on without.
    """

    def __init__(self, storage: Storage, shelf: Shelf | None, required: bool, size: int) -> None:
        self.storage = storage
        self.shelf = shelf
        self.required = required
        self.size = size
        self.writer: StoreWriter | None = None

    def __enter__(self) -> Writing:
        cache = self.storage.cache
        if cache is not None and (self.required or (self.shelf is not None and self._welcome(cache))):
            self._attempt(partial(self._open, cache.folder))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """What was not kept goes; a mapping of it stays whole."""
        if self.writer:
            self.writer.discard()

    def append(self, images: Tensor) -> None:
        """The next pixels, uint8 N×C×H×W."""
        if self.writer:
            self._attempt(partial(self.writer.append, images.numpy()))

    def finish(self, survey: Survey, shape: tuple[int, int, int, int], images: int) -> BinaryIO | None:
        """Everything else; the file, open, and kept where there is a shelf. None where there is none."""
        writer, shelf = self.writer, self.shelf
        if writer is None:
            return None
        if shelf is None:
            self._attempt(writer.file.flush)
            return writer.file

        self._attempt(partial(shelf.keep, writer, shape=shape, images=images, survey=survey.as_dict()))
        return writer.file

    def _welcome(self, cache: Cache) -> bool:
        """Whether a copy may lie beside what others keep; where it is too large for that, a sentence says so."""
        limit = cache.limit()
        if cache.writable and self.size > limit:
            self.storage.say(
                f"decoded images are not kept for the next run: {self.size / 1e9:.1f} GB are more than all kept stores "
                f"may take together, {limit / 1e9:.1f} GB"
            )
        return cache.writable and self.size <= limit

    def _open(self, folder: Path) -> None:
        if not self.required and not self.storage.has_room_to_keep(self.size):
            raise OSError(f"{self.size / 1e9:.1f} GB would leave the disk too little room")
        self.writer = StoreWriter(folder)

    def _attempt(self, work: Callable[[], object]) -> None:
        try:
            work()
        except OSError as error:
            assert self.storage.cache is not None
            failure = f"decoded images cannot be kept in '{self.storage.cache.folder}': {error.strerror or error}"
            if self.writer:
                self.writer.discard()
            self.writer = None
            self.storage.cache.writable = False
            if self.required:
                raise NoDisk(failure) from None
            self.storage.say(failure)
