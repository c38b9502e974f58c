"""The place in the cache of one source's store, and whether what is there may be used."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, TypeVar

from framework.data.stores.kept import Damaged, KeptStore
from framework.data.stores.survey import Survey

if TYPE_CHECKING:
    from framework.data.stamps import Stamps
    from framework.data.stores.cache import Cache
    from framework.data.stores.storage import Say

Result = TypeVar("Result")


@dataclass(frozen=True)
class Found:
    """A kept store whose images are as they were, open: another process may replace it meanwhile."""

    shelf: Shelf
    file: BinaryIO
    shape: tuple[int, int, int, int]
    survey: Survey


@dataclass(frozen=True)
class Shelf:
    """Where the store of these images is kept, and what they look like now."""

    cache: Cache
    path: Path
    stamps: Stamps
    say: Say

    def find(self) -> Found | None:
        """What is kept, if it may be used. Where something is there and may not, a sentence says why."""
        try:
            file = self.path.open("rb")
        except OSError:  # as good as not there; where the folder is to blame, writing says so
            return None
        found = self.whole(lambda: self._unchanged(file))
        if found is None:
            file.close()
            return None
        self.cache.use(self.path)
        return found

    def whole(self, read: Callable[[], Result]) -> Result | None:
        """What `read` gives; None, and a sentence, where the file is damaged."""
        try:
            return read()
        except (Damaged, OSError) as error:
            self.say(f"the kept store '{self.path}' is damaged: {error}; images are read anew")
            return None

    def _unchanged(self, file: BinaryIO) -> Found | None:
        kept = KeptStore.read_open(self.path, file)
        try:
            survey = Survey.from_dict(kept.survey)
        except (LookupError, TypeError, ValueError) as error:
            raise Damaged(f"its survey cannot be read ({error})") from None
        if len(kept.stamps) != len(self.stamps.values) or not (
            kept.images == len(kept.stamps) - len(survey.bad) == len(survey.hashes)
        ):
            raise Damaged("it is of another number of images")
        changed = int((kept.stamps != self.stamps.values).any(axis=1).sum())
        if changed:
            what = "1 file has" if changed == 1 else f"{changed:,} files have"
            self.say(f"{what} changed in '{self.stamps.origin}' since it was last read: read anew")
            return None
        return Found(self, file, kept.shape, survey)
