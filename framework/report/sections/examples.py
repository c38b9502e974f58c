"""Images: mistakes, doubts, where it looks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from framework.report.page.elements import Content, Markup, element
from framework.report.sections.headline import gap_callout
from framework.report.short_names import short_paths

if TYPE_CHECKING:
    from framework.report.evidence import Evidence
    from framework.report.pictures import Picture


def examples_section(evidence: Evidence) -> Markup | None:
    """Three groups of images, or why there are none."""
    pictures = evidence.pictures
    if pictures is None:
        return gap_callout(evidence.gap("pictures") or evidence.gap("predictions"))
    every = {picture.name for group in (pictures.mistakes, pictures.correct, pictures.sample) for picture in group}
    captions = short_paths(every)
    mapped = [picture for picture in pictures.sample if picture.heat]
    maps_gap = evidence.gap("maps")
    groups: list[Content] = [gap_callout(evidence.gap("images"))]
    groups.append(
        _group("Most confident mistakes", "Wrong, and sure of it: hard images, or labels worth a second look.",
               pictures.mistakes, captions, "There was no mistake.")
    )  # fmt: skip
    narrow = "Right by a narrow margin."
    groups.append(_group("Least confident correct", narrow, pictures.correct, captions, "There was no right answer."))
    if mapped:
        note = (
            "A sample of the classes, drawn at random: beside each image what spoke for the answer, from nothing "
            "(grey) to most (yellow). Such a map shows where, not why."
        )
        groups.append(_group("Where it looks", note, mapped, captions, ""))
    elif maps_gap:
        groups += [element("h3", "Where it looks"), gap_callout(maps_gap)]
    return element("div", groups)


def _group(title: str, note: str, pictures: Sequence[Picture], captions: Mapping[str, str], none: str) -> Markup:
    tiles = [_tile(picture, captions[picture.name]) for picture in pictures]
    shown = element("div", tiles, class_="tiles") if pictures else element("p", none)
    return element("div", element("h3", title), element("p", note, class_="note"), shown, class_="group")


def _tile(picture: Picture, caption: str) -> Markup:
    right = picture.true == picture.predicted
    image = picture.image or element("span", picture.why_not, class_="absent")
    shown: Content = [image, picture.heat] if picture.heat else image
    label = element("span", shown, class_="shown two" if picture.heat else "shown")
    if picture.file is not None:
        label = element("a", label, href=picture.file.as_uri(), title=f"open {picture.name}")
    answer = [
        _answer(picture.predicted, picture.probability, "right" if right else "wrong"),
        None if right else _answer(picture.true, picture.of_true, "true"),
    ]
    return element(
        "figure",
        label,
        element("figcaption", answer, element("span", caption, class_="file", title=picture.name)),
        class_="tile",
    )


def _answer(name: str, probability: float, look: str) -> Markup:
    mark = {"right": "✓", "wrong": "✗", "true": "true"}[look]
    return element(
        "span",
        element("i", mark), element("b", name), element("em", f"{100 * probability:.0f} %"),
        class_=f"answer {look}",
    )  # fmt: skip
