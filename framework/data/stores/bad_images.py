"""The error for images that cannot be used, of one split or of several."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from framework.errors import UserError, count

if TYPE_CHECKING:
    from framework.data.decode import BadImage

SHOWN = 20
"""Images of each split that are listed."""


class BadImages(UserError):
    """Images that cannot be used: those of one split, or those collected from several to be reported at once."""

    def __init__(self, images: Sequence[BadImage] = (), total: int = 0) -> None:
        super().__init__()
        self.splits = {"": (images, total)} if images else {}
        """The bad images of each split, and its number of images; a split without a name is ""."""

    @contextmanager
    def collect(self, split: str) -> Iterator[None]:
        """Catch `BadImages`, and add them under the name of the split unless they have one."""
        try:
            yield
        except BadImages as error:
            self.splits |= {name or split: bad for name, bad in error.splits.items()}

    def require_none(self) -> None:
        """Raise this error if any split has bad images."""
        if self.splits:
            raise self

    def __str__(self) -> str:
        return "\n".join(self._lines())

    def _lines(self) -> Iterator[str]:
        bad = sum(len(images) for images, _ in self.splits.values())
        total = sum(number for _, number in self.splits.values())
        yield f"{bad:,} of {count(total, 'image')} cannot be used:"
        for split, (images, number) in self.splits.items():
            if split:
                yield f"  {split}, {len(images):,} of {number:,}:"
            yield from (f"    {image.name}: {image.reason}" for image in images[:SHOWN])
            if len(images) > SHOWN:
                yield f"    … and {len(images) - SHOWN:,} more; `framework data check RECIPE --csv FILE` lists all"
        some_are_good = all(len(images) < number for images, number in self.splits.values())
        yield "Repair or remove them" + (", or skip them: dataset.on_bad_image=skip" if some_are_good else "")
