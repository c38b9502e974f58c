"""Which class is taken for which."""

from __future__ import annotations

from typing import TYPE_CHECKING

from framework.report.formatting import share
from framework.report.page.bars import bar
from framework.report.page.document import table
from framework.report.page.elements import Markup, element
from framework.report.page.images import heat_map
from framework.report.sections.headline import gap_callout

if TYPE_CHECKING:
    from framework.evaluation.confusion import Confusion
    from framework.report.evidence import Evidence

IN_FULL = 16
"""Up to so many classes every cell has its numbers; beyond, the matrix is a picture."""
PAIRS = 10
LARGEST_SIDE = 1000
"""Of the picture, in pixels."""


def confusion_section(evidence: Evidence) -> Markup | None:
    """The matrix, and the most frequent mistakes as a table."""
    confusion = evidence.confusion
    if confusion is None:
        return gap_callout(evidence.gap("predictions"))
    return element(
        "div",
        _matrix(confusion) if len(confusion.classes) <= IN_FULL else _picture(confusion),
        _mistakes(confusion),
        class_="stack",
    )


def _matrix(confusion: Confusion) -> Markup:
    names = confusion.classes
    head = element(
        "tr",
        element("th", element("span", "predicted →", element("br"), "true ↓", class_="corner"), scope="col"),
        [element("th", element("span", name), scope="col") for name in names],
        element("th", "images", scope="col", class_="sum"),
    )
    rows = [
        element(
            "tr",
            element("th", name, scope="row"),
            [_cell(number, sum(counts), row == column) for column, number in enumerate(counts)],
            element("td", f"{sum(counts):,}", class_="sum"),
        )
        for row, (name, counts) in enumerate(zip(names, confusion.matrix().tolist(), strict=True))
    ]
    whole = element("table", element("thead", head), element("tbody", rows), class_="matrix")
    note = "Of each true class, a row, the percentage and number of images given each answer: right ones in blue."
    return element(
        "figure", element("div", whole, class_="scroll", tabindex="0"), element("figcaption", note), class_="wide"
    )


def _cell(number: int, total: int, right: bool) -> Markup:
    rate = number / max(total, 1)
    depth = rate**0.7
    look = ("right" if right else "wrong") + (" deep" if depth > 0.8 else "") + ("" if number else " none")
    shown = [element("b", f"{100 * rate:.0f}"), element("small", f"{number:,}")] if number else "·"
    return element("td", shown, class_=look, style=f"--depth:{depth:.3f}")


def _picture(confusion: Confusion) -> Markup:
    rates = confusion.rates(LARGEST_SIDE)
    note = (
        f"Rows are the {len(confusion.classes):,} true classes, columns the predicted ones, in the order of the run, "
        "from the top and from the left. Right predictions are blue, mistakes orange; the deeper, the more of the row."
    )
    if len(rates) < len(confusion.classes):
        note += " Neighbouring classes share a pixel."
    picture = heat_map(rates, "confusion matrix")
    return element("figure", picture, element("figcaption", note), class_="heatmap")


def _mistakes(confusion: Confusion) -> Markup:
    rows = [
        [true, predicted, f"{images:,}", [f"{share(images / of)}", bar(images / of, "wrong")]]
        for true, predicted, images, of in confusion.mistakes(PAIRS)
    ]
    if not rows:
        return element("p", "There was no mistake.")
    left = confusion.kinds_of_mistake - len(rows)
    return element(
        "div",
        element("h3", "Most frequent mistakes"),
        table(["true", "taken for", "images", "of the class"], rows, "pairs"),
        element("p", f"{left:,} more kinds of mistake are rarer.", class_="note") if left else None,
    )
