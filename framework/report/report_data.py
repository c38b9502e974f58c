"""The data of a report: collected once, with what is missing and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from framework.components import Metric, Task
from framework.errors import UserError, count
from framework.evaluation.bootstrap import Interval
from framework.evaluation.calibration import fit_temperature, is_minimum
from framework.evaluation.confusion import Confusion
from framework.evaluation.metric_intervals import metric_intervals, proportion_intervals
from framework.evaluation.predictions import Predictions
from framework.inference.evaluated_model import EvaluatedModel
from framework.report.example_images import ExampleImages, load_examples
from framework.report.formatting import Formats, formats_of
from framework.runs.trained import Trained

NAME_THE_DATA = "Set the location of the dataset after the run, such as dataset.root=DIR, and write the report again."


@dataclass(frozen=True)
class MissingPart:
    """A part of the report that is missing, the reason, and what to do."""

    part: str
    reason: str
    remedy: str = ""

    def __str__(self) -> str:
        return f"{self.reason[0].upper()}{self.reason[1:].rstrip('.')}. {self.remedy}".strip()


@dataclass(frozen=True)
class Temperature:
    """The value that divides the logits, and how it was fitted."""

    value: float
    origin: str
    optimistic: bool = False
    """Whether it was fitted on the images that the report evaluates."""


@dataclass(frozen=True)
class ReportData:
    """Everything that the sections of a report show."""

    trained: Trained
    split: str
    predictions: Predictions | None
    """Without temperature."""
    metrics: Mapping[str, Any] | None
    """At the run's temperature if it is calibrated."""
    task: Task
    components: tuple[Metric, ...]
    """Those of the metrics that are not fixed."""
    intervals: Mapping[str, Interval]
    """95 %, by metric."""
    confusion: Confusion | None
    temperature: Temperature | None
    examples: ExampleImages | None
    history: tuple[Mapping[str, Any], ...]
    """The lines of metrics.jsonl."""
    missing_parts: tuple[MissingPart, ...]

    @property
    def formats(self) -> Formats:
        """How the metrics are displayed."""
        return formats_of(self.task, self.components)

    def missing(self, *parts: str) -> str | None:
        """The reason of the first of these parts that is missing; None if none is."""
        found = {missing.part: str(missing) for missing in self.missing_parts}
        return next((found[part] for part in parts if part in found), None)


def collect_report_data(model: EvaluatedModel, split: str | None) -> ReportData:
    """The data of a run or bundle on a split (None: test, else validation).

    Parts for which data or plugins are not available are listed in `missing_parts`. Raises `UserError` if the requested
    split is not available or the overrides are wrong.
    """
    missing: list[MissingPart] = []
    if model.overrides:
        _ = model.recipe  # raises for wrong overrides
    split, predictions = _predictions(model, split, missing)
    trained = model.trained
    calibrated = predictions.at_temperature(trained.temperature) if predictions else None
    components = _components(model, missing)
    metrics = calibrated.metrics(components) if calibrated else model.saved_metrics(split)
    temperature = _temperature(model, split, missing) if predictions else None
    examples = _examples(model, split, predictions, missing) if predictions else None
    if not trained.folder:
        missing.append(
            MissingPart("learning curves", "a bundle has no learning curves", "Write a report of the run's folder.")
        )
    return ReportData(
        trained=trained,
        split=split,
        predictions=predictions,
        metrics=metrics,
        task=model.task,
        components=components,
        intervals=_intervals(model.task, calibrated, metrics, components),
        confusion=predictions.confusion() if predictions else None,
        temperature=temperature,
        examples=examples,
        history=tuple(trained.folder.metrics_lines()) if trained.folder else (),
        missing_parts=tuple(missing),
    )


def _predictions(
    model: EvaluatedModel, requested: str | None, missing: list[MissingPart]
) -> tuple[str, Predictions | None]:
    split = requested or "test"
    try:
        split = model.evaluation_split(requested)
        return split, model.predictions(split)
    except UserError as error:
        if model.is_overridden or (requested is not None and model.saved_metrics(requested) is None):
            raise
        calibrated = model.trained.temperature != 1 and model.saved_metrics(split) is not None
        before = "; the metrics are those before calibration" if calibrated else ""
        reason = f"the predictions were not saved and cannot be computed: {error}{before}"
        missing.append(MissingPart("predictions", reason, NAME_THE_DATA))
    return split, None


def _components(model: EvaluatedModel, missing: list[MissingPart]) -> tuple[Metric, ...]:
    try:
        return model.metrics
    except UserError as error:
        missing.append(MissingPart("metrics", f"the metrics of the recipe cannot be computed: {error}"))
        return ()


def _intervals(
    task: Task, predictions: Predictions | None, metrics: Mapping[str, Any] | None, components: Sequence[Metric]
) -> dict[str, Interval]:
    """Those of proportions; the others need the predictions."""
    if not metrics:
        return {}
    return {**proportion_intervals(task, metrics), **(metric_intervals(predictions, components) if predictions else {})}


def _temperature(model: EvaluatedModel, split: str, missing: list[MissingPart]) -> Temperature | None:
    trained = model.trained
    if calibration := trained.documents.get("calibration"):
        images = count(calibration["images"], f"{calibration['split']} image")
        origin = f"It was fitted on {images} and saved with the run: all probabilities of the run are scaled by it."
        return Temperature(trained.temperature, origin, calibration["split"] == split)
    if not any("validation" in trained.documents.get(name, {}) for name in ("results", "data")):
        reason = "no temperature can be fitted: the run has no validation split"
        missing.append(MissingPart("temperature", reason, "Train with one, such as dataset.validation=0.1."))
        return None
    try:
        validation = model.predictions("validation")
    except UserError as error:
        missing.append(MissingPart("temperature", f"no temperature can be fitted: {error}", NAME_THE_DATA))
        return None
    images = count(len(validation), "validation image")
    value = fit_temperature(validation.logits, validation.labels, validation.activation)
    if not is_minimum(value):
        missing.append(MissingPart("temperature", f"the fit on {images} has no minimum"))
        return None
    save = f" `framework evaluate {trained.label} --calibrate` saves one with the run." if trained.folder else ""
    return Temperature(value, f"It was fitted for this report on {images}.{save}", split == "validation")


def _examples(
    model: EvaluatedModel, split: str, predictions: Predictions, missing: list[MissingPart]
) -> ExampleImages | None:
    try:
        examples = load_examples(model, split, predictions)
    except UserError as error:
        missing.append(MissingPart("examples", f"the images are not available: {error}", NAME_THE_DATA))
        return None
    if examples.unavailable:
        reason = f"{examples.unavailable} of {count(examples.selected, 'image')} are missing or have changed"
        missing.append(MissingPart("images", reason, NAME_THE_DATA))
    if examples.no_maps:
        missing.append(MissingPart("activation maps", examples.no_maps))
    return examples
