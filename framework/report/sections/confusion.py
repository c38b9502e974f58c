"""Which class is taken for which."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from framework.report.figures import share
from framework.report.page.bars import bar
from framework.report.page.document import table
from framework.report.page.elements import Markup, element
from framework.report.page.images import heat_map
from framework.report.sections.headline import confused_pairs

if TYPE_CHECKING:
    from framework.report.evidence import Evidence

IN_FULL = 16
"""Up to so many classes every cell has its numbers; beyond, the matrix is a picture."""
PAIRS = 10


def confusion_section(evidence: Evidence) -> Markup | None:
    """The matrix, and the most frequent mistakes as a table."""
    figures = evidence.figures
    if not figures:
        return None
    return element(
        "div",
        _matrix(figures) if len(figures["per_class"]) <= IN_FULL else _picture(figures),
        _pairs(figures),
        class_="stack",
    )


def _matrix(figures: Mapping[str, Any]) -> Markup:
    names = list(figures["per_class"])
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
        for row, (name, counts) in enumerate(zip(names, figures["confusion"], strict=True))
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


def _picture(figures: Mapping[str, Any]) -> Markup:
    counts = np.array(figures["confusion"], dtype=np.float64)
    rates = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    note = (
        f"Rows are the {len(counts):,} true classes, columns the answers, in the order of the run, from the top and "
        "from the left. Right answers are blue, mistakes orange; the deeper, the more of the row."
    )
    picture = heat_map(rates, "confusion matrix")
    return element("figure", picture, element("figcaption", note), class_="heatmap")


def _pairs(figures: Mapping[str, Any]) -> Markup:
    pairs = confused_pairs(figures)
    if not pairs:
        return element("p", "There was no mistake.")
    rows = [
        [true, predicted, f"{number:,}", [f"{share(number / of)}", bar(number / of, "wrong")]]
        for true, predicted, number, of in pairs[:PAIRS]
    ]
    left = len(pairs) - len(rows)
    return element(
        "div",
        element("h3", "Most frequent mistakes"),
        table(["true", "taken for", "images", "of the class"], rows, "pairs"),
        element("p", f"{left:,} more kinds of mistake are rarer.", class_="note") if left else None,
    )
