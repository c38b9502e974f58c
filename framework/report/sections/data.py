"""What it was trained on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from framework.errors import count
from framework.report.formatting import share
from framework.report.page.bars import bar
from framework.report.page.document import callout, more, table
from framework.report.page.elements import Content, Markup, element

if TYPE_CHECKING:
    from framework.report.evidence import Evidence

IN_ORDER = 24
LISTED = 1_000
"""Images that were left out; a page of millions of rows is no page."""
FINGERPRINTS = ["split", "images", "unreadable", "dropped", "SHA-256 of pixels, labels and names"]


def data_section(evidence: Evidence) -> Markup:
    """Classes of each split, fingerprints, images that were left out."""
    data: Mapping[str, Mapping[str, Any]] = evidence.trained.documents.get("data", {})
    if "train" not in data:
        return callout("The data set was not recorded with this run.")
    fingerprints = [
        [split, f"{described['images']:,}", f"{_number(described, 'skipped'):,}", f"{_number(described, 'dropped'):,}",
         element("code", described["fingerprint"], class_="hash")]
        for split, described in data.items()
    ]  # fmt: skip
    return element(
        "div",
        element("p", _balance(data["train"]["classes"]), class_="note"),
        *(_seen(split, described) for split, described in data.items() if described.get("seen_by_init")),
        _classes(data),
        element("h3", "Fingerprints"),
        table(FINGERPRINTS, fingerprints, "prints"),
        *(_skipped(split, described["skipped"]) for split, described in data.items() if described.get("skipped")),
        *(_dropped(split, described["dropped"]) for split, described in data.items() if described.get("dropped")),
    )


def _balance(classes: Mapping[str, int]) -> str:
    most, least = max(classes, key=classes.__getitem__), min(classes, key=classes.__getitem__)
    if classes[most] == classes[least]:
        return f"Every class has {count(classes[most], 'training image')}."
    if classes[most] < 1.1 * classes[least]:
        return f"The classes are balanced: {classes[least]:,} to {classes[most]:,} training images each."
    ratio = classes[most] / max(classes[least], 1)
    return (
        f"The largest class, {most}, has {count(classes[most], 'training image')}; the smallest, {least}, has "
        f"{classes[least]:,}: one for every {ratio:.1f}."
    )


def _classes(data: Mapping[str, Mapping[str, Any]]) -> Markup:
    names = list(data["train"]["classes"])
    highest = {split: max(described["classes"].values()) for split, described in data.items()}
    note = None
    if len(names) > IN_ORDER:
        names.sort(key=lambda name: data["train"]["classes"][name])
        note = element("p", f"{len(names):,} classes, those with the fewest training images first.", class_="note")
    rows: list[list[Content]] = [
        [name, *(_amount(described, name, highest[split]) for split, described in data.items())] for name in names
    ]
    return element("div", note, table(["class", *data], rows, "balance"))


def _amount(described: Mapping[str, Any], name: str, highest: int) -> Content:
    number = described["classes"].get(name, 0)
    return [
        element("span", f"{number:,} ", element("small", share(number / described["images"]))),
        bar(number / max(highest, 1)),
    ]


def _number(described: Mapping[str, Any], what: str) -> int:
    """Of images that were left out, of which a bundle has no names."""
    number: int = described.get(f"{what}_images", len(described.get(what, ())))
    return number


def _seen(split: str, described: Mapping[str, Any]) -> Markup:
    return callout(
        f"{described['seen_by_init']:,} of {count(described['images'], f'{split} image')} were training images of the "
        "run that this one was fine-tuned from (train.init_from). Metrics on them are too optimistic."
    )


def _skipped(split: str, skipped: list[Mapping[str, str]]) -> Markup:
    rows: list[list[Content]] = [[bad["name"], bad["reason"]] for bad in skipped[:LISTED]]
    return more(
        f"{count(len(skipped), 'image')} of {split} that could not be read{_cut(skipped)}",
        table(["image", "why"], rows, "skipped"),
    )


def _dropped(split: str, names: list[str]) -> Markup:
    rows: list[list[Content]] = [[name] for name in names[:LISTED]]
    return more(
        f"{count(len(names), 'image')} of {split}, left out by a table of the recipe{_cut(names)}",
        table(["image"], rows, "skipped"),
    )


def _cut(listed: Sequence[Any]) -> str:
    return f" (the first {LISTED:,} are listed; all are in data.json)" if len(listed) > LISTED else ""
