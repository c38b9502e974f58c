"""Metrics with intervals, and the main findings as sentences."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from framework.components import Metric
from framework.errors import count
from framework.evaluation.untested import untested_note
from framework.report.formatting import displayed, interval_text_of, metric_text_of, percent
from framework.report.page.render import finding, render

if TYPE_CHECKING:
    from markupsafe import Markup

    from framework.components import MetricFormat
    from framework.report.report_data import ReportData

VISIBLE = 0.01
"""A smaller difference of confidence and accuracy is not worth a temperature."""


def summary_section(data: ReportData) -> Markup:
    """Cards with the metrics, then sentences."""
    metrics = data.metrics
    if not metrics:
        return render("summary.html.jinja", metrics=None, missing=data.missing("predictions"))
    return render(
        "summary.html.jinja",
        metrics=metrics,
        missing=data.missing("predictions"),
        untested=untested_note(metrics, data.split),
        cards=[
            (
                title,
                metric_text_of(form, metrics[key]),
                metrics[key],
                interval := data.intervals.get(key),
                interval and interval_text_of(form, *interval),
                _meaning(key, form, data),
            )
            for key, form, title in displayed(data.formats, metrics, percent_first=True)
        ],
        findings=[finding(text) for text in _findings(data, metrics)],
    )


def _meaning(key: str, form: MetricFormat | Metric, data: ReportData) -> str:
    """What the metric is, with the number of classes if some classes have no value."""
    assert data.metrics
    if isinstance(form, Metric):
        return (inspect.getdoc(form) or "").partition("\n")[0]
    if key == "loss" and data.trained.activation == "sigmoid":
        return "binary cross entropy, summed over the classes, in nats"
    if key == "ece" and (interval := data.intervals.get(key)) and interval[1] < data.metrics[key]:
        return f"{form.meaning}; above its interval because few images bias it upwards"
    number, total = data.metrics.get(form.class_count), len(data.metrics["per_class"])
    if number is None or number == total:
        return form.meaning
    return f"{form.meaning.removesuffix(' of the classes')} of {number:,} of {total:,} classes"


def _findings(data: ReportData, metrics: Mapping[str, Any]) -> list[str]:
    """Those of the task; the last one with the effect of a temperature, if the run is not calibrated."""
    images = count(metrics["images"], f"{data.split} image")
    interval, calibration = data.intervals.get(data.task.monitor), None
    if data.predictions:
        calibrated = data.predictions.at_temperature(data.trained.temperature)
        confidence, right = data.task.calibration_points(calibrated)
        calibration = confidence.mean().item(), right.double().mean().item()
    found = data.task.findings(metrics, images, interval, data.confusion, calibration)
    if (
        found
        and calibration
        and data.predictions
        and data.temperature
        and data.trained.temperature == 1
        and abs(calibration[0] - calibration[1]) >= VISIBLE
    ):
        value = data.temperature.value
        ece = data.predictions.at_temperature(value).metrics()["ece"]
        found[-1] += f" A temperature of {value:.2f} changes ECE to {percent(ece)}."
    return found
