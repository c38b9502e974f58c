"""A comparison of runs: metrics, paired tests of the difference to the first run, differences of the recipes."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from framework.attribution import full_name
from framework.data.splits import EVALUATION_SPLITS, evaluation_split
from framework.errors import UserError
from framework.evaluation.paired import holm, metric_differences, paired
from framework.evaluation.untested import untested_note
from framework.recipe.differences import recipe_differences
from framework.report.compared_run import ComparedRun
from framework.report.formatting import Formats, formats_of
from framework.report.seeds import SeedGroup, seed_groups
from framework.report.short_names import short_names
from framework.runs.recipe import settings_of

if TYPE_CHECKING:
    from framework.components import Metric, Task
    from framework.inference.evaluated_model import EvaluatedModel

PREPROCESSING = ("height", "width", "channels", "fit", "value_range")
"""Pixels are comparable between runs only if these are equal."""


@dataclass(frozen=True)
class Comparison:
    """Two or more runs; the first is the baseline."""

    split: str
    runs: tuple[ComparedRun, ...]
    differences: Mapping[str, Sequence[Any]]
    """By option, a value for each run, None if it has none; with `evaluate.tta` and `int8` of exports."""
    metrics: tuple[Metric, ...] = ()
    """The metrics of all recipes that are not fixed."""

    @property
    def task(self) -> Task:
        """The task of all runs."""
        return self.runs[0].task

    @property
    def formats(self) -> Formats:
        """How the metrics are displayed."""
        return formats_of(self.task, self.metrics)

    @property
    def untested(self) -> list[str]:
        """Notes on classes without images: one for each run, or a single one if all are equal."""
        notes = {run.name: note for run in self.runs if (note := untested_note(run.metrics, self.split))}
        if len(notes) == len(self.runs) and len(set(notes.values())) == 1:
            return [next(iter(notes.values()))]
        return [f"{name}: {note}" for name, note in notes.items()]

    @cached_property
    def seed_groups(self) -> list[SeedGroup]:
        """Runs that differ in their seed only."""
        return seed_groups(self.runs, self.differences, self.formats)

    def as_dict(self) -> dict[str, Any]:
        """As JSON types."""
        return {
            "split": self.split,
            "runs": [run.as_dict() for run in self.runs],
            "seed_groups": [group.as_dict() for group in self.seed_groups],
            "recipe_differences": dict(self.differences),
        }

    def __str__(self) -> str:
        from framework.report.comparison_text import print_comparison
        from framework.report.console import plain_console

        text = io.StringIO()
        print_comparison(self, plain_console(file=text, width=120))
        return text.getvalue()


def compare(models: Sequence[EvaluatedModel], split: str | None) -> Comparison:
    """Compare on a split; None is the first of `test` and `validation` of which all runs have metrics.

    Raises `UserError` if there are fewer than two runs, if their tasks differ, if a run has no metrics of the split, or
    if a run and the baseline have no image in common.
    """
    if len(models) < 2:
        raise UserError("compare needs two or more runs: framework compare RUN RUN… [key=value …]")
    for model in models:
        if model.overrides:
            _ = model.recipe  # raises for wrong overrides
    _require_one_task(models)
    split = split or _common_split(models)
    names = short_names([model.trained for model in models])
    components = tuple({full_name(metric): metric for model in models for metric in model.metrics}.values())
    compared = [_compared(name, model, split, components) for name, model in zip(names, models, strict=True)]
    baseline, *others = compared
    tested = [_paired(baseline, other, components) for other in others]
    adjusted = iter(holm([run.paired.p for run in tested if run.paired]))
    tested = [replace(run, paired=replace(run.paired, p=next(adjusted))) if run.paired else run for run in tested]
    differences = recipe_differences([settings_of(model.trained) for model in models])
    return Comparison(split, (baseline, *tested), differences, components)


def _require_one_task(models: Sequence[EvaluatedModel]) -> None:
    first = models[0]
    for model in models[1:]:
        if model.task.name != first.task.name:
            raise UserError(
                f"'{first.trained.label}' has the task {first.task.name}, '{model.trained.label}' the task "
                f"{model.task.name}: their metrics cannot be compared. Give runs of one task"
            )


def _common_split(models: Sequence[EvaluatedModel]) -> str:
    common = [split for split in EVALUATION_SPLITS if all(model.has_metrics(split) for model in models)]
    return evaluation_split(common) or EVALUATION_SPLITS[0]


def _compared(name: str, model: EvaluatedModel, split: str, components: Sequence[Metric]) -> ComparedRun:
    try:
        predictions = model.predictions(split)
    except UserError as error:
        metrics = model.saved_metrics(split)
        if metrics is None:
            raise UserError(f"'{model.trained.label}' has no metrics of the split '{split}': {error}") from None
        before = "; its metrics are those before calibration" if model.trained.temperature != 1 else ""
        reason = f"{name} has no saved predictions, and they cannot be computed: {error}{before}"
        return ComparedRun(name, model.trained, metrics, None, reason, task=model.task)
    calibrated = predictions.at_temperature(model.trained.temperature)
    intervals = calibrated.intervals(components)
    return ComparedRun(
        name,
        model.trained,
        calibrated.metrics(components),
        predictions,
        intervals=intervals,
        task=model.task,
    )


def _preprocessing(run: ComparedRun) -> list[Any]:
    return [run.trained.documents["model"]["preprocess"].get(key) for key in PREPROCESSING]


def _paired(baseline: ComparedRun, other: ComparedRun, components: Sequence[Metric]) -> ComparedRun:
    if baseline.predictions is None or other.predictions is None:
        return other
    try:
        same_size = _preprocessing(baseline) == _preprocessing(other)
        test = paired(baseline.predictions, other.predictions, same_size=same_size)
        one = baseline.predictions.at_temperature(baseline.trained.temperature)
        two = other.predictions.at_temperature(other.trained.temperature)
        return replace(other, paired=test, differences=metric_differences(components, one, two))
    except UserError as error:
        raise UserError(f"'{baseline.trained.label}' and '{other.trained.label}' cannot be compared: {error}") from None
