"""Several runs on one page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from framework.report.comparison import verdict
from framework.report.page.axes import NUMBER, PERCENT, POINTS
from framework.report.page.document import Part, callout, document, prose, table
from framework.report.page.elements import Content, Markup, element
from framework.report.page.lines import Line, line_chart
from framework.report.page.whiskers import whisker_chart
from framework.report.sections.course import epoch_line
from framework.report.side_by_side import difference_rows, figure_rows

if TYPE_CHECKING:
    from framework.report.comparison import Compared, Comparison

COLOURS = 8


def comparison_page(comparison: Comparison) -> str:
    """The whole page, as HTML."""
    names = [run.name for run in comparison.runs]
    parts = [
        Part("metrics", "Metrics", "Side by side", _metrics(comparison)),
        Part("noise", "Noise", "More than noise?", _verdicts(comparison)),
    ]
    if (curves := _curves(comparison)) is not None:
        parts.append(Part("curves", "Training", "How they learned", curves))
    parts.append(Part("recipes", "Recipes", "What was done differently", _recipes(comparison)))
    title = " · ".join(names) if len(names) < 4 else f"{len(names)} runs"
    lead = f"{len(names)} runs on the {comparison.split} split; the others are held against the first, {names[0]}."
    return document(title, "Comparison of runs", lead, parts, prose(FOOT))


FOOT = (
    "Intervals are 95 %: Wilson’s for top-1, a paired bootstrap of 10,000 resamples for differences. p is of McNemar’s "
    "exact test on the images in common; where several runs are held against the first it is raised after Holm. All of "
    "that tells what other test images would change. Another seed changes metrics too: before a small difference is "
    "believed, both recipes deserve several seeds."
)


def _metrics(comparison: Comparison) -> Markup:
    heads: list[Content] = ["", *(_name(run, index) for index, run in enumerate(comparison.runs))]
    rows: list[list[Content]] = [list(row) for row in figure_rows(comparison)]
    shares = [
        (run.name, run.interval[0], run.metrics["top1"], run.interval[1], _colour(index))
        for index, run in enumerate(comparison.runs)
    ]
    chart = whisker_chart("Top-1 with its 95 % interval", shares, PERCENT)
    seeds = [element("p", prose(group.in_words()), class_="note after") for group in comparison.seed_groups]
    untested = [callout(prose(note)) for note in comparison.untested]
    return element("div", table(heads, rows, "sides"), untested, seeds, element("div", chart, class_="charts after"))


def _verdicts(comparison: Comparison) -> Markup:
    first, *others = comparison.runs
    words = [
        element("p", prose(verdict(first, run)), class_=f"verdict {_colour(index)}")
        for index, run in enumerate(others, 1)
    ]
    rows = [
        (run.name, run.paired.interval[0], run.paired.difference, run.paired.interval[1], _colour(index))
        for index, run in enumerate(others, 1)
        if run.paired
    ]
    chart = whisker_chart(f"Points of top-1 against {first.name}", rows, POINTS, zero=True) if rows else None
    return element("div", words, element("div", chart, class_="charts"))


def _curves(comparison: Comparison) -> Markup | None:
    courses = [tuple(run.trained.folder.metrics_lines()) if run.trained.folder else () for run in comparison.runs]
    charts = []
    for title, part, figure in (
        ("Validation top-1", "validation", "top1"),
        ("Validation loss", "validation", "loss"),
        ("Training top-1", "train", "top1"),
        ("Training loss", "train", "loss"),
    ):
        lines = [
            Line(run.name, epoch_line(course, part, figure), _colour(index))
            for index, (run, course) in enumerate(zip(comparison.runs, courses, strict=True))
        ]
        if any(line.points for line in lines):
            charts.append(line_chart(title, lines, PERCENT if figure == "top1" else NUMBER))
    return element("div", charts, class_="charts") if charts else None


def _recipes(comparison: Comparison) -> Markup:
    if not comparison.differences:
        return element("p", "Nothing: the recipes are the same.")
    heads: list[Content] = ["option", *(_name(run, index) for index, run in enumerate(comparison.runs))]
    rows: list[list[Content]] = [[element("code", path), *cells] for path, *cells in difference_rows(comparison)]
    return table(heads, rows, "diff")


def _name(run: Compared, index: int) -> Markup:
    return element(
        "span", element("i", class_=f"swatch {_colour(index)}"), run.name, class_="name", title=run.trained.label
    )


def _colour(index: int) -> str:
    return f"c{index % COLOURS}" + (" dashed" if index >= COLOURS else "")
