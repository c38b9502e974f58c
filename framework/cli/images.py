"""Images given on the command line: files, folders, patterns, and lists on standard input."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from framework.data.decode import BadImage
from framework.data.listing import Listing, is_pattern, lines_of, missing
from framework.errors import UserError, count


@dataclass
class Inputs:
    """The images given on the command line and on standard input."""

    words: list[str]
    end: bytes | None
    total: int | None = None
    """Number of images, once they are counted."""
    listing: Listing = field(default_factory=Listing)

    def __post_init__(self) -> None:
        if not self.words and self.end is None:
            raise UserError("no images given; pass files, folders, patterns, or - for a list on standard input")
        missing(self.words)

    @property
    def are_many(self) -> bool:
        """Whether to show progress."""
        return self.end is not None or any(Path(word).is_dir() or is_pattern(word) for word in self.words)

    def images(self) -> Iterator[str | BadImage]:
        """Paths of images in the order given, standard input last."""
        if self.end is None and sys.stderr.isatty():
            threading.Thread(target=self._count, daemon=True).start()
        for word in self.words:
            yield from self.listing.named(word)
        if self.end is not None:
            for line in lines_of(sys.stdin.buffer, self.end):
                yield from self.listing.at(line)

    def lines(self) -> list[str]:
        """Messages about empty folders and ignored files."""
        skipped = self.listing.skipped
        lines = [f"the folder '{folder}' has no images" for folder in self.listing.empty]
        if skipped:
            endings = ", ".join(sorted(skipped))
            lines.append(f"{count(skipped.total(), 'file')} in folders ignored: not images ({endings})")
        return lines

    def reason_for_none(self) -> str:
        """Why there are no images."""
        return "\n".join(self.lines()) or "there are no images on standard input"

    def _count(self) -> None:
        listing = Listing()
        self.total = sum(1 for word in self.words for _ in listing.named(word))
