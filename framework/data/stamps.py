"""What tells whether an image has changed since it was last read, without reading it."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from framework.errors import UserError, count

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from framework.components import ImageSource

MISSING = (-1, -1)
"""The stamp of a file that is not there, or that may not be looked at."""


@dataclass(frozen=True)
class Stamps:
    """For each image of a source two whole numbers that are others when the image may be another.

    `origin` says where the images come from (an absolute path, as a rule), and every option besides that changes what
    `read` gives; `values` is int64 N×2: of a file, its bytes and when it was last written, in nanoseconds.
    """

    origin: str
    values: NDArray[np.int64]

    @classmethod
    def of_files(cls, origin: str | Path, paths: Iterable[str | Path]) -> Stamps:
        """Of images in files, one a file."""
        pairs = [_of_file(path) for path in paths]
        return cls(os.path.abspath(origin), np.array(pairs, dtype=np.int64).reshape(-1, 2))  # noqa: PTH100 (links stay)

    @classmethod
    def joined(cls, sources: Sequence[ImageSource]) -> Stamps | None:
        """Of several sources one after the other; None where one of them has none."""
        found = [stamps for source in sources if (stamps := stamps_of(source, range(len(source)))) is not None]
        if not found or len(found) < len(sources):
            return None
        return cls("\n".join(stamps.origin for stamps in found), np.concatenate([stamps.values for stamps in found]))

    def of(self, indices: Sequence[int]) -> Stamps:
        """Of some of the images."""
        return Stamps(self.origin, self.values[np.asarray(indices, dtype=np.int64)])


def stamps_of(source: ImageSource, indices: Sequence[int]) -> Stamps | None:
    """What tells whether these images have changed, or None; raises `UserError` where a source gives something else."""
    offered = getattr(source, "stamps", None)
    stamps: Any = offered(indices) if offered else None
    if stamps is None:
        return None
    if not isinstance(stamps, Stamps):
        raise UserError(f"an image source's stamps() must give framework.Stamps or None; it gave {stamps!r}")
    if stamps.values.shape != (len(indices), 2) or stamps.values.dtype != np.int64:
        given = f"{stamps.values.dtype} {'×'.join(map(str, stamps.values.shape))}"
        raise UserError(f"an image source was asked for the stamps of {count(len(indices), 'image')} and gave {given}")
    return stamps


def _of_file(path: str | Path) -> tuple[int, int]:
    try:
        found = os.stat(path)  # noqa: PTH116 (once for each image)
    except OSError:
        return MISSING
    return found.st_size, found.st_mtime_ns
