"""Runs beside each other: what their metrics are, what differs in their recipes, and what is more than noise."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from framework.data.splits import FIGURE_SPLITS, evaluation_split
from framework.errors import UserError, count
from framework.evaluation.intervals import wilson_interval
from framework.evaluation.paired import LEVEL, Paired, holm, paired
from framework.evaluation.untested import untested_classes, untested_note
from framework.recipe.differences import recipe_differences
from framework.recipe.flat import nested_recipe
from framework.report.seeds import SeedGroup, seed_groups
from framework.report.short_names import short_names
from framework.runs.recipe import tta_of

if TYPE_CHECKING:
    from framework.evaluation.bootstrap import Interval
    from framework.evaluation.predictions import Predictions
    from framework.inference.evaluated_model import EvaluatedModel
    from framework.runs.trained import Trained

COSTS = ("parameters", "multiply_adds", "seconds", "images_per_second")
FIGURES = ("images", "loss", "top1", "top5", "balanced_accuracy", "macro_f1", "ece", "tested_classes", "f1_classes")


@dataclass(frozen=True)
class Compared:
    """One of the runs."""

    name: str
    trained: Trained
    metrics: Mapping[str, Any]
    predictions: Predictions | None
    why_no_answers: str = ""
    paired: Paired | None = None
    """Against the first run; its p is raised where there are several comparisons."""

    @property
    def interval(self) -> Interval:
        """Of top-1, 95 %."""
        return wilson_interval(self.metrics["top1"], self.metrics["images"])

    def untested(self, split: str) -> str | None:
        """Which classes its metrics say nothing about; None where every one was tested."""
        return untested_note(self.metrics, split)

    @property
    def more_than_noise(self) -> bool:
        """Whether chance alone would rarely make a difference as large."""
        return self.paired is not None and self.paired.p < LEVEL

    def as_dict(self) -> dict[str, Any]:
        """As JSON types."""
        results = self.trained.documents.get("results", {})
        row: dict[str, Any] = {"run": self.trained.label}
        row |= {key: self.metrics[key] for key in FIGURES if key in self.metrics}
        row["untested_classes"] = untested_classes(self.metrics)
        row["top1_interval"] = list(self.interval)
        row |= {key: results[key] for key in COSTS if key in results}
        if self.paired:
            row["against_first"] = {**self.paired.as_dict(), "more_than_noise": self.more_than_noise}
        elif self.why_no_answers:
            row["why_not_paired"] = self.why_no_answers
        return row


@dataclass(frozen=True)
class Comparison:
    """All of them, the first as the one that the others are held against."""

    split: str
    runs: tuple[Compared, ...]
    differences: Mapping[str, Sequence[Any]]
    """Of the recipes, with the views and the arithmetic of exports: a value for each run, None if it has no value."""

    @property
    def untested(self) -> list[str]:
        """For each run with classes that were not tested which those are; once where they are the same for all."""
        notes = {run.name: note for run in self.runs if (note := run.untested(self.split))}
        if len(notes) == len(self.runs) and len(set(notes.values())) == 1:
            return [next(iter(notes.values()))]
        return [f"{name}: {note}" for name, note in notes.items()]

    @cached_property
    def seed_groups(self) -> list[SeedGroup]:
        """The runs that differ in their seed alone."""
        return seed_groups(self.runs, self.differences)

    def as_dict(self) -> dict[str, Any]:
        """As JSON types."""
        return {
            "split": self.split,
            "runs": [run.as_dict() for run in self.runs],
            "seed_groups": [group.as_dict() for group in self.seed_groups],
            "recipe_differences": dict(self.differences),
        }


def compare(models: Sequence[EvaluatedModel], asked: str | None) -> Comparison:
    """On the split that is asked for, else on the first of `test` and `validation` that all of them have metrics of.

    Raises `UserError` where a run has no metrics of the split, or two runs have no image of it in common.
    """
    for model in models:
        if model.overrides:
            _ = model.recipe  # what was typed just now is checked, whether or not data are needed
    split = asked or _common_split(models)
    names = short_names([model.trained for model in models])
    runs = [_compared(name, model, split) for name, model in zip(names, models, strict=True)]
    first, *others = runs
    tested = [_against(first, other) for other in others]
    raised = iter(holm([run.paired.p for run in tested if run.paired]))
    tested = [replace(run, paired=replace(run.paired, p=next(raised))) if run.paired else run for run in tested]
    return Comparison(split, (first, *tested), recipe_differences([_settings(model.trained) for model in models]))


def verdict(first: Compared, other: Compared) -> str:
    """What the comparison says, in words."""
    found = other.paired
    if found is None:
        return (
            f"{other.name} and {first.name} cannot be compared image by image: "
            f"{other.why_no_answers or first.why_no_answers}"
        )
    left = f", without {count(found.left_out, 'image')} that only one of them has" if found.left_out else ""
    if found.other_pixels:
        left += f", {found.other_pixels:,} of which have other pixels in the one than in the other"
    low, high = found.interval
    opening = (
        f"{other.name}: {points(found.difference)} points of top-1 against {first.name} (95 % interval "
        f"{points(low)} to {points(high)}), on {count(found.images, 'image')} in common{left}. "
    )
    if found.gained == found.lost == 0:
        return opening + "They are right and wrong on the very same images."
    counts = f"It gains {count(found.gained, 'image')} and loses {found.lost:,}: "
    test = f"(McNemar’s exact test, p {probability(found.p)})"
    if other.more_than_noise:
        return f"{opening}{counts}{'better' if found.difference > 0 else 'worse'}, by more than noise {test}."
    return f"{opening}{counts}no more than noise {test}; these images cannot tell the two apart."


def points(difference: float) -> str:
    """A difference of fractions in percentage points, with its sign."""
    return f"{100 * difference:+.1f}".replace("-", "\N{MINUS SIGN}") if abs(difference) >= 0.0005 else "0.0"


def probability(p: float) -> str:
    """`= 0.04`, `< 0.0001`."""
    return "< 0.0001" if p < 0.0001 else f"= {p:.2g}"


def _settings(trained: Trained) -> dict[str, Any]:
    """Its recipe, with what an export may have made otherwise."""
    recipe = nested_recipe(trained.recipe, f"the recipe of '{trained.label}'")
    evaluate = {**(recipe.get("evaluate") or {}), "tta": tta_of(trained)}
    return {**recipe, "evaluate": evaluate, "int8": bool(trained.documents["model"].get("int8"))}


def _common_split(models: Sequence[EvaluatedModel]) -> str:
    common = [split for split in FIGURE_SPLITS if all(model.has_metrics(split) for model in models)]
    return evaluation_split(common) or FIGURE_SPLITS[0]


def _compared(name: str, model: EvaluatedModel, split: str) -> Compared:
    try:
        predictions = model.predictions(split)
    except UserError as error:
        metrics = model.saved_metrics(split)
        if metrics is None:
            raise UserError(f"'{model.trained.label}' has no metrics of the split '{split}': {error}") from None
        before = "; its metrics are those before calibration" if model.trained.temperature != 1 else ""
        why = f"{name} kept no predictions, and they cannot be computed again: {error}{before}"
        return Compared(name, model.trained, metrics, None, why)
    metrics = predictions.at_temperature(model.trained.temperature).metrics()
    return Compared(name, model.trained, metrics, predictions)


def _geometry(run: Compared) -> list[Any]:
    keys = ("height", "width", "channels", "fit", "value_range")
    return [run.trained.documents["model"]["preprocess"].get(key) for key in keys]


def _against(first: Compared, other: Compared) -> Compared:
    if first.predictions is None or other.predictions is None:
        return other
    try:
        same_size = _geometry(first) == _geometry(other)
        return replace(other, paired=paired(first.predictions, other.predictions, same_size=same_size))
    except UserError as error:
        raise UserError(f"'{first.trained.label}' and '{other.trained.label}' cannot be compared: {error}") from None
