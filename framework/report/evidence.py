"""What a report is made of: gathered once, with what could not be had and why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from framework.errors import UserError, count
from framework.evaluation.bootstrap import Interval
from framework.evaluation.calibration import fit_temperature, is_minimum
from framework.evaluation.intervals import wilson_interval
from framework.evaluation.metric_intervals import metric_intervals
from framework.report.pictures import Pictures, find_pictures

if TYPE_CHECKING:
    from framework.evaluation.confusion import Confusion
    from framework.evaluation.predictions import Predictions
    from framework.inference.evaluated_model import EvaluatedModel
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
    predictions: Predictions | None
    """Without temperature."""
    metrics: Mapping[str, Any] | None
    """At the run's temperature, where it has one."""
    intervals: Mapping[str, Interval]
    """95 %, of those metrics that have one."""
    confusion: Confusion | None
    """Counted from the predictions."""
    temperature: Temperature | None
    pictures: Pictures | None
    course: tuple[Mapping[str, Any], ...]
    """The lines of metrics.jsonl."""
    gaps: tuple[Gap, ...]

    @property
    def classes(self) -> tuple[str, ...]:
        """In the order of the metrics."""
        return tuple(self.metrics["per_class"]) if self.metrics else self.trained.classes

    def gap(self, part: str) -> Gap | None:
        """Why that part is not there, where it is not."""
        return next((gap for gap in self.gaps if gap.part == part), None)


def gather(model: EvaluatedModel, asked: str | None) -> Evidence:
    """Of a run or bundle and the split that is asked for (None: test, else validation).

    What needs data or plugins that are not there any more becomes a gap. Raises `UserError` where the split that was
    asked for cannot be had, or the overrides are wrong.
    """
    gaps: list[Gap] = []
    if model.overrides:
        _ = model.recipe  # what was typed just now is checked, and no gap
    split, predictions = _predictions(model, asked, gaps)
    trained = model.trained
    calibrated = predictions.at_temperature(trained.temperature) if predictions else None
    metrics = calibrated.metrics() if calibrated else model.saved_metrics(split)
    temperature = _temperature(model, split, gaps) if predictions else None
    pictures = _pictures(model, split, predictions, gaps) if predictions else None
    if not trained.folder:
        gaps.append(Gap("curves", "a bundle does not hold the course of its training", "Report on the run's folder."))
    return Evidence(
        trained=trained,
        split=split,
        predictions=predictions,
        metrics=metrics,
        intervals=_intervals(calibrated, metrics),
        confusion=predictions.confusion() if predictions else None,
        temperature=temperature,
        pictures=pictures,
        course=tuple(trained.folder.metrics_lines()) if trained.folder else (),
        gaps=tuple(gaps),
    )


def _predictions(model: EvaluatedModel, asked: str | None, gaps: list[Gap]) -> tuple[str, Predictions | None]:
    split = asked or "test"
    try:
        split = model.evaluation_split(asked)
        return split, model.predictions(split)
    except UserError as error:
        if model.is_overridden or (asked is not None and model.saved_metrics(asked) is None):
            raise
        what = "what the network said of each image is not kept, and cannot be computed again"
        calibrated = model.trained.temperature != 1 and model.saved_metrics(split) is not None
        before = "; the metrics are those before calibration" if calibrated else ""
        gaps.append(Gap("predictions", f"{what}: {error}{before}", ANOTHER_ROOT))
    return split, None


def _intervals(predictions: Predictions | None, metrics: Mapping[str, Any] | None) -> dict[str, Interval]:
    """Top-1 by its formula, everything else from the predictions where there are any."""
    if not metrics:
        return {}
    shares = {name: wilson_interval(metrics[name], metrics["images"]) for name in ("top1", "top5") if name in metrics}
    return {**shares, **(metric_intervals(predictions) if predictions else {})}


def _temperature(model: EvaluatedModel, split: str, gaps: list[Gap]) -> Temperature | None:
    trained = model.trained
    if calibration := trained.documents.get("calibration"):
        origin = (
            f"It was fitted on {count(calibration['images'], 'image')} of the {calibration['split']} split and belongs "
            "to the run: every probability that the framework gives is calibrated by it."
        )
        return Temperature(trained.temperature, origin, calibration["split"] == split)
    why = _validation_missing(model)
    if why is None:
        try:
            validation = model.predictions("validation")
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


def _validation_missing(model: EvaluatedModel) -> str | None:
    known = model.trained.documents
    if "validation" in known.get("results", {}) or "validation" in known.get("data", {}):
        return None
    return "no temperature can be fitted: the run held no validation images out"


def _pictures(model: EvaluatedModel, split: str, predictions: Predictions, gaps: list[Gap]) -> Pictures | None:
    try:
        pictures = find_pictures(model, split, predictions)
    except UserError as error:
        gaps.append(Gap("pictures", f"the images cannot be had: {error}", ANOTHER_ROOT))
        return None
    if pictures.absent:
        why = f"{pictures.absent} of {pictures.chosen} images for the pictures are not there any more, or are others"
        gaps.append(Gap("images", why, ANOTHER_ROOT))
    if pictures.no_maps:
        gaps.append(Gap("maps", pictures.no_maps))
    return pictures
