"""What shows that an image has changed since it was last read, without reading it."""

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
"""In place of the time of change where that time proves nothing."""
MISSING = (UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN)
"""The stamp of a file that does not exist or may not be looked at."""
SETTLED = 2_000_000_000
"""Nanoseconds after a change from which on the time of change tells it from the next one: file systems count time in
ticks, FAT in ticks of two seconds."""
UNREADABLE = bytes(16)
"""The digest of a file that cannot be read."""


@dataclass(frozen=True)
class Stamps:
    """For each image of a source, whole numbers that differ whenever the image may have changed.

    `origin` says where the images are (an absolute path, as a rule) and contains every option that changes what `read`
    returns. `values` is int64 N×K: of a file, its size in bytes, its time of modification, its inode and its time of
    change, in nanoseconds. `files` are the files that hold one image each, N of them or none: where stamps differ,
    their contents are compared. An image without a file is known by its stamp alone.

    `reader`, if given, says what makes images of the contents of the files: the same files then have the same images
    wherever they are, and `origin` does not matter.
    """

    origin: str
    values: NDArray[np.int64]
    files: Sequence[str | Path | None] = ()
    reader: str | None = None

    @classmethod
    def of_files(cls, origin: str | Path, paths: Iterable[str | Path], reader: str | None = None) -> Stamps:
        """Of images in files, one a file."""
        files = tuple(paths)
        return cls(os.path.abspath(origin), _of_files(files), files, reader)  # noqa: PTH100 (links stay)

    @classmethod
    def joined(cls, sources: Sequence[ImageSource]) -> Stamps | None:
        """Of several sources one after the other; None where one of them has none."""
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
        """Of some of the images."""
        files = [self.files[index] for index in indices] if self.files else ()
        return Stamps(self.origin, self.values[np.asarray(indices, dtype=np.int64)], files, self.reader)

    def same_as(self, known: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Which images have not changed since their stamps were `known`, int64 N×K: bool N."""
        same: NDArray[np.bool_] = ((self.values == known) & (self.values != UNKNOWN)).all(axis=1)
        return same

    def digest(self, index: int) -> bytes:
        """16 bytes that follow from an image's contents: of its file, or of its stamp where it has none."""
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
    """What shows whether these images have changed, or None; raises `UserError` where a source gives something else."""
    offered = getattr(source, "stamps", None)
    stamps: Any = offered(indices) if offered else None
    if stamps is None:
        return None
    if not isinstance(stamps, Stamps):
        raise UserError(f"an image source's stamps() must give framework.Stamps or None; it gave {stamps!r}")
    shape, number = stamps.values.shape, len(indices)
    if len(shape) != 2 or shape[0] != number or not shape[1] or stamps.values.dtype != np.int64:
        given = f"{stamps.values.dtype} {'×'.join(map(str, shape))}"
        raise UserError(f"an image source was asked for the stamps of {count(number, 'image')} and gave {given}")
    if len(stamps.files) not in (0, number):
        raise UserError(
            f"an image source gave the stamps of {count(number, 'image')} with {count(len(stamps.files), 'file')}"
        )
    return stamps


def _of_files(paths: Sequence[str | Path]) -> NDArray[np.int64]:
    """Int64 N×4. A time of change is `UNKNOWN` where it is too recent, or its file system does not keep it."""
    started = time.time_ns()
    numbers, devices, stat = array("q"), array("Q"), os.stat
    examples: dict[int, str | Path] = {}
    for path in paths:
        try:
            found = stat(path)
        except OSError:
            numbers.extend(MISSING)
            devices.append(0)
            continue
        inode = found.st_ino & (2**63 - 1)
        numbers.extend((found.st_size, found.st_mtime_ns, inode, found.st_ctime_ns))
        devices.append(found.st_dev)
        examples.setdefault(found.st_dev, path)
    values = np.array(numbers, dtype=np.int64).reshape(-1, 4)
    values[values[:, 3] > started - SETTLED, 3] = UNKNOWN
    for device, path in examples.items():
        if not records_changes(path):
            values[np.array(devices, dtype=np.uint64) == device, 3] = UNKNOWN
    return values
