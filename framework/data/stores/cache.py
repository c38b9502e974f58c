"""The folder of stores that are kept between runs, bounded in size."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from framework.data.roots import expand_home
from framework.data.stores.store_file import TEMPORARY, DamagedStore, StoreFile
from framework.errors import UserError

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

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.writable = True
        """False after a write failed, so that a run reports that once and does not try again."""
        self._in_use: set[Path] = set()

    def files(self, *patterns: str) -> list[Path]:
        """The files of the folder that match; none if it does not exist."""
        return sorted(path for pattern in patterns for path in self.folder.glob(pattern) if self.folder.is_dir())

    def stores(self, pattern: str = "*.store") -> Iterator[StoreFile]:
        """Every readable store that matches, closed."""
        for path in self.files(pattern):
            with suppress(OSError, DamagedStore), StoreFile.open(path) as store:
                yield store

    def use(self, *paths: Path) -> None:
        """Mark files as used by this run, then evict others if the limit is exceeded."""
        self._in_use.update(paths)
        for path in paths:
            with suppress(OSError):  # then it is only evicted earlier
                os.utime(path)
        self.evict()

    def remove_superseded(self, pattern: str, origin: str) -> None:
        """Remove stores that match, were made from images at `origin`, and are not in use."""
        for store in self.stores(pattern):
            if store.origin == origin and store.path not in self._in_use:
                with suppress(OSError):
                    store.path.unlink()

    def evict(self) -> None:
        """Remove files of killed processes, and the least recently used files beyond the limit, except those in use."""
        now = time.time()
        for path in self.files(f"*{TEMPORARY}"):
            with suppress(OSError):
                if now - path.stat().st_mtime > ABANDONED:
                    path.unlink()
        free = self.limit()
        found = []
        for path in self.files("*.store", "*.digests"):
            with suppress(OSError):
                status = path.stat()
                found.append((path not in self._in_use, -status.st_mtime, status.st_size, path))
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
        for path in self.files("*.store", "*.digests", f"*{TEMPORARY}"):
            with suppress(FileNotFoundError):  # a run has replaced or removed it
                size = path.stat().st_size
                path.unlink()
                freed += size
        return freed
