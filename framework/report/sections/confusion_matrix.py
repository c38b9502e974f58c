"""The confusion matrix and the most frequent confusions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from framework.report.page.images import heat_map
from framework.report.page.render import render

if TYPE_CHECKING:
    from markupsafe import Markup

    from framework.report.report_data import ReportData

MOST_CELLS = 16
"""Up to this many classes the matrix is a table of numbers, with more an image."""
PAIRS = 10
LARGEST_SIDE = 1000
"""Of the image, in pixels."""


def confusion_matrix_section(data: ReportData) -> Markup:
    """The matrix, and the most frequent confusions as a table."""
    confusion = data.confusion
    as_table = confusion is not None and len(confusion.classes) <= MOST_CELLS
    return render(
        "confusion_matrix.html.jinja",
        missing=data.missing("predictions"),
        confusion=confusion,
        support=confusion.support.tolist() if confusion else [],
        matrix=confusion.matrix().tolist() if confusion and as_table else None,
        image=heat_map(confusion.rates(LARGEST_SIDE), confusion.section.lower())
        if confusion and not as_table
        else None,
        mistakes=confusion.mistakes(PAIRS) if confusion else [],
    )
