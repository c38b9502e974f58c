"""The error for images that cannot be used, of one split or of several."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

from framework.errors import UserError, count

if TYPE_CHECKING:
    from framework.data.decode import BadImage

SHOWN = 20
"""Images of each split that are listed."""


class Refused(NamedTuple):
    """The bad images of one split."""

    images: tuple[BadImage, ...]
    total: int
    """Images of the split."""


class BadImages(UserError):
    """Images that cannot be used, by split; the name of the split is "" if it has none."""

    def __init__(self, splits: Mapping[str, Refused]) -> None:
        self.splits = dict(splits)
        super().__init__("\n".join(_lines(self.splits)))


class BadImageCollector:
    """Collects the bad images of several splits, so that one error lists all of them."""

    def __init__(self) -> None:
        self.splits: dict[str, Refused] = {}

    @contextmanager
    def reading(self, split: str) -> Iterator[None]:
        """Catch `BadImages`; where the error has no name for a split, `split` is used."""
        try:
            yield
        except BadImages as error:
            self.splits |= {name or split: refused for name, refused in error.splits.items()}

    def require_none(self) -> None:
        """Raise `BadImages` if any split has bad images."""
        if self.splits:
            raise BadImages(self.splits)


def _lines(splits: Mapping[str, Refused]) -> Iterator[str]:
    bad = sum(len(refused.images) for refused in splits.values())
    total = sum(refused.total for refused in splits.values())
    yield f"{bad:,} of {count(total, 'image')} cannot be used:"
    for split, refused in splits.items():
        if split:
            yield f"  {split}, {len(refused.images):,} of {refused.total:,}:"
        yield from (f"    {image.name}: {image.reason}" for image in refused.images[:SHOWN])
        if len(refused.images) > SHOWN:
            yield f"    … and {len(refused.images) - SHOWN:,} more; `framework data check RECIPE --csv FILE` lists all"
    some_are_good = all(len(refused.images) < refused.total for refused in splits.values())
    yield "Repair or remove them" + (", or skip them: dataset.on_bad_image=skip" if some_are_good else "")
