"""The metrics of each class."""

from __future__ import annotations

from typing import TYPE_CHECKING

from framework.evaluation.intervals import wilson_interval
from framework.report.formatting import class_metric_title
from framework.report.page.render import render

if TYPE_CHECKING:
    from markupsafe import Markup

    from framework.report.report_data import ReportData

IN_ORDER = 24
"""Up to this many classes are in the order of the run; more are sorted by F1."""


def classes_section(data: ReportData) -> Markup | None:
    """A row for each class."""
    if not data.metrics:
        return None
    per_class = data.metrics["per_class"]
    keys = [key for key in next(iter(per_class.values())) if key != "support"]
    by_f1 = len(per_class) > IN_ORDER and "f1" in keys
    rows = [
        (name, row, wilson_interval(row["recall"], row["support"]) if row["support"] and "recall" in keys else None)
        for name, row in sorted(per_class.items(), key=lambda entry: (entry[1]["f1"] or 0.0) if by_f1 else 0)
    ]
    columns = [(key, class_metric_title(key)) for key in keys]
    titles = [title for key, name in columns for title in ((name, "interval") if key == "recall" else (name,))]
    return render(
        "classes.html.jinja", rows=rows, by_f1=by_f1, keys=keys, columns=columns, titles=["class", "images", *titles]
    )
