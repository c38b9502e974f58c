"""The metrics of several runs as rows of text, for the terminal and for a page."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from framework.recipe.option_text import value_text
from framework.report.comparison import points, probability
from framework.report.formatting import HEADLINES, duration, headline, millions

if TYPE_CHECKING:
    from framework.report.comparison import Compared, Comparison


def figure_rows(comparison: Comparison) -> Iterator[list[str]]:
    """A row for each figure: its name, then a cell for each run."""
    runs = comparison.runs
    yield [HEADLINES["top1"], *(headline("top1", run.metrics["top1"]) for run in runs)]
    yield ["95 % interval", *("{:.1f} to {:.1f}".format(*(100 * end for end in run.interval)) for run in runs)]
    yield ["against the first", *(_difference(run) for run in runs)]
    yield ["its 95 % interval", *(_difference_interval(run) for run in runs)]
    yield ["p (McNemar)", *(probability(run.paired.p).removeprefix("= ") if run.paired else "" for run in runs)]
    for key in ("top5", "balanced_accuracy", "macro_f1", "ece", "loss"):
        if any(key in run.metrics for run in runs):
            yield [
                HEADLINES[key],
                *(headline(key, run.metrics[key]) if key in run.metrics else "" for run in runs),
            ]
    yield ["images", *(f"{run.metrics['images']:,}" for run in runs)]
    results = [run.trained.documents.get("results", {}) for run in runs]
    yield ["parameters", *(f"{found['parameters']:,}" if "parameters" in found else "" for found in results)]
    if any("multiply_adds" in found for found in results):
        yield [
            "multiply-adds",
            *(millions(found["multiply_adds"]) if "multiply_adds" in found else "" for found in results),
        ]
    yield ["training", *(duration(found["seconds"]["train"]) if "seconds" in found else "" for found in results)]
    yield ["images/s", *(f"{found['images_per_second']:,.0f}" if "seconds" in found else "" for found in results)]


def difference_rows(comparison: Comparison) -> Iterator[list[str]]:
    """A row for each difference of the recipes: its path, then a cell for each run."""
    for path, values in comparison.differences.items():
        yield [path, *("–" if value is None else value_text(value, 12) for value in values)]


def _difference(run: Compared) -> str:
    return points(run.paired.difference) if run.paired else ""


def _difference_interval(run: Compared) -> str:
    return " to ".join(map(points, run.paired.interval)) if run.paired else ""
