"""Stores that are kept between runs: named by the contents of the images that they were made of, bounded in size."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from framework.data.roots import expand_home
from framework.data.stores.kept import TEMPORARY, Damaged, KeptStore
from framework.errors import UserError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from framework.components import ImageSource
    from framework.data.preprocess import Preprocessor
    from framework.data.stamps import Stamps

VARIABLE = "FRAMEWORK_CACHE"
LARGEST = 20_000_000_000
"""Bytes that kept stores take together, or a tenth of their file system where that is less."""
ABANDONED = 86400.0
"""Seconds after which a file that nobody wrote on is taken for what a killed process left."""
DECODER = 3
"""To be counted up whenever the same file would be decoded to other pixels, or more is kept of it."""


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


def identity(source: ImageSource, preprocess: Preprocessor, stamps: Stamps, streams: bool) -> str:
    """The first part of a store's file name: everything that decides its pixels but the contents of the images.

    Labels and classes are no part of it: they come from the source each time, so that images with new labels need not
    be decoded again.
    """
    import PIL

    from framework.data.resize import VERSION as RESIZING

    words = [
        [DECODER, RESIZING],
        PIL.__version__,  # another release may decode to other pixels
        [preprocess.height, preprocess.width, preprocess.channels, preprocess.fit, preprocess.value_range],
        streams,
        stamps.origin if stamps.reader is None else None,
        stamps.reader,
    ]
    return _hexadecimal(json.dumps(words).encode(), _names_of(source))


def _names_of(source: ImageSource) -> bytes:
    return "\0".join(source.names).encode(errors="surrogateescape")


def _hexadecimal(*parts: bytes) -> str:
    digest = hashlib.blake2b(digest_size=16)
    for part in parts:
        digest.update(len(part).to_bytes(8, "little"))
        digest.update(part)
    return digest.hexdigest()


@dataclass(frozen=True)
class Entry:
    """A kept store, for people."""

    store: KeptStore
    size: int
    """Bytes of the file."""
    used: float
    """When a run last used it, in seconds since 1970."""


class Cache:
    """A folder of kept stores, as one run uses it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.writable = True
        """False once it did not take a store: a run says so once, and does not try again."""
        self._in_use: set[Path] = set()

    def path(self, name: str, digests: NDArray[np.int64]) -> Path:
        """Where the store of that identity is, or would be, if its images have contents of those digests."""
        return self.folder / f"{name}-{_hexadecimal(digests.tobytes())}.store"

    def digests_path(self, source: ImageSource, stamps: Stamps) -> Path:
        """Where the digests of these images are kept."""
        origin = stamps.origin.encode(errors="surrogateescape")
        return self.folder / f"{_hexadecimal(origin, _names_of(source))}.digests"

    def has_any(self, name: str) -> bool:
        """Whether there is a store of that identity, whatever the contents of its images."""
        return bool(self._files(f"{name}-*.store"))

    def entries(self) -> list[Entry]:
        """Every store that can be read, the last used first."""
        found = []
        for path in self._files("*.store"):
            with suppress(OSError, Damaged):
                status = path.stat()
                found.append(Entry(KeptStore.read(path), status.st_size, status.st_mtime))
        return sorted(found, key=lambda entry: -entry.used)

    def use(self, *paths: Path) -> None:
        """Note that this run uses these files, and remove what exceeds the limit."""
        for path in paths:
            self._in_use.add(path)
            with suppress(OSError):  # where the time cannot be written the file only goes earlier
                os.utime(path)
        self.prune()

    def supersede(self, path: Path, name: str, origin: str) -> None:
        """Remove other stores of that identity that were made of earlier contents of the same files."""
        for other in self._files(f"{name}-*.store"):
            with suppress(OSError, Damaged):
                if other != path and other not in self._in_use and KeptStore.read(other).origin == origin:
                    other.unlink()

    def prune(self) -> None:
        """Remove what killed processes left, and the least recently used stores beyond the limit, but none in use."""
        now = time.time()
        for path in self._files(f"*{TEMPORARY}"):
            with suppress(OSError):
                if now - path.stat().st_mtime > ABANDONED:
                    path.unlink()
        room = self.limit()
        for path, size, _ in sorted(self._sizes(), key=lambda file: (file[0] not in self._in_use, -file[2])):
            room -= size
            if room < 0 and path not in self._in_use:
                with suppress(OSError):  # on Windows a store that another process uses cannot be removed
                    path.unlink()

    def limit(self) -> int:
        """Bytes that the stores may take together."""
        try:
            return min(LARGEST, shutil.disk_usage(self.folder).total // 10)
        except OSError:
            return LARGEST

    def clear(self) -> int:
        """Remove every store; how many bytes that were. Raises `OSError` where one cannot be removed."""
        freed = 0
        for path in [*self._files("*.store"), *self._files("*.digests"), *self._files(f"*{TEMPORARY}")]:
            with suppress(FileNotFoundError):  # a run has replaced or removed it
                size = path.stat().st_size
                path.unlink()
                freed += size
        return freed

    def _sizes(self) -> list[tuple[Path, int, float]]:
        found = []
        for path in [*self._files("*.store"), *self._files("*.digests")]:
            with suppress(OSError):
                status = path.stat()
                found.append((path, status.st_size, status.st_mtime))
        return found

    def _files(self, pattern: str) -> list[Path]:
        return sorted(self.folder.glob(pattern)) if self.folder.is_dir() else []


def describe(entry: Entry) -> dict[str, Any]:
    """As JSON types."""
    _, channels, height, width = entry.store.shape
    return {
        "file": str(entry.store.path),
        "root": entry.store.origin,
        "images": entry.store.images,
        "size": [channels, height, width],
        "bytes": entry.size,
        "last_used": entry.used,
    }
