"""Loss, top-1 and learning rate by epoch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from framework.attribution import full_name
from framework.report.epoch_table import EpochTable
from framework.report.formatting import sentence_case
from framework.report.page.axes import NUMBER, PERCENT
from framework.report.page.charts import Line, line_chart
from framework.report.page.render import render

if TYPE_CHECKING:
    from markupsafe import Markup

    from framework.components import Metric, Task
    from framework.report.report_data import ReportData

History = Sequence[Mapping[str, Any]]
"""The lines of metrics.jsonl."""
Points = list[tuple[float, float]]
"""(epoch, metric)."""
COLOURS = ("c0", "c2 dashed", "c1", "c3", "c4", "c5")
"""Of the lines of the chart of validation metrics."""


def learning_curves_section(data: ReportData) -> Markup:
    """Charts, and the epochs as a table."""
    history = data.history
    epochs = [line for line in history if line["event"] == "epoch"]
    if not epochs:
        missing = data.missing("learning curves") or "The run has no recorded epochs."
        return render("learning_curves.html.jinja", missing=missing)
    best = data.trained.documents.get("results", {}).get("kept", {})
    marked = (float(best["epoch"]), f"saved: epoch {best['epoch']}") if best and len(epochs) > 1 else None
    validated = any("validation" in line for line in epochs)
    rate = step_points(history, "lr") or [(line["step"] / steps_per_epoch(history), line["lr"]) for line in history]
    charts = [
        line_chart("Loss", _train_and_validation(history, "loss"), marked=marked),
        *_score_charts(history, data.task, marked),
        line_chart("Learning rate", [Line("learning rate", rate, "c0", legend=False)]),
    ]
    if validated:
        if lines := _validation_lines(history, data.task):
            charts.append(line_chart("Validation", lines, PERCENT, marked))
        charts += _component_charts(history, data.components, marked)
    table = EpochTable(len(epochs), validated=validated, metrics=data.components, task=data.task)
    rows = [table.cells(line["epoch"], line) for line in epochs]
    return render(
        "learning_curves.html.jinja", missing=None, charts=charts, validated=validated, titles=table.titles, rows=rows
    )


def steps_per_epoch(history: History) -> float:
    """From the first epoch that ended; 1 if none did."""
    return next((line["step"] / line["epoch"] for line in history if line["event"] == "epoch"), 1)


def epoch_line(history: History, split: str, metric: str) -> Points:
    """One point per epoch: `train` metrics are means over an epoch and lie in its middle, `validation` at its end."""
    per_epoch, shift = steps_per_epoch(history), 0.5 if split == "train" else 0.0
    ends = [line for line in history if line["event"] == "epoch" and line.get(split, {}).get(metric) is not None]
    return [(line["step"] / per_epoch - shift, line[split][metric]) for line in ends]


def step_points(history: History, metric: str) -> Points:
    """One point for each logged step."""
    per_epoch = steps_per_epoch(history)
    return [(line["step"] / per_epoch, line[metric]) for line in history if line["event"] == "step" and metric in line]


def _score_charts(history: History, task: Task, marked: tuple[float, str] | None) -> Iterator[Markup]:
    """The metric of training batches, and the monitored one if it is another."""
    for name in dict.fromkeys((task.training_metric, task.monitor)):
        form = task.metric_formats[name]
        lines = _train_and_validation(history, name)
        if any(line.points for line in lines):
            yield line_chart(sentence_case(form.title), lines, PERCENT if form.percent else NUMBER, marked)


def _validation_lines(history: History, task: Task) -> list[Line]:
    """The brief metrics that have no chart of their own."""
    formats = {
        name: form
        for name, form in task.metric_formats.items()
        if form.brief and form.percent and name not in (task.training_metric, task.monitor)
    }
    return [
        Line(form.title, points, css)
        for (name, form), css in zip(formats.items(), COLOURS, strict=False)
        if (points := epoch_line(history, "validation", name))
    ]


def _component_charts(
    history: History, components: Sequence[Metric], marked: tuple[float, str] | None
) -> Iterator[Markup]:
    """A chart for each metric that is not fixed, without the epochs in which it was undefined."""
    for component in components:
        name = full_name(component)
        defined = [line for line in history if line.get("validation", {}).get(name) is not None]
        if defined:
            lines = [Line("validation", epoch_line(defined, "validation", name), "c1")]
            unit = PERCENT if component.percent else NUMBER
            yield line_chart(component.title or name, lines, unit, marked)


def _train_and_validation(history: History, metric: str) -> list[Line]:
    return [
        Line("training, by step", step_points(history, metric), "c0 faint", legend=False),
        Line("training", epoch_line(history, "train", metric), "c0"),
        Line("validation", epoch_line(history, "validation", metric), "c1"),
    ]
