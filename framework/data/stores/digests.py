"""Digests of the contents of a source's images, kept with the stamps under which they were taken.

Only images whose stamps differ are read again.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from framework.data.ahead import in_order
from framework.data.stores.kept import StoreWriter

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from framework.data.stamps import Stamps

CHUNK = 256
"""Images whose digests a thread takes at a time."""
WIDTH = 2
"""Numbers of a digest: 128 bits."""


class Digests:
    """The digest of each image of a source, taken when it is first asked for. Its methods may be called by any thread.

    `before` are stamps and digests of the same images at an earlier time, int64 N×(K+2).
    """

    def __init__(self, stamps: Stamps, before: NDArray[np.int64] | None) -> None:
        number, columns = stamps.values.shape
        self.stamps = stamps
        self._before = before if before is not None and before.shape == (number, columns + WIDTH) else None
        self._values = np.zeros((number, WIDTH), dtype=np.int64)
        self._known = np.zeros(number, dtype=bool)
        if self._before is not None:
            self._known = stamps.same_as(self._before[:, :columns])
            self._values[self._known] = self._before[self._known, columns:]
        self._complete = bool(self._known.all())

    @classmethod
    def read(cls, path: Path, stamps: Stamps) -> Digests:
        """With what `keep` wrote to that path, if it can be read."""
        try:
            with path.open("rb") as file:
                before = np.lib.format.read_array(file, allow_pickle=False)
        except (OSError, ValueError):
            before = None
        return cls(stamps, before if before is not None and before.dtype == np.int64 else None)

    def of(self, indices: Sequence[int]) -> None:
        """Take the digests of these images where they are not known."""
        for index in indices:
            if not self._known[index]:
                self._values[index] = np.frombuffer(self.stamps.digest(index), dtype=np.int64)
                self._known[index] = True

    def all(self, progress: Callable[[int, int], None] = lambda done, total: None) -> NDArray[np.int64]:
        """Int64 N×2; `progress(done, total)` is called while files are read."""
        unknown = np.flatnonzero(~self._known).tolist()
        chunks = [unknown[start : start + CHUNK] for start in range(0, len(unknown), CHUNK)]
        with closing(in_order(self.of, chunks)) as results:
            for number, _ in enumerate(results, start=1):
                progress(min(number * CHUNK, len(unknown)), len(unknown))
        return self._values

    def changed(self) -> int:
        """How many images have other contents than before."""
        if self._before is None:
            return 0
        return int((self._before[:, -WIDTH:] != self.all()).any(axis=1).sum())

    def still_hold(self, stamps: Stamps) -> bool:
        """Whether the images have the same contents under `stamps`, which were taken later."""
        before = np.concatenate([self.stamps.values, self.all()], axis=1)
        return Digests(stamps, before).changed() == 0

    def keep(self, path: Path) -> None:
        """Write stamps and digests, if any digest is new; raises `OSError`."""
        if self._complete:
            return
        file = io.BytesIO()
        np.save(file, np.concatenate([self.stamps.values, self.all()], axis=1), allow_pickle=False)
        writer = StoreWriter(path.parent)
        try:
            writer.file.write(file.getvalue())
            writer.file.flush()
            writer.publish(path)
        finally:
            writer.discard()
        self._complete = True
