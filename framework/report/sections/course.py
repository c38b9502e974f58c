"""How it learned."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from framework.report.epoch_table import EpochTable
from framework.report.formatting import HEADLINES
from framework.report.page.axes import PERCENT
from framework.report.page.document import more, table
from framework.report.page.elements import Markup, element
from framework.report.page.lines import Line, line_chart
from framework.report.sections.headline import gap_callout

if TYPE_CHECKING:
    from framework.report.evidence import Evidence

Course = Sequence[Mapping[str, Any]]


def course_section(evidence: Evidence) -> Markup | None:
    """Loss, top-1 and rate over the epochs; the epochs as a table."""
    lines = evidence.course
    epochs = [line for line in lines if line["event"] == "epoch"]
    if not epochs:
        return gap_callout(evidence.gap("curves")) or element("p", "The course of the training was not recorded.")
    kept = evidence.trained.documents.get("results", {}).get("kept", {})
    marked = (float(kept["epoch"]), f"kept: epoch {kept['epoch']}") if kept and len(epochs) > 1 else None
    validated = any("validation" in line for line in epochs)
    charts = [
        line_chart("Loss", _lines(lines, "loss"), marked=marked),
        line_chart("Top-1", _lines(lines, "top1"), PERCENT, marked=marked),
        line_chart("Learning rate", [rate_line(lines)]),
    ]
    if validated:
        charts.append(line_chart("Validation", _of_validation(lines), PERCENT, marked=marked))
    note = "Training metrics are of augmented images and of a network that still changes: they may be below validation."
    epoch_table = EpochTable(len(epochs), validated=validated)
    rows = [epoch_table.cells(line["epoch"], line) for line in epochs]
    return element(
        "div",
        element("p", note, class_="note") if validated else None,
        element("div", charts, class_="charts"),
        more("All epochs as a table", table(epoch_table.titles, rows, "epochs")),
    )


def steps_per_epoch(lines: Course) -> float:
    """From the first epoch that ended; 1 where none did."""
    return next((line["step"] / line["epoch"] for line in lines if line["event"] == "epoch"), 1)


def epoch_line(lines: Course, part: str, figure: str) -> list[tuple[float, float]]:
    """Points (epoch, figure): of `validation` where epochs end, of `train`, means over epochs, in their middle."""
    per_epoch, back = steps_per_epoch(lines), 0.5 if part == "train" else 0.0
    ends = [line for line in lines if line["event"] == "epoch" and part in line]
    return [(line["step"] / per_epoch - back, line[part][figure]) for line in ends]


def step_line(lines: Course, figure: str) -> list[tuple[float, float]]:
    """Points (epoch, figure) between the epochs' ends."""
    per_epoch = steps_per_epoch(lines)
    return [(line["step"] / per_epoch, line[figure]) for line in lines if line["event"] == "step"]


def rate_line(lines: Course) -> Line:
    """The learning rate at every step that was logged."""
    return Line("learning rate", step_line(lines, "lr") or _rates(lines), "c0", legend=False)


def _rates(lines: Course) -> list[tuple[float, float]]:
    per_epoch = steps_per_epoch(lines)
    return [(line["step"] / per_epoch, line["lr"]) for line in lines]


def _of_validation(lines: Course) -> list[Line]:
    """The other metrics of the validation split."""
    metrics = {"balanced_accuracy": "c0", "macro_f1": "c2 dashed", "ece": "c1"}
    return [Line(HEADLINES[figure], epoch_line(lines, "validation", figure), look) for figure, look in metrics.items()]


def _lines(lines: Course, figure: str) -> list[Line]:
    return [
        Line("training, between", step_line(lines, figure), "c0 faint", legend=False),
        Line("training", epoch_line(lines, "train", figure), "c0"),
        Line("validation", epoch_line(lines, "validation", figure), "c1"),
    ]
