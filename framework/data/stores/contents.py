"""What identifies a store: the settings that determine the pixels, and digests of the contents of the images.

Digests are saved with the stamps of the files: only files whose stamps have changed are read again.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from framework.data.ahead import in_order
from framework.data.stamps import UNKNOWN, stamps_of
from framework.errors import RunFailed
from framework.files import replace_atomically

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from framework.components import ImageSource
    from framework.data.preprocess import Preprocessor
    from framework.data.stamps import Stamps

DECODER = 4
"""Increased whenever the same file is decoded to other pixels, or a store contains more."""
CHUNK = 256
"""Images that a thread digests at a time."""
WIDTH = 2
"""Int64 numbers of a digest: 128 bits."""


class Contents:
    """The digest of each image of a source, computed when it is first needed; safe to use from several threads.

    `identity` is a digest of everything else that determines the pixels. `saved` are stamps and digests of the same
    images at an earlier time, int64 N×(K+2), `UNKNOWN` where there are none.
    """

    def __init__(
        self, source: ImageSource, stamps: Stamps, identity: str, path: Path, saved: NDArray[np.int64]
    ) -> None:
        self.source, self.stamps, self.identity, self.path = source, stamps, identity, path
        self._saved = saved[:, -WIDTH:]
        self._digests = self._saved.copy()
        self._known = stamps.same_as(saved[:, :-WIDTH])
        self._new = not self._known.all()

    @classmethod
    def of(cls, source: ImageSource, preprocess: Preprocessor, folder: Path) -> Contents | None:
        """With the digests that `save` wrote to the folder; None if the source has no stamps."""
        stamps = stamps_of(source, range(len(source)))
        if stamps is None:
            return None
        path = folder / f"{_digest(stamps.origin, *source.names)}.digests"
        number, columns = stamps.values.shape
        saved = np.full((number, columns + WIDTH), UNKNOWN, dtype=np.int64)
        with suppress(OSError, ValueError):
            saved = np.fromfile(path, dtype=np.int64).reshape(saved.shape)
        return cls(source, stamps, _identity(source, preprocess, stamps), path, saved)

    def name(self) -> str:
        """The name of the store with these contents."""
        return f"{self.identity}-{hashlib.blake2b(self.all().data, digest_size=16).hexdigest()}.store"

    def save(self) -> None:
        """Write stamps and digests if any digest is new. If that fails, the next run computes them again."""
        if self._new:
            with suppress(RunFailed):
                replace_atomically(self.path, self._table().tofile)
                self._new = False

    def compute(self, indices: Sequence[int]) -> None:
        """Compute the digests of these images unless they are known."""
        for index in indices:
            if not self._known[index]:
                self._digests[index] = np.frombuffer(self.stamps.digest(index), dtype=np.int64)
                self._known[index] = True

    def all(self, progress: Callable[[int, int], None] = lambda done, total: None) -> NDArray[np.int64]:
        """Int64 N×2; `progress(done, total)` is called while files are read."""
        unknown = np.flatnonzero(~self._known).tolist()
        chunks = [unknown[start : start + CHUNK] for start in range(0, len(unknown), CHUNK)]
        with closing(in_order(self.compute, chunks)) as results:
            for number, _ in enumerate(results, start=1):
                progress(min(number * CHUNK, len(unknown)), len(unknown))
        return self._digests

    def changed(self) -> int:
        """Number of images whose contents are known to differ from the saved ones."""
        differ = (self._digests != self._saved) & (self._saved != UNKNOWN)
        return int(differ.any(axis=1).sum())

    def still_hold(self) -> bool:
        """Whether the images have the same contents now."""
        stamps = stamps_of(self.source, range(len(self.source)))
        if stamps is None:
            return False
        now = Contents(self.source, stamps, self.identity, self.path, self._table())
        now.all()
        return now.changed() == 0

    def _table(self) -> NDArray[np.int64]:
        return np.concatenate([self.stamps.values, self.all()], axis=1)


def _identity(source: ImageSource, preprocess: Preprocessor, stamps: Stamps) -> str:
    """Labels and classes are not part of it: images with new labels need not be decoded again."""
    import PIL

    from framework.data.resize import VERSION as RESIZING

    words = [
        [DECODER, RESIZING, PIL.__version__],  # another release may decode to other pixels
        [preprocess.height, preprocess.width, preprocess.channels, preprocess.fit, preprocess.value_range],
        stamps.origin if stamps.reader is None else None,
        stamps.reader,
    ]
    return _digest(json.dumps(words), *source.names)


def _digest(*words: str) -> str:
    return hashlib.blake2b("\0".join(words).encode(errors="surrogateescape"), digest_size=16).hexdigest()
