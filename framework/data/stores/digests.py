"""Digests of the contents of a source's images, saved with the stamps of the files.

Only files whose stamps have changed are read again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from framework.data.ahead import in_order
from framework.errors import RunFailed
from framework.files import replace_atomically

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from framework.data.stamps import Stamps

CHUNK = 256
"""Images that a thread digests at a time."""
WIDTH = 2
"""Int64 numbers of a digest: 128 bits."""


class Digests:
    """The digest of each image of a source, computed when it is first needed; safe to use from several threads.

    `saved` are stamps and digests of the same images at an earlier time, int64 N×(K+2).
    """

    def __init__(self, stamps: Stamps, saved: NDArray[np.int64] | None = None) -> None:
        number, columns = stamps.values.shape
        self.stamps = stamps
        self._saved = saved if saved is not None and saved.shape == (number, columns + WIDTH) else None
        self._values = np.zeros((number, WIDTH), dtype=np.int64)
        self._known = np.zeros(number, dtype=bool)
        if self._saved is not None:
            self._known = stamps.same_as(self._saved[:, :columns])
            self._values[self._known] = self._saved[self._known, columns:]
        self._new = not self._known.all()

    @classmethod
    def load(cls, path: Path, stamps: Stamps) -> Digests:
        """With the digests that `save` wrote to that path, if it can be read."""
        with suppress(OSError, ValueError), path.open("rb") as file:
            saved = np.lib.format.read_array(file, allow_pickle=False)
            return cls(stamps, saved if saved.dtype == np.int64 else None)
        return cls(stamps)

    def save(self, path: Path) -> None:
        """Write stamps and digests if any digest is new. If that fails, the next run computes them again."""
        if self._new:
            with suppress(RunFailed):
                replace_atomically(path, self._write)
                self._new = False

    def compute(self, indices: Sequence[int]) -> None:
        """Compute the digests of these images unless they are known."""
        for index in indices:
            if not self._known[index]:
                self._values[index] = np.frombuffer(self.stamps.digest(index), dtype=np.int64)
                self._known[index] = True

    def all(self, progress: Callable[[int, int], None] = lambda done, total: None) -> NDArray[np.int64]:
        """Int64 N×2; `progress(done, total)` is called while files are read."""
        unknown = np.flatnonzero(~self._known).tolist()
        chunks = [unknown[start : start + CHUNK] for start in range(0, len(unknown), CHUNK)]
        with closing(in_order(self.compute, chunks)) as results:
            for number, _ in enumerate(results, start=1):
                progress(min(number * CHUNK, len(unknown)), len(unknown))
        return self._values

    def changed(self) -> int:
        """Number of images whose contents differ from the saved ones."""
        return 0 if self._saved is None else int((self._saved[:, -WIDTH:] != self.all()).any(axis=1).sum())

    def still_hold(self, stamps: Stamps) -> bool:
        """Whether the images have the same contents under `stamps`, which are newer."""
        return Digests(stamps, self._table()).changed() == 0

    def _table(self) -> NDArray[np.int64]:
        return np.concatenate([self.stamps.values, self.all()], axis=1)

    def _write(self, path: Path) -> None:
        with path.open("wb") as file:
            np.save(file, self._table(), allow_pickle=False)
