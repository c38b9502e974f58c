"""The folder of stores that are kept between runs, bounded in size."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, TypeVar

from framework.data.roots import expand_home
from framework.data.stores.store_file import TEMPORARY, StoreFile, publish
from framework.errors import UserError, count

if TYPE_CHECKING:
    from framework.data.stores.contents import Contents
    from framework.data.stores.store import Shape

T = TypeVar("T")
Say = Callable[[str], None]
"""Called with a message if something cannot be done as requested."""

VARIABLE = "FRAMEWORK_CACHE"
LARGEST = 20_000_000_000
"""Bytes that the stores may take in total, or a tenth of their file system if that is less."""
ABANDONED = 86400.0
"""Seconds after the last write until a temporary file is regarded as left by a killed process."""


def default_folder() -> Path:
    """The folder of cached images: `stores` in `$FRAMEWORK_CACHE`, else in the user's cache folder (`platformdirs`).

    On Linux that is `$XDG_CACHE_HOME/framework` or `~/.cache/framework`. Raises `UserError` if there is no home folder.
    """
    from platformdirs import user_cache_dir

    try:
        folder = os.environ.get(VARIABLE) or user_cache_dir("framework", appauthor=False)
    except RuntimeError:  # there is no home folder, which `expand_home` reports
        folder = "~"
    try:
        return expand_home(Path(folder)) / "stores"
    except UserError as error:
        raise UserError(f"no folder for decoded images: {error} in {VARIABLE}") from None


class Cache:
    """The folder as one run uses it: `*.store` files, and `*.digests` of the images that they were made from."""

    def __init__(self, folder: Path, say: Say = lambda text: None) -> None:
        self.folder, self.say = folder, say
        self.writable = True
        """False after a write failed, so that a run reports that once and does not try again."""
        self._in_use: set[Path] = set()

    def find(self, contents: Contents, progress: Callable[[int, int], None]) -> StoreFile | None:
        """The store of these contents; a message says why an earlier one cannot be used."""
        if not self._files(f"{contents.identity}-*.store"):  # then the contents need not be known yet
            return None
        contents.all(progress)
        path = self.folder / contents.name()
        try:
            store = StoreFile.open(path)
        except ValueError as error:
            self.say(f"the cached store '{path}' is damaged: {error}; decoding all images again")
            return None
        except OSError:  # usually there is no such file; if the folder is unreadable, writing reports it
            if changed := contents.changed():
                images = f"{count(changed, 'image')} of '{contents.stamps.origin}'"
                self.say(f"{images} changed since the last run: decoding all again")
            return None
        self._use(path, contents)
        return store

    def attempt(self, write: Callable[[], T], required: bool) -> T | None:
        """Call `write` unless writing failed before; an `OSError` is reported, and raised again if `required`."""
        if not self.writable:
            return None
        try:
            return write()
        except OSError as error:
            self.writable = False
            self.say(f"decoded images cannot be cached in '{self.folder}': {error.strerror or error}")
            if required:
                raise
            return None

    def add(self, file: IO[bytes], contents: Contents, shape: Shape, survey: dict[str, Any]) -> None:
        """Publish the file unless images have changed, and remove stores of earlier contents; raises `OSError`."""
        path, origin = self.folder / contents.name(), contents.stamps.origin
        if not contents.still_hold():
            self.say(f"images of '{origin}' changed while they were decoded: they are not cached")
            return
        publish(file, path, origin=origin, shape=shape, survey=survey)
        self._use(path, contents)
        for store in self.stores(f"{contents.identity}-*.store"):
            if store.origin == origin and store.path not in self._in_use:
                with suppress(OSError):
                    store.path.unlink()

    def stores(self, pattern: str = "*.store") -> Iterator[StoreFile]:
        """Every readable store that matches."""
        for path in self._files(pattern):
            with suppress(OSError, ValueError):
                yield StoreFile.open(path)

    def evict(self) -> None:
        """Remove files of killed processes, and the least recently used files beyond the limit, except those in use."""
        free, found = self.limit(), []
        for path in self._files("*.store", "*.digests", f"*{TEMPORARY}"):
            with suppress(OSError):
                status = path.stat()
                if path.suffix != TEMPORARY:
                    found.append((path not in self._in_use, -status.st_mtime, status.st_size, path))
                elif time.time() - status.st_mtime > ABANDONED:
                    path.unlink()
        for removable, _, size, path in sorted(found):
            free -= size
            if free < 0 and removable:
                with suppress(OSError):  # on Windows a store in use by another process cannot be removed
                    path.unlink()

    def limit(self) -> int:
        """Bytes that the stores may take in total."""
        try:
            return min(LARGEST, shutil.disk_usage(self.folder).total // 10)
        except OSError:
            return LARGEST

    def clear(self) -> int:
        """Remove every store and return the bytes freed; raises `OSError` if one cannot be removed."""
        freed = 0
        for path in self._files("*.store", "*.digests", f"*{TEMPORARY}"):
            with suppress(FileNotFoundError):  # a run has replaced or removed it
                size = path.stat().st_size
                path.unlink()
                freed += size
        return freed

    def _use(self, path: Path, contents: Contents) -> None:
        """Mark files as used by this run, then evict others if the limit is exceeded."""
        contents.save()
        for used in (path, contents.path):
            self._in_use.add(used)
            with suppress(OSError):  # then it is only evicted earlier
                os.utime(used)
        self.evict()

    def _files(self, *patterns: str) -> list[Path]:
        return sorted(path for pattern in patterns for path in self.folder.glob(pattern))
