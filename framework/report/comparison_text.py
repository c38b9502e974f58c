"""A comparison as rows of text and as sentences, for the terminal and for a page."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from rich.table import Table

from framework.errors import count
from framework.recipe.option_text import value_text
from framework.report.formatting import (
    Formats,
    class_metric_title,
    displayed,
    duration,
    interval_text_of,
    metric_text_of,
    millions,
    percent,
    percent_range,
)

if TYPE_CHECKING:
    from rich.console import Console

    from framework.components import Metric, MetricFormat, Task
    from framework.report.compared_run import ComparedRun
    from framework.report.seeds import SeedGroup

SMALLEST_P = 0.0001
MOST_CLASSES = 20
"""In the table of classes on a terminal."""


class Comparison(Protocol):
    """The parts of `framework.report.comparison.Comparison` that are printed."""

    @property
    def split(self) -> str:
        """The split."""

    @property
    def runs(self) -> Sequence[ComparedRun]:
        """The runs; the first is the baseline."""

    @property
    def differences(self) -> Mapping[str, Sequence[Any]]:
        """By option, a value for each run."""

    @property
    def task(self) -> Task:
        """The task of all runs."""

    @property
    def formats(self) -> Formats:
        """How the metrics are displayed."""

    @property
    def untested(self) -> list[str]:
        """Notes on classes without images."""

    @property
    def seed_groups(self) -> list[SeedGroup]:
        """Runs that differ in their seed only."""


def print_comparison(comparison: Comparison, console: Console) -> None:
    """Print the metrics, the differences to the first run, and the differences of the recipes."""
    table = Table(box=None, header_style="bold", pad_edge=False)
    table.add_column(comparison.split, no_wrap=True)
    for run in comparison.runs:
        table.add_column(run.name, justify="right", overflow="fold")
    for name, *cells in comparison_rows(comparison):
        table.add_row(name, *cells, style="dim" if name.endswith("interval") else None)
    console.print(table)
    for note in comparison.untested:
        console.print()
        console.print(note, style="yellow", soft_wrap=True, markup=False)
    if comparison.seed_groups:
        console.print()
    for group in comparison.seed_groups:
        console.print(str(group))
    baseline, *others = comparison.runs
    for run in others:
        console.print()
        console.print(result_text(baseline, run), style="bold" if run.significant else None)
    _print_classes(console, comparison)
    _print_recipes(console, comparison)


def _print_classes(console: Console, comparison: Comparison) -> None:
    rows = class_rows(comparison)
    if not rows:
        return
    assert comparison.task.class_metric
    table = Table(box=None, header_style="bold", pad_edge=False)
    table.add_column(f"{class_metric_title(comparison.task.class_metric)} of classes", no_wrap=True)
    for title in ("images", *(run.name for run in comparison.runs)):
        table.add_column(title, justify="right", overflow="fold")
    for row in rows[:MOST_CLASSES]:
        table.add_row(*row)
    console.print()
    console.print(table)
    if len(rows) > MOST_CLASSES:
        console.print(f"{len(rows) - MOST_CLASSES:,} classes with smaller differences are not shown", style="dim")


def _print_recipes(console: Console, comparison: Comparison) -> None:
    console.print()
    if not comparison.differences:
        console.print("The recipes are identical.")
        return
    table = Table(box=None, header_style="bold", pad_edge=False)
    table.add_column("recipe differences", no_wrap=True)
    for run in comparison.runs:
        table.add_column(run.name, overflow="fold")
    for row in difference_rows(comparison):
        table.add_row(*row)
    console.print(table)


def comparison_rows(comparison: Comparison) -> Iterator[list[str]]:
    """A row for each metric: its name, then a cell for each run."""
    runs = comparison.runs
    tests = [run.paired for run in runs]
    results = [run.trained.documents.get("results", {}) for run in runs]
    formats, accuracy = comparison.formats, comparison.task.accuracy
    yield [formats[accuracy].title or accuracy, *(percent(run.accuracy) for run in runs)]
    yield ["95 % interval", *(percent_range(*run.interval) for run in runs)]
    yield ["difference to baseline", *(points(test.difference) if test else "" for test in tests)]
    yield ["its 95 % interval", *(" to ".join(map(points, test.interval)) if test else "" for test in tests)]
    yield ["p (McNemar)", *(p_value(test.p) if test else "" for test in tests)]
    for key, form, title in displayed(formats, *(run.metrics for run in runs), percent_first=True):
        if key != accuracy:
            yield from _metric_rows(key, form, title, runs)
    yield ["images", *(f"{run.metrics['images']:,}" for run in runs)]
    yield ["parameters", *(f"{run['parameters']:,}" if "parameters" in run else "" for run in results)]
    if any("multiply_adds" in run for run in results):
        cells = [millions(run["multiply_adds"]) if "multiply_adds" in run else "" for run in results]
        yield ["multiply-adds", *cells]
    yield ["training time", *(duration(run["seconds"]["train"]) if "seconds" in run else "" for run in results)]
    yield ["images/s", *(f"{run['images_per_second']:,.0f}" if "seconds" in run else "" for run in results)]


def _metric_rows(key: str, form: MetricFormat | Metric, title: str, runs: Sequence[ComparedRun]) -> Iterator[list[str]]:
    """The metric, its interval, and its difference to the baseline, as far as they are known."""
    change = points if form.percent else signed
    intervals = [run.intervals.get(key) for run in runs]
    differences = [run.differences.get(key) for run in runs]
    yield [title, *(metric_text_of(form, run.metrics[key]) if key in run.metrics else "" for run in runs)]
    if any(intervals):
        yield ["95 % interval", *(interval_text_of(form, *one) if one else "" for one in intervals)]
    if any(differences):
        yield ["difference to baseline", *(change(one[0]) if one else "" for one in differences)]
        yield ["its 95 % interval", *(" to ".join(map(change, one[1])) if one else "" for one in differences)]


def class_rows(comparison: Comparison) -> list[list[str]]:
    """For each class its name, its images and the task's metric of classes by run, with differences to the baseline.

    Sorted by the largest difference; empty if the task has no such metric.
    """
    key = comparison.task.class_metric
    if key is None:
        return []
    found = []
    first = comparison.runs[0].metrics["per_class"]
    for name, row in first.items():
        values = [run.metrics["per_class"].get(name, {}).get(key) for run in comparison.runs]
        cells = ["–" if value is None else percent(value) for value in values]
        changes = [None if value is None or values[0] is None else value - values[0] for value in values[1:]]
        largest = max((abs(change) for change in changes if change is not None), default=0.0)
        texts = [cells[0]]
        for cell, change in zip(cells[1:], changes, strict=True):
            texts.append(cell if change is None else f"{cell} ({points(change)})")
        found.append((-largest, [name, f"{row['support']:,}", *texts]))
    return [row for _, row in sorted(found, key=lambda entry: entry[0])]


def difference_rows(comparison: Comparison) -> Iterator[list[str]]:
    """A row for each option in which the recipes differ: its path, then a cell for each run."""
    for path, values in comparison.differences.items():
        yield [path, *("–" if value is None else value_text(value, 12) for value in values)]


def result_text(baseline: ComparedRun, other: ComparedRun) -> str:
    """The difference in accuracy of two runs, its interval and its significance."""
    test = other.paired
    if test is None:
        reason = other.no_predictions or baseline.no_predictions
        return f"{other.name} and {baseline.name} cannot be compared by image: {reason}"
    accuracy, notes = other.task.metric_formats[other.task.accuracy].title, ""
    if test.left_out:
        notes += f"; {count(test.left_out, 'image')} of only one of the runs excluded"
    if test.other_pixels:
        notes += f"; the pixels of {test.other_pixels:,} differ"
    text = (
        f"{other.name}: {points(test.difference)} percentage points of {accuracy} compared with {baseline.name} (95 % "
        f"interval {' to '.join(map(points, test.interval))}) on {count(test.images, 'common image')}{notes}. "
    )
    if test.gained == test.lost == 0:
        return f"{text}The same images are classified correctly."
    better = "better" if test.difference > 0 else "worse"
    significance = f"significantly {better}" if other.significant else "not significant"
    return (
        f"{text}{count(test.gained, 'image')} correct only in {other.name}, {test.lost:,} only in {baseline.name}: "
        f"{significance} (McNemar’s exact test, p {'' if test.p < SMALLEST_P else '= '}{p_value(test.p)})."
    )


def points(difference: float) -> str:
    """A difference of fractions in percentage points, with its sign."""
    return f"{100 * difference:+.1f}".replace("-", "\N{MINUS SIGN}") if abs(difference) >= 0.0005 else "0.0"


def signed(difference: float) -> str:
    """A difference with three decimals and its sign."""
    return f"{difference:+.3f}".replace("-", "\N{MINUS SIGN}") if abs(difference) >= 0.0005 else "0.000"


def p_value(p: float) -> str:
    """`0.04`, `< 0.0001`."""
    return f"< {SMALLEST_P}" if p < SMALLEST_P else f"{p:.2g}"
