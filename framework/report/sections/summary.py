"""Metrics with intervals, and the main findings as sentences."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from framework.attribution import full_name
from framework.evaluation.untested import untested_note
from framework.report.formatting import interval_text, metric_keys, metric_text, metric_title
from framework.report.page.render import render

if TYPE_CHECKING:
    from markupsafe import Markup

    from framework.report.report_data import ReportData

MEANING = {
    "top1": "fraction of correct predictions",
    "top5": "true class among the five most probable",
    "balanced_accuracy": "mean recall of the classes",
    "macro_f1": "mean F1 of the classes",
    "ece": "expected calibration error",
    "loss": "cross entropy in nats",
}
CLASS_COUNT = {"balanced_accuracy": "tested_classes", "macro_f1": "f1_classes"}
"""Metrics that are means over classes, and the metric with the number of classes."""


def summary_section(data: ReportData) -> Markup:
    """Cards with the metrics, then sentences."""
    metrics = data.metrics
    if not metrics:
        return render("summary.html.jinja", metrics=None, missing=data.missing("predictions"))
    recalls = {name: row["recall"] for name, row in metrics["per_class"].items() if row["support"]}
    per_class = metrics["per_class"]
    return render(
        "summary.html.jinja",
        metrics=metrics,
        split=data.split,
        missing=data.missing("predictions"),
        untested=untested_note(metrics, data.split),
        cards=[
            (
                metric_title(key, data.components),
                metric_text(key, metrics[key], data.components),
                metrics[key],
                interval := data.intervals.get(key),
                interval and interval_text(key, *interval, data.components),
                _meaning(key, data),
            )
            for key in [*(key for key in MEANING if key in metrics), *_others(metrics)]
        ],
        interval=data.intervals["top1"],
        most_frequent=max(per_class, key=lambda name: per_class[name]["support"]),
        lowest=min(recalls, key=recalls.__getitem__),
        highest=max(recalls, key=recalls.__getitem__),
        mistakes=data.confusion.mistakes(1) if data.confusion else [],
        **_confidence(data),
    )


def _others(metrics: Mapping[str, Any]) -> list[str]:
    return [key for key in metric_keys(metrics) if key not in MEANING]


def _meaning(key: str, data: ReportData) -> str:
    """What the metric is, with the number of classes if some classes have no value."""
    assert data.metrics
    if key not in MEANING:
        component = next((one for one in data.components if full_name(one) == key), None)
        return (inspect.getdoc(component) or "").partition("\n")[0] if component else ""
    if key == "loss" and data.trained.activation == "sigmoid":
        return "binary cross entropy, summed over the classes, in nats"
    if key == "ece" and (interval := data.intervals.get(key)) and interval[1] < data.metrics[key]:
        return f"{MEANING[key]}; above its interval because few images bias it upwards"
    number, total = data.metrics.get(CLASS_COUNT.get(key, "")), len(data.metrics["per_class"])
    if number is None or number == total:
        return MEANING[key]
    return f"{MEANING[key].removesuffix(' of the classes')} of {number:,} of {total:,} classes"


def _confidence(data: ReportData) -> dict[str, float | None]:
    """The mean confidence, and a temperature with the ECE that it would give if the run is not calibrated."""
    if data.predictions is None:
        return {"confidence": None, "temperature": None, "calibrated_ece": None}
    calibrated = data.predictions.at_temperature(data.trained.temperature)
    temperature = data.temperature.value if data.temperature and data.trained.temperature == 1 else None
    ece = data.predictions.at_temperature(temperature).metrics()["ece"] if temperature else None
    return {"confidence": calibrated.confidences.mean().item(), "temperature": temperature, "calibrated_ece": ece}
