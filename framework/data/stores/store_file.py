"""The file format of a store.

    pixels       uint8 N×C×H×W; none if the images are streamed
    description  JSON: origin, shape of the pixels, survey
    trailer      32 bytes: mark, length of the description, its BLAKE2b checksum

The lengths come last, so that pixels are written as they are decoded, a truncated file is detected by its end, and
pixels start at a page boundary.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import struct
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import numpy as np

from framework.files import rename_flushed

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from framework.data.stores.store import Shape

MARK = b"fwstore4"
TRAILER = struct.Struct("<8sQ16s")
TEMPORARY = ".tmp"


@dataclass(frozen=True)
class StoreFile:
    """A store mapped into memory. It stays readable when another process replaces or removes the file."""

    path: Path
    origin: str
    """Where the images are."""
    shape: Shape
    """Of the usable images, N×C×H×W."""
    pixels: NDArray[np.uint8] | None
    """Read-only; the system loads pages on first access. None if the images are streamed."""
    survey: dict[str, Any]
    status: os.stat_result

    @classmethod
    def open(cls, path: Path) -> StoreFile:
        """Raises `ValueError` if the file is damaged, `OSError` if it cannot be opened."""
        content: NDArray[np.uint8] = np.memmap(path, np.uint8, "r")
        end = len(content) - TRAILER.size
        if end < 0:
            raise ValueError("it is too short")
        mark, length, checksum = TRAILER.unpack(content[end:].tobytes())
        text = content[max(0, end - length) : end].tobytes()
        if (mark, checksum) != (MARK, _checksum(text)):
            raise ValueError("its checksum is wrong")
        about = json.loads(text)
        size, shape = end - length, tuple(about.pop("shape"))
        if size not in (0, math.prod(shape)):
            raise ValueError("its parts do not add up")
        pixels = content[:size].reshape(shape) if size else None
        return cls(path, shape=shape, pixels=pixels, status=path.stat(), **about)

    def read(self, into: NDArray[np.uint8]) -> None:
        """Fill `into` with the pixels, which takes 10 % less time than to copy the mapping; raises `OSError`."""
        with self.path.open("rb") as file:
            if file.readinto(into.reshape(-1).data) < into.size:
                raise OSError("it ends before its pixels do")


def create(folder: Path) -> IO[bytes]:
    """A new file for a store, under a temporary name; raises `OSError`."""
    folder.mkdir(parents=True, exist_ok=True)
    return tempfile.NamedTemporaryFile(dir=folder, prefix=".", suffix=TEMPORARY, delete=False)


def append(file: IO[bytes], pixels: NDArray[np.uint8]) -> None:
    """Write the next images, uint8 N×C×H×W; if that raises `OSError`, the file is removed, as the disk may be full."""
    try:
        file.write(pixels.data)
    except OSError:
        discard(file)
        raise


def publish(file: IO[bytes], path: Path, **description: Any) -> None:
    """Write everything after the pixels, and move the file to `path` atomically; raises `OSError`."""
    text = json.dumps(description).encode()
    file.write(text + TRAILER.pack(MARK, len(text), _checksum(text)))
    file.flush()
    rename_flushed(Path(file.name), path)


def discard(file: IO[bytes]) -> None:
    """Close the file, and remove it unless it was published; a mapping of it stays valid."""
    with suppress(OSError):
        file.close()
    with suppress(OSError):
        Path(file.name).unlink(missing_ok=True)


def _checksum(text: bytes) -> bytes:
    return hashlib.blake2b(text, digest_size=16).digest()
