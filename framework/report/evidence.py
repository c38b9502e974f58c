"""What a report is made of: gathered once, with what could not be had and why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from framework.errors import UserError, count
from framework.evaluation.bootstrap import Interval
from framework.evaluation.calibration import fit_temperature, is_minimum
from framework.evaluation.figure_intervals import figure_intervals
from framework.evaluation.intervals import wilson_interval
from framework.report.pictures import Pictures, find_pictures

if TYPE_CHECKING:
    from framework.evaluation.answers import Answers
    from framework.evaluation.confusion import Confusion
    from framework.inference.answering import Answering
    from framework.runs.trained import Trained

ANOTHER_ROOT = "Name the place of the data set after the run, such as dataset.root=DIR, and write the report again."


@dataclass(frozen=True)
class Gap:
    """A part of the report that is not there, why, and what to do."""

    part: str
    why: str
    remedy: str = ""


@dataclass(frozen=True)
class Temperature:
    """What the logits are divided by, and where that comes from, as a sentence."""

    value: float
    origin: str
    optimistic: bool = False
    """Whether it was fitted on the very images that the report is about."""


@dataclass(frozen=True)
class Evidence:
    """Everything that the sections of a report look at."""

    trained: Trained
    split: str
    answers: Answers | None
    """Without temperature."""
    figures: Mapping[str, Any] | None
    """At the run's temperature, where it has one."""
    intervals: Mapping[str, Interval]
    """95 %, of those figures that have one."""
    confusion: Confusion | None
    """Counted from the answers."""
    temperature: Temperature | None
    pictures: Pictures | None
    course: tuple[Mapping[str, Any], ...]
    """The lines of metrics.jsonl."""
    gaps: tuple[Gap, ...]

    @property
    def classes(self) -> tuple[str, ...]:
        """In the order of the figures."""
        return tuple(self.figures["per_class"]) if self.figures else self.trained.classes

    def gap(self, part: str) -> Gap | None:
        """Why that part is not there, where it is not."""
        return next((gap for gap in self.gaps if gap.part == part), None)


def gather(answering: Answering, asked: str | None) -> Evidence:
    """Of a run or bundle and the split that is asked for (None: test, else validation).

    What needs data or plugins that are not there any more becomes a gap. Raises `UserError` where the split that was
    asked for cannot be had, or the overrides are wrong.
    """
    gaps: list[Gap] = []
    if answering.overrides:
        _ = answering.recipe  # what was typed just now is checked, and no gap
    split, answers = _answers(answering, asked, gaps)
    trained = answering.trained
    calibrated = answers.at_temperature(trained.temperature) if answers else None
    figures = calibrated.figures() if calibrated else answering.kept_figures(split)
    temperature = _temperature(answering, split, gaps) if answers else None
    pictures = _pictures(answering, split, answers, gaps) if answers else None
    if not trained.folder:
        gaps.append(Gap("curves", "a bundle does not hold the course of its training", "Report on the run's folder."))
    return Evidence(
        trained=trained,
        split=split,
        answers=answers,
        figures=figures,
        intervals=_intervals(calibrated, figures),
        confusion=answers.confusion() if answers else None,
        temperature=temperature,
        pictures=pictures,
        course=tuple(trained.folder.metrics_lines()) if trained.folder else (),
        gaps=tuple(gaps),
    )


def _answers(answering: Answering, asked: str | None, gaps: list[Gap]) -> tuple[str, Answers | None]:
    split = asked or "test"
    try:
        split = answering.split_for_figures(asked)
        return split, answering.answers(split)
    except UserError as error:
        if answering.asks_anew or (asked is not None and answering.kept_figures(asked) is None):
            raise
        what = "what the network said of each image is not kept, and cannot be computed again"
        calibrated = answering.trained.temperature != 1 and answering.kept_figures(split) is not None
        before = "; the figures are those before calibration" if calibrated else ""
        gaps.append(Gap("answers", f"{what}: {error}{before}", ANOTHER_ROOT))
    return split, None


def _intervals(answers: Answers | None, figures: Mapping[str, Any] | None) -> dict[str, Interval]:
    """Top-1 by its formula, everything else from the answers where there are any."""
    if not figures:
        return {}
    shares = {name: wilson_interval(figures[name], figures["images"]) for name in ("top1", "top5") if name in figures}
    return {**shares, **(figure_intervals(answers) if answers else {})}


def _temperature(answering: Answering, split: str, gaps: list[Gap]) -> Temperature | None:
    trained = answering.trained
    if calibration := trained.documents.get("calibration"):
        origin = (
            f"It was fitted on {count(calibration['images'], 'image')} of the {calibration['split']} split and belongs "
            "to the run: every probability that the framework gives is calibrated by it."
        )
        return Temperature(trained.temperature, origin, calibration["split"] == split)
    why = _validation_missing(answering)
    if why is None:
        try:
            validation = answering.answers("validation")
        except UserError as error:
            why = f"no temperature could be fitted: {error}"
    if why is not None:
        gaps.append(Gap("temperature", why, "Train with a share held out for it, such as dataset.validation=0.1."))
        return None
    value = fit_temperature(validation.logits, validation.labels, validation.activation)
    if not is_minimum(value):
        gaps.append(Gap("temperature", f"the fit on {count(len(validation), 'validation image')} has no minimum"))
        return None
    origin = f"It was fitted for this report on {count(len(validation), 'image')} of the validation split"
    keep = f"`framework evaluate {trained.label} --calibrate` keeps it with the run" if trained.folder else ""
    return Temperature(value, f"{origin}. {keep}." if keep else f"{origin}.", split == "validation")


def _validation_missing(answering: Answering) -> str | None:
    known = answering.trained.documents
    if "validation" in known.get("results", {}) or "validation" in known.get("data", {}):
        return None
    return "no temperature can be fitted: the run held no validation images out"


def _pictures(answering: Answering, split: str, answers: Answers, gaps: list[Gap]) -> Pictures | None:
    try:
        pictures = find_pictures(answering, split, answers)
    except UserError as error:
        gaps.append(Gap("pictures", f"the images cannot be had: {error}", ANOTHER_ROOT))
        return None
    if pictures.absent:
        why = f"{pictures.absent} of {pictures.chosen} images for the pictures are not there any more, or are others"
        gaps.append(Gap("images", why, ANOTHER_ROOT))
    if pictures.no_maps:
        gaps.append(Gap("maps", pictures.no_maps))
    return pictures
