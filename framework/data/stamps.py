"""Stamps of image files: they show that an image has changed without reading it."""

from __future__ import annotations

import hashlib
import os
import time
from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from framework.data.mounts import records_changes
from framework.errors import UserError, count

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from framework.components import ImageSource

UNKNOWN = -1
"""Replaces the time of change if that time proves nothing."""
MISSING = (UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN)
"""The stamp of a file that does not exist or cannot be accessed."""
SETTLED = 2_000_000_000
"""Nanoseconds until the time of a change differs from that of the next one: file systems count time in ticks, FAT in
ticks of two seconds."""
UNREADABLE = bytes(16)
"""The digest of a file that cannot be read."""


@dataclass(frozen=True)
class Stamps:
    """Integers for each image of a source that differ whenever the image may have changed.

    `origin` is where the images are (usually an absolute path), with every option that changes what `read` returns.
    `values` is int64 N×K: for a file its size in bytes, time of modification, inode and time of change, in
    nanoseconds. `files` are N files of one image each, or none: if stamps differ, their contents are compared. An image
    without a file is identified by its stamp alone.

    `reader`, if given, identifies the code that makes images of the files: equal files then have equal images wherever
    they are, and `origin` does not matter.
    """

    origin: str
    values: NDArray[np.int64]
    files: Sequence[str | Path | None] = ()
    reader: str | None = None

    @classmethod
    def of_files(cls, origin: str | Path, paths: Iterable[str | Path], reader: str | None = None) -> Stamps:
        """The stamps of files with one image each."""
        files = tuple(paths)
        return cls(os.path.abspath(origin), _of_files(files), files, reader)  # noqa: PTH100 (links stay)

    @classmethod
    def joined(cls, sources: Sequence[ImageSource]) -> Stamps | None:
        """The stamps of several sources, concatenated; None if one of them has none."""
        found = [stamps for source in sources if (stamps := stamps_of(source, range(len(source)))) is not None]
        if not found or len(found) < len(sources):
            return None
        columns = max(stamps.values.shape[1] for stamps in found)
        values = [np.pad(one.values, ((0, 0), (0, columns - one.values.shape[1]))) for one in found]
        files = [file for one in found for file in one.files or [None] * len(one.values)]
        readers = [stamps.reader for stamps in found if stamps.reader is not None]
        reader = "\n".join(readers) if len(readers) == len(found) else None
        return cls("\n".join(stamps.origin for stamps in found), np.concatenate(values), files, reader)

    def of(self, indices: Sequence[int]) -> Stamps:
        """The stamps of some of the images."""
        files = [self.files[index] for index in indices] if self.files else ()
        return Stamps(self.origin, self.values[np.asarray(indices, dtype=np.int64)], files, self.reader)

    def same_as(self, known: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Which images have not changed since they had the stamps `known`, int64 N×K: bool N."""
        same: NDArray[np.bool_] = ((self.values == known) & (self.values != UNKNOWN)).all(axis=1)
        return same

    def digest(self, index: int) -> bytes:
        """BLAKE2b of an image's contents, 16 bytes: of its file, or of its stamp if it has none."""
        digest = hashlib.blake2b(digest_size=16)
        file = self.files[index] if self.files else None
        if file is None:
            digest.update(self.origin.encode(errors="surrogateescape"))
            digest.update(self.values[index].tobytes())
            return digest.digest()
        try:
            with open(file, "rb", buffering=0) as content:  # noqa: PTH123 (once for each image)
                while block := content.read(2**20):
                    digest.update(block)
        except OSError:
            return UNREADABLE
        return digest.digest()


def stamps_of(source: ImageSource, indices: Sequence[int]) -> Stamps | None:
    """The stamps of these images, or None; raises `UserError` if the source returns anything else."""
    method = getattr(source, "stamps", None)
    stamps: Any = method(indices) if method else None
    if stamps is None:
        return None
    if not isinstance(stamps, Stamps):
        raise UserError(f"an image source's stamps() must return framework.Stamps or None; it returned {stamps!r}")
    shape, number = stamps.values.shape, len(indices)
    if len(shape) != 2 or shape[0] != number or not shape[1] or stamps.values.dtype != np.int64:
        returned = f"{stamps.values.dtype} {'×'.join(map(str, shape))}"
        raise UserError(
            f"an image source's stamps() returned {returned} for {count(number, 'image')}; int64 N×K expected"
        )
    if len(stamps.files) not in (0, number):
        raise UserError(
            f"an image source's stamps() returned {count(len(stamps.files), 'file')} for {count(number, 'image')}"
        )
    return stamps


def _of_files(paths: Sequence[str | Path]) -> NDArray[np.int64]:
    """Int64 N×4. A time of change is `UNKNOWN` if it is too recent, or the file system does not record it."""
    started = time.time_ns()
    numbers, devices, stat = array("q"), array("Q"), os.stat
    examples: dict[int, str | Path] = {}
    for path in paths:
        try:
            status = stat(path)
        except OSError:
            numbers.extend(MISSING)
            devices.append(0)
            continue
        inode = status.st_ino & (2**63 - 1)
        numbers.extend((status.st_size, status.st_mtime_ns, inode, status.st_ctime_ns))
        devices.append(status.st_dev)
        examples.setdefault(status.st_dev, path)
    values = np.array(numbers, dtype=np.int64).reshape(-1, 4)
    values[values[:, 3] > started - SETTLED, 3] = UNKNOWN
    for device, path in examples.items():
        if not records_changes(path):
            values[np.array(devices, dtype=np.uint64) == device, 3] = UNKNOWN
    return values
