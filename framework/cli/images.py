"""Images as people name them on the command line: paths, folders, patterns, and lists on standard input."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from framework.data.listing import Listing, is_pattern, lines_of, missing
from framework.errors import UserError, count

if TYPE_CHECKING:
    from framework.data.decode import BadImage


@dataclass
class Inputs:
    """What was named on the command line and on standard input."""

    words: list[str]
    end: bytes | None
    total: int | None = None
    """How many images there are, once they are counted."""
    listing: Listing = field(default_factory=Listing)

    def __post_init__(self) -> None:
        if not self.words and self.end is None:
            raise UserError("name images to classify: files, folders, patterns, or - for a list on standard input")
        missing(self.words)

    @property
    def are_many(self) -> bool:
        """Whether it is worth showing how far it is."""
        return self.end is not None or any(Path(word).is_dir() or is_pattern(word) for word in self.words)

    def images(self) -> Iterator[str | BadImage]:
        """One after the other, in the order of what names them, standard input last."""
        if self.end is None and sys.stderr.isatty():
            threading.Thread(target=self._count, daemon=True).start()
        for word in self.words:
            yield from self.listing.named(word)
        if self.end is not None:
            for line in lines_of(sys.stdin.buffer, self.end):
                yield from self.listing.at(line)

    def lines(self) -> list[str]:
        """What was passed over, in words."""
        passed = self.listing.passed_over
        lines = [f"the folder '{folder}' has no images" for folder in self.listing.empty]
        if passed:
            endings = ", ".join(sorted(passed))
            lines.append(f"{count(passed.total(), 'file')} in folders passed over, being no images ({endings})")
        return lines

    def nothing(self) -> str:
        """Why there is no image at all."""
        return "\n".join(self.lines()) or "standard input names no images"

    def _count(self) -> None:
        listing = Listing()
        self.total = sum(1 for word in self.words for _ in listing.named(word))
