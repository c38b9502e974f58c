"""The report of a run: one HTML file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from framework.errors import count, enumerate_names
from framework.evaluation.bootstrap import RESAMPLES
from framework.report.formatting import duration
from framework.report.page.document import Part, document, prose
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
    ("metrics", "Metrics", "At a glance", headline_section),
    ("confusion", "Confusions", "What is taken for what", confusion_section),
    ("classes", "Classes", "Each class", classes_section),
    ("calibration", "Calibration", "Can its probabilities be trusted?", calibration_section),
    ("examples", "Images", "Look at them", examples_section),
    ("course", "Training", "How it learned", course_section),
    ("data", "Data", "What it learned from", data_section),
    ("making", "Making", "How it was made", making_section),
)


def run_page(evidence: Evidence, title: str) -> str:
    """The whole page, as HTML."""
    found = [(anchor, short, name, write(evidence)) for anchor, short, name, write in SECTIONS]
    parts = [Part(anchor, short, name, content) for anchor, short, name, content in found if content is not None]
    return document(title, "Report of a run", _lead(evidence), parts, _foot(evidence))


def _lead(evidence: Evidence) -> Content:
    documents = evidence.trained.documents
    results, model = documents.get("results", {}), documents["model"]["model"]
    classes = evidence.trained.classes
    parameters = f" of {count(results['parameters'], 'parameter')}" if "parameters" in results else ""
    told = f", a network{parameters}, tells {len(classes):,} classes apart: {enumerate_names(classes, 10)}."
    return [element("b", model.get("arch") or model["name"]), told, _trained(documents)]


def _trained(documents: Mapping[str, Any]) -> str:
    seconds = documents.get("results", {}).get("seconds")
    if seconds is None:
        return ""
    images = documents.get("data", {}).get("train", {}).get("images")
    device = documents.get("environment", {}).get("device")
    words = [f"on {count(images, 'image')}" if images else "", f"in {duration(seconds['train'])}"]
    words.append(f"on {device}" if device else "")
    return f" It was trained {' '.join(filter(None, words))}."


def _foot(evidence: Evidence) -> Content:
    return prose(
        "Intervals are 95 %: Wilson’s for fractions of the images and, by their effective number of images, for "
        f"balanced accuracy and macro F1 (whose variance is that of {RESAMPLES:,} resamples). That of ECE is "
        "bias-corrected: chance raises ECE on a finite number of images, so that ECE itself can lie above it. They "
        "tell how far other images of the same kind would move a figure, not how far another seed would. Written by "
        f"`framework report {evidence.trained.label}`. This page needs nothing else. Before it is passed on: it shows "
        "images of the data, and names folders, the command and the commit."
    )
