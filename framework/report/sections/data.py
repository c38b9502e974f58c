"""Class counts of each split, fingerprints, images that were left out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from framework.errors import count
from framework.report.page.render import render

if TYPE_CHECKING:
    from markupsafe import Markup

    from framework.report.report_data import ReportData

IN_ORDER = 24
"""Up to this many classes are in the order of the run; more are sorted by their number of training images."""
MOST_LISTED = 1_000
"""Names of images that were left out, in each list."""
FINGERPRINTS = ("split", "images", "unreadable", "dropped", "SHA-256 of pixels, labels and names")

Splits = Mapping[str, Mapping[str, Any]]
"""The content of data.json."""


def data_section(data: ReportData) -> Markup:
    """Tables of the splits."""
    splits: Splits = data.trained.documents.get("data", {})
    if "train" not in splits:
        return render("data.html.jinja", splits={})
    classes = splits["train"]["classes"]
    return render(
        "data.html.jinja",
        splits=splits,
        balance=_balance(classes),
        classes=sorted(classes, key=classes.__getitem__) if len(classes) > IN_ORDER else list(classes),
        by_images=len(classes) > IN_ORDER,
        largest={name: max(1, *split["classes"].values()) for name, split in splits.items()},
        seen=[_seen(name, split) for name, split in splits.items() if split.get("seen_by_init")],
        fingerprint_titles=FINGERPRINTS,
        fingerprints=[(name, *_numbers(split), split["fingerprint"]) for name, split in splits.items()],
        left_out=list(_left_out(splits)),
    )


def _balance(classes: Mapping[str, int]) -> str:
    most, least = max(classes, key=classes.__getitem__), min(classes, key=classes.__getitem__)
    if classes[most] == classes[least]:
        return f"Each class has {count(classes[most], 'training image')}."
    if classes[most] < 1.1 * classes[least]:
        return f"The classes are balanced: {classes[least]:,} to {classes[most]:,} training images each."
    return (
        f"The largest class, {most}, has {count(classes[most], 'training image')}, "
        f"{classes[most] / max(classes[least], 1):.1f} times as many as the smallest, {least} ({classes[least]:,})."
    )


def _seen(name: str, split: Mapping[str, Any]) -> str:
    return (
        f"{split['seen_by_init']:,} of {count(split['images'], f'{name} image')} were training images of the run that "
        "this run was fine-tuned from (train.init_from). Metrics on them are too optimistic."
    )


def _numbers(split: Mapping[str, Any]) -> list[str]:
    """All images, unreadable and dropped ones; a bundle has their numbers without their names."""
    left_out = [split.get(f"{kind}_images", len(split.get(kind, ()))) for kind in ("skipped", "dropped")]
    return [f"{number:,}" for number in (split["images"], *left_out)]


def _left_out(splits: Splits) -> Iterator[tuple[str, tuple[str, ...], list[tuple[str, ...]]]]:
    """For each list of images a summary, column titles and rows."""
    for name, split in splits.items():
        skipped, dropped = split.get("skipped", ()), split.get("dropped", ())
        if skipped:
            rows: list[tuple[str, ...]] = [(bad["name"], bad["reason"]) for bad in skipped[:MOST_LISTED]]
            yield f"{count(len(skipped), 'unreadable image')} of {name}{_cut(skipped)}", ("image", "reason"), rows
        if dropped:
            rows = [(image,) for image in dropped[:MOST_LISTED]]
            yield f"{count(len(dropped), 'image')} of {name} dropped by dataset.drop{_cut(dropped)}", ("image",), rows


def _cut(names: list[Any]) -> str:
    return f" (the first {MOST_LISTED:,} are shown, all are in data.json)" if len(names) > MOST_LISTED else ""
