"""Reliability diagrams before and after temperature scaling."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from framework.evaluation.ece_interval import ece_interval
from framework.evaluation.reliability import reliability
from framework.report.formatting import percent_range
from framework.report.page.charts import reliability_diagram
from framework.report.page.render import render

if TYPE_CHECKING:
    from markupsafe import Markup

    from framework.evaluation.predictions import Predictions
    from framework.report.report_data import ReportData


def calibration_section(data: ReportData) -> Markup:
    """The reliability diagram of the model as trained, and after temperature scaling."""
    predictions, temperature, diagrams = data.predictions, data.temperature, []
    if predictions:
        diagrams.append(_diagram("As trained", predictions))
        if temperature:
            scaled = predictions.at_temperature(temperature.value)
            diagrams.append(_diagram(f"At a temperature of {temperature.value:.3f}", scaled))
    missing = data.missing("predictions", "temperature")
    return render(
        "calibration.html.jinja",
        diagrams=diagrams,
        temperature=temperature,
        split=data.split,
        missing=missing,
        several=any(diagram["interval"] is None for diagram in diagrams),
    )


def _diagram(title: str, predictions: Predictions) -> dict[str, Any]:
    points = predictions.task.calibration_points(predictions)
    return {
        "title": title,
        "metrics": predictions.metrics(),
        # The probabilities of several labels of one image are not independent, as the interval assumes.
        "interval": percent_range(*ece_interval(*points)) if len(points[0]) == len(predictions) else None,
        "chart": reliability_diagram(f"Reliability diagram: {title}", reliability(predictions)),
    }
