"""The place in the cache of one source's store: what is kept there is found, and what was read is kept."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, TypeVar

from framework.data.stamps import stamps_of
from framework.data.stores.kept import Damaged, KeptStore, StoreWriter
from framework.data.stores.survey import Survey
from framework.errors import count

if TYPE_CHECKING:
    from framework.components import ImageSource
    from framework.data.stores.cache import Cache
    from framework.data.stores.digests import Digests
    from framework.data.stores.storage import Say

Result = TypeVar("Result")


@dataclass(frozen=True)
class Found:
    """A kept store of images with the same contents, open: another process may replace it meanwhile."""

    shelf: Shelf
    path: Path
    file: BinaryIO
    shape: tuple[int, int, int, int]
    survey: Survey


@dataclass(frozen=True)
class Shelf:
    """Where the stores of these images are kept."""

    cache: Cache
    name: str
    """The `identity` of the store."""
    source: ImageSource
    digests: Digests
    say: Say

    @property
    def origin(self) -> str:
        """Where the images are."""
        return self.digests.stamps.origin

    def find(self, progress: Callable[[int, int], None]) -> Found | None:
        """The store of images with these contents, if there is one. If it cannot be used, a message says why."""
        if not self.cache.has_any(self.name):  # then the contents need not be known yet
            return None
        path = self.cache.path(self.name, self.digests.all(progress))
        try:
            file = path.open("rb")
        except OSError:  # as good as not there; where the folder is to blame, writing says so
            if changed := self.digests.changed():
                self.say(f"{count(changed, 'image')} of '{self.origin}' changed since the last run: decoding all again")
            return None
        found = self.whole(path, lambda: self._opened(path, file))
        if found is None:
            file.close()
            return None
        self._use(path)
        return found

    def whole(self, path: Path, read: Callable[[], Result]) -> Result | None:
        """What `read` gives; None, and a message, where the file is damaged."""
        try:
            return read()
        except (Damaged, OSError) as error:
            self.say(f"the kept store '{path}' is damaged: {error}; decoding all images again")
            return None

    def keep(self, writer: StoreWriter, **about: Any) -> None:
        """Keep the store that was written, unless images changed meanwhile; raises `OSError`.

        The digests were taken before the images were read; they hold for what was read if they hold afterwards.
        """
        stamps = stamps_of(self.source, range(len(self.source)))
        if stamps is None or not self.digests.still_hold(stamps):
            writer.file.flush()
            self.say(f"images of '{self.origin}' changed while they were read: decoded images are not kept")
            return
        path = self.cache.path(self.name, self.digests.all())
        writer.finish(origin=self.origin, total=len(self.source), **about)
        writer.publish(path)
        self.cache.supersede(path, self.name, self.origin)
        self._use(path)

    def _use(self, path: Path) -> None:
        known = self.cache.digests_path(self.source, self.digests.stamps)
        with suppress(OSError):  # the next run then reads the files once more
            self.digests.keep(known)
        self.cache.use(path, known)

    def _opened(self, path: Path, file: BinaryIO) -> Found:
        kept = KeptStore.read_open(path, file)
        try:
            survey = Survey.from_dict(kept.survey)
        except (LookupError, TypeError, ValueError) as error:
            raise Damaged(f"its survey cannot be read ({error})") from None
        if kept.total != len(self.source) or not kept.images == kept.total - len(survey.bad) == len(survey.hashes):
            raise Damaged("it is of another number of images")
        return Found(self, path, file, kept.shape, survey)
