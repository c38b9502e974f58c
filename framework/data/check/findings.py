"""A row for each image and problem, as the CSV file that `dataset.drop` reads."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from framework.data.check.check import Checked

COLUMNS = (
    "split", "name", "class", "problem", "group", "other_split", "other_name", "other_class", "keep", "detail",
)  # fmt: skip
Image = tuple[str, str, str]
"""Split, name, class."""
NONE: Image = ("", "", "")


@dataclass(frozen=True)
class Finding:
    """An image, its problem, and whether to keep it."""

    image: Image
    problem: str
    """`duplicate`, `contradiction`, `near_duplicate`, `blank` or `corrupt`."""
    keep: bool
    group: int | None = None
    """Images with the same number form a group."""
    other: Image = NONE
    """Another image of the group: the one that is kept, if this one is not."""
    detail: str = ""

    def row(self) -> dict[str, str]:
        """As a row of the table."""
        group = "" if self.group is None else str(self.group)
        keep = "yes" if self.keep else "no"
        return dict(zip(COLUMNS, (*self.image, self.problem, group, *self.other, keep, self.detail), strict=True))


def findings_of(checked: Checked) -> list[Finding]:
    """Copies, contradictions, near copies, blank and corrupt images, in this order."""
    return [*_of_copies(checked), *_of_near(checked), *_of_single(checked)]


def table_of(findings: Sequence[Finding]) -> str:
    """As the text of a CSV file."""
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, COLUMNS)
    writer.writeheader()
    writer.writerows(finding.row() for finding in findings)
    return text.getvalue()


def image_of(checked: Checked, number: int) -> Image:
    """Split, name and class of an image of the scan."""
    scan = checked.scan
    split = scan.splits[scan.split[number]]
    return split, str(scan.sources[split].names[scan.index[number]]), scan.texts[split][scan.index[number]]


def near_groups(checked: Checked) -> list[list[int]]:
    """The images that are connected by the pairs of `checked.near`, in order."""
    group_of: dict[int, list[int]] = {}
    for one, other in checked.near.tolist():
        joined, more = group_of.setdefault(one, [one]), group_of.setdefault(other, [other])
        if joined is not more:
            if len(joined) < len(more):
                joined, more = more, joined
            joined += more
            group_of |= dict.fromkeys(more, joined)
    groups = {id(group): sorted(group) for group in group_of.values()}
    return sorted(groups.values())


def contradicts(checked: Checked, group: NDArray[np.int64]) -> bool:
    """Whether copies have different labels."""
    return len({*checked.scan.label[group].tolist()}) > 1


def _of_copies(checked: Checked) -> Iterator[Finding]:
    groups = list(enumerate(checked.copies.groups, 1))
    for problem, contradictory in (("duplicate", False), ("contradiction", True)):
        for number, group in groups:
            if contradicts(checked, group) is contradictory:
                yield from _grouped(checked, group.tolist(), problem, number)


def _of_near(checked: Checked) -> Iterator[Finding]:
    shown = _representatives(checked)
    first = len(checked.copies.groups) + 1
    for number, group in enumerate(near_groups(checked), first):
        yield from _grouped(checked, [shown.get(image, image) for image in group], "near_duplicate", number)


def _representatives(checked: Checked) -> dict[int, int]:
    """For the first of several copies, the one that is kept."""
    kept = {
        int(group[0]): next((int(one) for one in group if checked.keep[one]), None) for group in checked.copies.groups
    }
    return {first: image for first, image in kept.items() if image is not None}


def _grouped(checked: Checked, group: list[int], problem: str, number: int) -> Iterator[Finding]:
    kept = next((image for image in group if checked.keep[image]), group[0])
    beside = next(image for image in group if image != kept)
    for image in group:
        other = beside if image == kept else kept
        keep = bool(checked.keep[image])
        yield Finding(image_of(checked, image), problem, keep, number, image_of(checked, other))


def _of_single(checked: Checked) -> Iterator[Finding]:
    for image in checked.blank.tolist():
        yield Finding(image_of(checked, image), "blank", bool(checked.keep[image]))
    for bad in checked.scan.unreadable:
        split = checked.scan.splits[bad.split]
        image_ = (split, str(checked.scan.sources[split].names[bad.index]), checked.scan.texts[split][bad.index])
        yield Finding(image_, "corrupt", False, detail=bad.reason)
