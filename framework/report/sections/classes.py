"""Precision, recall and F1 of each class."""

from __future__ import annotations

from typing import TYPE_CHECKING

from framework.evaluation.intervals import wilson_interval
from framework.report.formatting import share
from framework.report.page.bars import bar, range_bar
from framework.report.page.document import table
from framework.report.page.elements import Content, Markup, element

if TYPE_CHECKING:
    from framework.report.evidence import Evidence

IN_ORDER = 24
"""Up to so many classes are listed in the order of the run; beyond, those that need attention come first."""


def classes_section(evidence: Evidence) -> Markup | None:
    """A row for each class."""
    metrics = evidence.metrics
    if not metrics:
        return None
    per_class = metrics["per_class"]
    names = list(per_class)
    note = (
        "Precision: of the predictions with this class, how many are right. Recall: of its images, how many are found, "
    )
    note += "with the 95 % interval. "
    if len(names) > IN_ORDER:
        names.sort(key=lambda name: per_class[name]["f1"] or 0.0)
        note += f"The {len(names):,} classes are sorted by F1, the lowest first."
    rows: list[list[Content]] = []
    for name in names:
        row = per_class[name]
        precision: Content = "–"
        recall: Content = "–"
        interval: Content = "–"
        f1: Content = "–"
        if row["support"]:
            precision = [share(row["precision"]), bar(row["precision"])]
            low, high = wilson_interval(row["recall"], row["support"])
            recall = [share(row["recall"]), range_bar(low, row["recall"], high)]
            interval = f"{100 * low:.0f} to {100 * high:.0f}"
            f1 = [share(row["f1"]), bar(row["f1"])]
        rows.append([name, f"{row['support']:,}", precision, recall, interval, f1])
    titles = ["class", "images", "precision", "recall", "interval", "F1"]
    return element("div", element("p", note, class_="note"), table(titles, rows, "classes"))
