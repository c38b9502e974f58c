"""A comparison as rows of text and as sentences, for the terminal and for a page."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from framework.errors import count
from framework.recipe.option_text import value_text
from framework.report.formatting import (
    METRIC_NAMES,
    duration,
    metric_keys,
    metric_text,
    metric_title,
    millions,
    percent_range,
)

if TYPE_CHECKING:
    from framework.report.compared_run import ComparedRun
    from framework.report.comparison import Comparison

ORDER = ("top5", "balanced_accuracy", "macro_f1", "ece", "loss")
"""The fixed metrics below top-1."""
SMALLEST_P = 0.0001


def comparison_rows(comparison: Comparison) -> Iterator[list[str]]:
    """A row for each metric: its name, then a cell for each run."""
    runs = comparison.runs
    paired = [run.paired for run in runs]
    results = [run.trained.documents.get("results", {}) for run in runs]
    yield [METRIC_NAMES["top1"], *(metric_text("top1", run.metrics["top1"]) for run in runs)]
    yield ["95 % interval", *(percent_range(*run.interval) for run in runs)]
    yield ["difference to baseline", *(points(found.difference) if found else "" for found in paired)]
    yield ["its 95 % interval", *(" to ".join(map(points, found.interval)) if found else "" for found in paired)]
    yield ["p (McNemar)", *(p_value(found.p) if found else "" for found in paired)]
    for key in ORDER:
        if any(key in run.metrics for run in runs):
            yield _metric_row(key, comparison)
    for key in metric_keys(*(run.metrics for run in runs)):
        if key not in METRIC_NAMES:
            yield _metric_row(key, comparison)
    yield ["images", *(f"{run.metrics['images']:,}" for run in runs)]
    yield ["parameters", *(f"{found['parameters']:,}" if "parameters" in found else "" for found in results)]
    if any("multiply_adds" in found for found in results):
        cells = [millions(found["multiply_adds"]) if "multiply_adds" in found else "" for found in results]
        yield ["multiply-adds", *cells]
    yield ["training time", *(duration(found["seconds"]["train"]) if "seconds" in found else "" for found in results)]
    yield ["images/s", *(f"{found['images_per_second']:,.0f}" if "seconds" in found else "" for found in results)]


def _metric_row(key: str, comparison: Comparison) -> list[str]:
    components = comparison.metrics
    cells = [metric_text(key, run.metrics[key], components) if key in run.metrics else "" for run in comparison.runs]
    return [metric_title(key, components), *cells]


def difference_rows(comparison: Comparison) -> Iterator[list[str]]:
    """A row for each option in which the recipes differ: its path, then a cell for each run."""
    for path, values in comparison.differences.items():
        yield [path, *("–" if value is None else value_text(value, 12) for value in values)]


def result_text(baseline: ComparedRun, other: ComparedRun) -> str:
    """The difference in top-1 of two runs, its interval and its significance."""
    found = other.paired
    if found is None:
        reason = other.no_predictions or baseline.no_predictions
        return f"{other.name} and {baseline.name} cannot be compared by image: {reason}"
    notes = ""
    if found.left_out:
        notes += f"; {count(found.left_out, 'image')} of only one of the runs excluded"
    if found.other_pixels:
        notes += f"; the pixels of {found.other_pixels:,} differ"
    text = (
        f"{other.name}: {points(found.difference)} percentage points of top-1 compared with {baseline.name} (95 % "
        f"interval {' to '.join(map(points, found.interval))}) on {count(found.images, 'common image')}{notes}. "
    )
    if found.gained == found.lost == 0:
        return f"{text}The same images are classified correctly."
    better = "better" if found.difference > 0 else "worse"
    significance = f"significantly {better}" if other.significant else "not significant"
    return (
        f"{text}{found.gained:,} more correct, {found.lost:,} more wrong: {significance} "
        f"(McNemar’s exact test, p {'' if found.p < SMALLEST_P else '= '}{p_value(found.p)})."
    )


def points(difference: float) -> str:
    """A difference of fractions in percentage points, with its sign."""
    return f"{100 * difference:+.1f}".replace("-", "\N{MINUS SIGN}") if abs(difference) >= 0.0005 else "0.0"


def p_value(p: float) -> str:
    """`0.04`, `< 0.0001`."""
    return f"< {SMALLEST_P}" if p < SMALLEST_P else f"{p:.2g}"
