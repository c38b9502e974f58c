"""Whether its probabilities can be trusted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from framework.evaluation.ece_interval import ece_interval
from framework.evaluation.reliability import reliability
from framework.report.formatting import share
from framework.report.page.bars import reliability_diagram
from framework.report.page.document import callout, prose
from framework.report.page.elements import Markup, element
from framework.report.sections.headline import gap_callout

if TYPE_CHECKING:
    from framework.evaluation.predictions import Predictions
    from framework.report.evidence import Evidence


def calibration_section(evidence: Evidence) -> Markup | None:
    """The reliability diagram, as trained and after temperature scaling."""
    predictions, temperature = evidence.predictions, evidence.temperature
    if predictions is None:
        return gap_callout(evidence.gap("predictions"))
    diagrams = [_diagram("as trained", predictions)]
    words = [
        "Predictions are sorted by confidence; on the diagonal, accuracy equals confidence. Orange is "
        "what it claims beyond that, light blue what it could claim and does not. ECE is the mean height of these "
        "gaps, weighted by the images below. "
    ]
    if temperature:
        scaled = predictions.at_temperature(temperature.value)
        name = f"divided by a temperature of {temperature.value:.3f}"
        diagrams.append(_diagram(name, scaled))
        words.append(
            f"The temperature is one number by which all logits are divided; it changes no answer. {temperature.origin}"
        )
    optimistic = (
        callout(f"It was fitted on these {evidence.split} images themselves: on others ECE will be somewhat higher.")
        if temperature and temperature.optimistic
        else None
    )
    return element(
        "div",
        element("p", [prose(word) for word in words], class_="note"),
        element("div", diagrams, class_="pair"),
        optimistic,
        gap_callout(evidence.gap("temperature")),
    )


def _diagram(name: str, predictions: Predictions) -> Markup:
    metrics, (low, high) = predictions.metrics(), ece_interval(predictions.confidences, predictions.correct)
    between = f" (95 % interval, bias-corrected: {100 * low:.1f} to {100 * high:.1f})"
    words = [element("b", f"ECE {share(metrics['ece'])}"), f"{between}, loss {metrics['loss']:.3f}"]
    return element(
        "figure",
        element("figcaption", name.capitalize(), element("br"), words, class_="lines"),
        reliability_diagram(f"reliability diagram, {name}", reliability(predictions)),
        class_="plot",
    )
