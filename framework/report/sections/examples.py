"""Example images: mistakes, narrow decisions and activation maps."""

from __future__ import annotations

from typing import TYPE_CHECKING

from framework.report.page.render import render
from framework.report.short_names import short_paths

if TYPE_CHECKING:
    from markupsafe import Markup

    from framework.report.report_data import ReportData

MISTAKES = "Wrong predictions with high confidence: hard images, or labels to check."
CORRECT = "Correct predictions with low confidence."
MAPS = (
    "A random sample of all classes. The map shows how much each region contributed to the most probable class, from "
    "nothing (grey) to most (yellow)."
)


def examples_section(data: ReportData) -> Markup:
    """Three groups of images, or the reason why there are none."""
    examples = data.examples
    groups = []
    if examples:
        groups = [
            ("Most confident mistakes", MISTAKES, examples.mistakes, "All predictions are correct."),
            ("Least confident correct predictions", CORRECT, examples.correct, "No prediction is correct."),
        ]
        if mapped := [image for image in examples.sample if image.activation_map]:
            groups.append(("Activation maps", MAPS, tuple(mapped), ""))
    return render(
        "examples.html.jinja",
        groups=groups,
        paths=short_paths({image.name for _, _, images, _ in groups for image in images}),
        missing=data.missing("examples", "predictions", "images"),
        no_maps=data.missing("activation maps"),
    )
