"""A store in a file: pixels, and what was found out about the images that they came from.

    pixels    uint8 N×C×H×W; none in the file of a store that streams
    about     JSON: origin, shape of the pixels, number of images, survey
    trailer   32 bytes: mark, length of `about`, BLAKE2b of `about`

What says how long everything is comes last, so that pixels are written as they are decoded, a file that was cut short
is known by its end, and pixels begin where a page of memory does.
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
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

MARK = b"fwstore2"
TRAILER = struct.Struct("<8sQ16s")
TEMPORARY = ".tmp"


class Damaged(ValueError):
    """The file is not what was once written."""


@dataclass(frozen=True)
class KeptStore:
    """What a file holds besides the pixels."""

    path: Path
    origin: str
    shape: tuple[int, int, int, int]
    """Of the pixels in the file: N×C×H×W."""
    images: int
    """That can be used; as many as there are pixels of, unless the store streams."""
    total: int
    """Of the source, bad ones included."""
    survey: dict[str, Any]

    @classmethod
    def read(cls, path: Path) -> KeptStore:
        """Read everything but the pixels; raises `Damaged`, and `OSError` where it cannot be read at all."""
        with path.open("rb") as file:
            return cls.read_open(path, file)

    @classmethod
    def read_open(cls, path: Path, file: BinaryIO) -> KeptStore:
        """The same from an open file, which another process may have replaced by now."""
        try:
            end = file.seek(-TRAILER.size, os.SEEK_END)
            mark, length, digest = TRAILER.unpack(file.read(TRAILER.size))
            file.seek(end - length)
            text = file.read(length)
            about = json.loads(text) if mark == MARK else {}
            number, channels, height, width = about["shape"]
            if number * channels * height * width + length != end or digest != _digest(text):
                raise Damaged("its parts do not fit together")
            shape = (number, channels, height, width)
            return cls(path, about["origin"], shape, about["images"], about["total"], about["survey"])
        except Damaged:
            raise
        except (OSError, ValueError, LookupError, TypeError) as error:
            raise Damaged(f"its end cannot be read ({error})") from None


class StoreWriter:
    """Writes such a file under a temporary name. Every method raises `OSError` where the disk does not take it."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(TEMPORARY, ".", folder)
        self.path = Path(name)
        self.file: BinaryIO = os.fdopen(descriptor, "w+b")

    def append(self, pixels: NDArray[np.uint8]) -> None:
        """The next images, uint8 N×C×H×W."""
        self.file.write(np.ascontiguousarray(pixels).data)

    def finish(self, **about: Any) -> None:
        """Everything after the pixels; then it is on the disk."""
        text = json.dumps(about).encode()
        self.file.write(text + TRAILER.pack(MARK, len(text), _digest(text)))
        self.file.flush()
        os.fsync(self.file.fileno())

    def publish(self, path: Path) -> None:
        """Give it its name, in place of what has it: whole, or not at all."""
        self.path.replace(path)

    def discard(self) -> None:
        """Remove it; what has opened or mapped it still has it."""
        with suppress(OSError):
            self.file.close()
        with suppress(OSError):
            self.path.unlink(missing_ok=True)


def map_pixels(file: BinaryIO, shape: tuple[int, ...]) -> NDArray[np.uint8]:
    """The pixels of an open file, read-only, as the system reads them when they are looked at."""
    return np.memmap(file, np.uint8, "r", shape=shape)


def read_pixels(file: BinaryIO, into: NDArray[np.uint8]) -> None:
    """The next pixels of an open file; raises `OSError` where they cannot be read, or end too soon."""
    wanted = into.reshape(-1).data
    while len(wanted):
        got = file.readinto(wanted)  # type: ignore[attr-defined]
        if not got:
            raise OSError("the file ends before its pixels do")
        wanted = wanted[got:]


def _digest(text: bytes) -> bytes:
    return hashlib.blake2b(text, digest_size=16).digest()
