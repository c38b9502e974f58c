"""The report of a run: one HTML file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from framework.errors import enumerate_names
from framework.report.figures import duration
from framework.report.page.document import Part, document
from framework.report.page.elements import Content, element
from framework.report.sections.calibration import calibration_section
from framework.report.sections.classes import classes_section
from framework.report.sections.confusion import confusion_section
from framework.report.sections.course import course_section
from framework.report.sections.data import data_section
from framework.report.sections.examples import examples_section
from framework.report.sections.headline import headline_section
from framework.report.sections.making import making_section

if TYPE_CHECKING:
    from framework.report.evidence import Evidence

SECTIONS = (
    ("figures", "At a glance", headline_section),
    ("confusion", "What is taken for what", confusion_section),
    ("classes", "Each class", classes_section),
    ("calibration", "Can its probabilities be trusted?", calibration_section),
    ("examples", "Look at them", examples_section),
    ("course", "How it learned", course_section),
    ("data", "The data", data_section),
    ("making", "How it was made", making_section),
)


def run_page(evidence: Evidence, title: str) -> str:
    """The whole page, as HTML."""
    found = [(anchor, name, write(evidence)) for anchor, name, write in SECTIONS]
    parts = [Part(anchor, name, content) for anchor, name, content in found if content is not None]
    return document(title, "Report of a run", _lead(evidence), parts, _foot(evidence))


def _lead(evidence: Evidence) -> Content:
    documents = evidence.trained.documents
    results, model = documents.get("results", {}), documents["model"]["model"]
    parameters = f" of {results['parameters']:,} parameters" if "parameters" in results else ""
    trained = ""
    if results:
        images = documents.get("data", {}).get("train", {}).get("images")
        trained = " It was trained " + (f"on {images:,} images " if images else "")
        trained += f"in {duration(results['seconds']['train'])} on {documents.get('environment', {}).get('device', 'a device that is not recorded')}."
    classes = trained_classes = evidence.trained.classes
    return [
        element("b", model.get("arch") or model["name"]),
        f", a network{parameters}, tells {len(classes):,} classes apart: {enumerate_names(trained_classes, 10)}.",
        trained,
    ]


def _foot(evidence: Evidence) -> Content:
    return [
        "Intervals are 95 %: Wilson’s for shares of images, a basic bootstrap of 1,000 resamples for balanced accuracy, "
        "macro F1 and ECE. They tell how far other images of the same kind would move a figure, not how far another seed "
        "would. Written by ",
        element("code", f"framework report {evidence.trained.label}"),
        "; this file needs nothing else, and may be passed on.",
    ]
