"""The file format of a store.

    pixels       uint8 N×C×H×W; none if the images are streamed
    description  JSON: origin, shape of the pixels, number of images, survey
    trailer      32 bytes: mark, length of the description, its BLAKE2b checksum

The lengths come last, so that pixels are written as they are decoded, a truncated file is detected by its end, and
pixels start at a page boundary.
"""

from __future__ import annotations

import hashlib
import json
import os
import struct
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from framework.files import rename_flushed

if TYPE_CHECKING:
    from io import BufferedRandom, BufferedReader

    from numpy.typing import NDArray

    from framework.data.stores.pixels import Shape

MARK = b"fwstore3"
TRAILER = struct.Struct("<8sQ16s")
TEMPORARY = ".tmp"


class DamagedStore(ValueError):
    """The file is not a complete store."""

    def __init__(self, path: Path, reason: object) -> None:
        super().__init__(f"the cached store '{path}' is damaged: {reason}")


@dataclass(frozen=True)
class StoreFile:
    """An open store. It stays readable when another process replaces or removes the file."""

    path: Path
    file: BufferedReader
    origin: str
    """Where the images are."""
    shape: Shape
    """Of the pixels in the file, N×C×H×W; N is 0 if they are streamed."""
    images: int
    """Usable images of the source."""
    survey: dict[str, Any]
    status: os.stat_result

    @classmethod
    def open(cls, path: Path) -> StoreFile:
        """Read everything but the pixels; raises `DamagedStore`, and `OSError` if the file cannot be opened."""
        file = path.open("rb")
        try:
            end = file.seek(-TRAILER.size, os.SEEK_END)
            mark, length, checksum = TRAILER.unpack(file.read(TRAILER.size))
            file.seek(end - length)
            text = file.read(length)
            if (mark, checksum) != (MARK, _checksum(text)):
                raise ValueError("its checksum is wrong")
            about = json.loads(text)
            number, channels, height, width = about.pop("shape")
            if number * channels * height * width + length != end:
                raise ValueError("its parts do not add up")
            status = os.fstat(file.fileno())
            return cls(path, file, shape=(number, channels, height, width), status=status, **about)
        except (OSError, ValueError) as error:
            file.close()
            raise DamagedStore(path, error) from None

    def __enter__(self) -> StoreFile:
        return self

    def __exit__(self, *_: object) -> None:
        self.file.close()

    def read(self, start: int, into: NDArray[np.uint8]) -> None:
        """Fill `into` with the bytes from `start` on; raises `DamagedStore`."""
        try:
            self.file.seek(start)
            if self.file.readinto(into.reshape(-1).data) < into.size:
                raise OSError("the file ends before its pixels do")
        except OSError as error:
            raise DamagedStore(self.path, error) from None


class StoreWriter:
    """Writes a store under a temporary name. Methods raise `OSError`."""

    file: BufferedRandom

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._path: Path | None = None

    def create(self) -> None:
        """Create the file; called before the others."""
        self.folder.mkdir(parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(TEMPORARY, ".", self.folder)
        self.file, self._path = os.fdopen(descriptor, "w+b"), Path(name)

    def append(self, pixels: NDArray[np.uint8]) -> None:
        """Write the next images, uint8 N×C×H×W."""
        self.file.write(np.ascontiguousarray(pixels).data)

    def flush(self) -> None:
        """Make what was written visible to a mapping of the file."""
        self.file.flush()

    def publish(self, path: Path, **description: Any) -> None:
        """Write everything after the pixels, and move the file to `path` atomically."""
        text = json.dumps(description).encode()
        self.file.write(text + TRAILER.pack(MARK, len(text), _checksum(text)))
        self.file.flush()
        assert self._path is not None  # it was created
        rename_flushed(self._path, path)

    def close(self) -> None:
        """Remove the file unless it was published; a mapping of it stays valid."""
        if self._path is not None:
            with suppress(OSError):
                self.file.close()
            with suppress(OSError):
                self._path.unlink(missing_ok=True)


def _checksum(text: bytes) -> bytes:
    return hashlib.blake2b(text, digest_size=16).digest()
