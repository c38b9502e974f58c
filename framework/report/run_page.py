"""The report of a run: one HTML file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from framework.errors import enumerate_names
from framework.files import write_text
from framework.report.formatting import duration
from framework.report.page.render import Section, page, render
from framework.report.report_data import ReportData, collect_report_data
from framework.report.sections.calibration import calibration_section
from framework.report.sections.classes import classes_section
from framework.report.sections.confusion_matrix import confusion_matrix_section
from framework.report.sections.data import data_section
from framework.report.sections.examples import examples_section
from framework.report.sections.learning_curves import learning_curves_section
from framework.report.sections.reproducibility import reproducibility_section
from framework.report.sections.summary import summary_section

if TYPE_CHECKING:
    from pathlib import Path

    from framework.inference.evaluated_model import EvaluatedModel

MATRIX = "Confusion matrix"
SECTIONS = {
    "Summary": summary_section,
    MATRIX: confusion_matrix_section,
    "Classes": classes_section,
    "Calibration": calibration_section,
    "Examples": examples_section,
    "Learning curves": learning_curves_section,
    "Data": data_section,
    "Reproducibility": reproducibility_section,
}


def write_report(model: EvaluatedModel, out: Path, split: str | None) -> ReportData:
    """Write the page of `framework report`; raises as `collect_report_data`."""
    data = collect_report_data(model, split)
    write_text(out, run_page(data, model.trained.name))
    return data


def run_page(data: ReportData, title: str) -> str:
    """The whole page, as HTML."""
    contents = {title: section(data) for title, section in SECTIONS.items()}
    if data.confusion:
        contents = {data.confusion.section if name == MATRIX else name: part for name, part in contents.items()}
    documents = data.trained.documents
    results, model = documents.get("results", {}), documents["model"]["model"]
    lead = render(
        "run_lead.html.jinja",
        model=model.get("arch") or model["name"],
        parameters=results.get("parameters"),
        classes=f"{len(data.trained.classes):,} classes: {enumerate_names(data.trained.classes, 10)}",
        images=documents.get("data", {}).get("train", {}).get("images"),
        time=duration(results["seconds"]["train"]) if "seconds" in results else None,
        device=documents.get("environment", {}).get("device"),
    )
    sections = [Section(title, content) for title, content in contents.items() if content is not None]
    return page(title, "Report of a run", lead, sections, _footer(data))


def _footer(data: ReportData) -> str:
    return (
        f"Intervals are 95 %. Accuracy and recall: Wilson score intervals. {data.task.interval_note} "
        "Intervals show the variation over "
        f"test images, not over seeds. Written by `framework report {data.trained.label}`. Before you share this file: "
        "it contains images of the dataset, folder names, the command and the commit."
    )
