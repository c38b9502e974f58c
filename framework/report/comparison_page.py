"""A comparison of runs as one HTML file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from markupsafe import Markup

from framework.report.comparison import Comparison
from framework.report.comparison_text import class_rows, comparison_rows, difference_rows, result_text
from framework.report.formatting import class_metric_title, sentence_case
from framework.report.page.axes import NUMBER, PERCENT, POINTS
from framework.report.page.charts import IntervalRow, Line, interval_chart, line_chart
from framework.report.page.render import Section, page, render
from framework.report.sections.learning_curves import epoch_line

if TYPE_CHECKING:
    from framework.components import Task

COLOURS = 8
FOOTER = (
    "Intervals are 95 %: Wilson score intervals for {accuracy}, a paired bootstrap for differences. p is of McNemar’s "
    "exact test on the common images, adjusted by Holm’s method if several runs are compared with the baseline. "
    "Intervals and tests show the variation over test images, not over seeds: train several seeds of both recipes "
    "before you rely on a small difference."
)


def comparison_page(comparison: Comparison) -> str:
    """The whole page, as HTML."""
    names = [run.name for run in comparison.runs]
    contents = {
        "Metrics": _metrics(comparison),
        "Significance": _significance(comparison),
        "Classes": _classes(comparison),
        "Learning curves": _learning_curves(comparison),
        "Recipe differences": _recipes(comparison),
    }
    title = " · ".join(names) if len(names) < 4 else f"{len(names)} runs"
    lead = f"{len(names)} runs on the {comparison.split} split, compared with the baseline {names[0]}."
    sections = [Section(name, content) for name, content in contents.items() if content is not None]
    return page(title, "Comparison of runs", lead, sections, FOOTER.format(accuracy=_accuracy(comparison)))


def _metrics(comparison: Comparison) -> Markup:
    intervals = [
        IntervalRow(run.name, run.interval[0], run.accuracy, run.interval[1], _colour(index))
        for index, run in enumerate(comparison.runs)
    ]
    return render(
        "comparison_metrics.html.jinja",
        titles=_titles("", comparison),
        rows=list(comparison_rows(comparison)),
        untested=comparison.untested,
        seed_groups=comparison.seed_groups,
        chart=interval_chart(f"{sentence_case(_accuracy(comparison))} with 95 % interval", intervals, PERCENT),
    )


def _significance(comparison: Comparison) -> Markup:
    baseline, *others = comparison.runs
    rows = [
        IntervalRow(run.name, run.paired.interval[0], run.paired.difference, run.paired.interval[1], _colour(index))
        for index, run in enumerate(others, 1)
        if run.paired
    ]
    title = f"Difference in {_accuracy(comparison)} to {baseline.name}, in percentage points"
    return render(
        "comparison_significance.html.jinja",
        results=[(result_text(baseline, run), _colour(index)) for index, run in enumerate(others, 1)],
        chart=interval_chart(title, rows, POINTS, zero=True) if rows else None,
    )


def _learning_curves(comparison: Comparison) -> Markup | None:
    histories = [tuple(run.trained.folder.metrics_lines()) if run.trained.folder else () for run in comparison.runs]
    charts = []
    for title, split, metric in _curves(comparison.task):
        lines = [
            Line(run.name, epoch_line(history, split, metric), _colour(index))
            for index, (run, history) in enumerate(zip(comparison.runs, histories, strict=True))
        ]
        if any(line.points for line in lines):
            charts.append(
                line_chart(title, lines, PERCENT if comparison.task.metric_formats[metric].percent else NUMBER)
            )
    return render("charts.html.jinja", charts=charts) if charts else None


def _curves(task: Task) -> list[tuple[str, str, str]]:
    """Title, split and metric of each chart."""
    monitored, trained = (task.metric_formats[name].title for name in (task.monitor, task.training_metric))
    return [
        (f"Validation {monitored}", "validation", task.monitor),
        ("Validation loss", "validation", "loss"),
        (f"Training {trained}", "train", task.training_metric),
        ("Training loss", "train", "loss"),
    ]


def _classes(comparison: Comparison) -> Markup | None:
    rows, key = class_rows(comparison), comparison.task.class_metric
    if not rows or key is None:
        return None
    titles = _titles("class", comparison)
    return render(
        "comparison_classes.html.jinja",
        metric=class_metric_title(key),
        baseline=comparison.runs[0].name,
        titles=[titles[0], "images", *titles[1:]],
        rows=rows,
    )


def _accuracy(comparison: Comparison) -> str:
    return comparison.task.metric_formats[comparison.task.accuracy].title


def _recipes(comparison: Comparison) -> Markup:
    rows = list(difference_rows(comparison))
    return render("comparison_recipes.html.jinja", titles=_titles("option", comparison), rows=rows)


def _titles(first: str, comparison: Comparison) -> list[str | Markup]:
    """Column titles: the names of the runs beside their colours."""
    name = Markup('<span class="name" title="{}"><i class="swatch {}"></i>{}</span>')
    return [first, *(name.format(run.trained.label, _colour(i), run.name) for i, run in enumerate(comparison.runs))]


def _colour(index: int) -> str:
    return f"c{index % COLOURS}" + (" dashed" if index >= COLOURS else "")
