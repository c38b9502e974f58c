"""Runs beside each other: what their figures are, what differs in their recipes, and what is more than noise."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from framework.data.splits import FIGURE_SPLITS, split_for_figures
from framework.errors import UserError, count
from framework.evaluation.intervals import wilson_interval
from framework.evaluation.paired import LEVEL, Paired, holm, paired
from framework.evaluation.untested import untested_classes, untested_note
from framework.recipe.differences import recipe_differences
from framework.recipe.flat import recipe_tree
from framework.report.seeds import SeedGroup, seed_groups
from framework.report.short_names import short_names
from framework.runs.recipe import views_of

if TYPE_CHECKING:
    from framework.evaluation.answers import Answers
    from framework.evaluation.bootstrap import Interval
    from framework.inference.answering import Answering
    from framework.runs.trained import Trained

COSTS = ("parameters", "multiply_adds", "seconds", "images_per_second")
FIGURES = ("images", "loss", "top1", "top5", "balanced_accuracy", "macro_f1", "ece", "tested_classes", "f1_classes")


@dataclass(frozen=True)
class Compared:
    """One of the runs."""

    name: str
    trained: Trained
    figures: Mapping[str, Any]
    answers: Answers | None
    why_no_answers: str = ""
    paired: Paired | None = None
    """Against the first run; its p is raised where there are several comparisons."""

    @property
    def interval(self) -> Interval:
        """Of top-1, 95 %."""
        return wilson_interval(self.figures["top1"], self.figures["images"])

    def untested(self, split: str) -> str | None:
        """Which classes its figures say nothing about; None where every one was tested."""
        return untested_note(self.figures, split)

    @property
    def more_than_noise(self) -> bool:
        """Whether chance alone would rarely make a difference as large."""
        return self.paired is not None and self.paired.p < LEVEL

    def as_dict(self) -> dict[str, Any]:
        """As JSON types."""
        results = self.trained.documents.get("results", {})
        row: dict[str, Any] = {"run": self.trained.label}
        row |= {key: self.figures[key] for key in FIGURES if key in self.figures}
        row["untested_classes"] = untested_classes(self.figures)
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


def compare(answerings: Sequence[Answering], asked: str | None) -> Comparison:
    """On the split that is asked for, else on the first of `test` and `validation` that all of them have figures of.

    Raises `UserError` where a run has no figures of the split, or two runs have no image of it in common.
    """
    for answering in answerings:
        if answering.overrides:
            _ = answering.recipe  # what was typed just now is checked, whether or not data are needed
    split = asked or _common_split(answerings)
    names = short_names([answering.trained for answering in answerings])
    runs = [_compared(name, answering, split) for name, answering in zip(names, answerings, strict=True)]
    first, *others = runs
    tested = [_against(first, other) for other in others]
    raised = iter(holm([run.paired.p for run in tested if run.paired]))
    tested = [replace(run, paired=replace(run.paired, p=next(raised))) if run.paired else run for run in tested]
    return Comparison(
        split, (first, *tested), recipe_differences([_settings(answering.trained) for answering in answerings])
    )


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
    recipe = recipe_tree(trained.recipe, f"the recipe of '{trained.label}'")
    evaluate = {**(recipe.get("evaluate") or {}), "views": views_of(trained)}
    return {**recipe, "evaluate": evaluate, "int8": bool(trained.documents["model"].get("int8"))}


def _common_split(answerings: Sequence[Answering]) -> str:
    common = [split for split in FIGURE_SPLITS if all(answering.has_figures(split) for answering in answerings)]
    return split_for_figures(common) or FIGURE_SPLITS[0]


def _compared(name: str, answering: Answering, split: str) -> Compared:
    try:
        answers = answering.answers(split)
    except UserError as error:
        figures = answering.kept_figures(split)
        if figures is None:
            raise UserError(f"'{answering.trained.label}' has no figures of the split '{split}': {error}") from None
        before = "; its figures are those before calibration" if answering.trained.temperature != 1 else ""
        why = f"{name} kept no answers, and they cannot be computed again: {error}{before}"
        return Compared(name, answering.trained, figures, None, why)
    figures = answers.at_temperature(answering.trained.temperature).figures()
    return Compared(name, answering.trained, figures, answers)


def _geometry(run: Compared) -> list[Any]:
    keys = ("height", "width", "channels", "fit", "value_range")
    return [run.trained.documents["model"]["preprocess"].get(key) for key in keys]


def _against(first: Compared, other: Compared) -> Compared:
    if first.answers is None or other.answers is None:
        return other
    try:
        same_size = _geometry(first) == _geometry(other)
        return replace(other, paired=paired(first.answers, other.answers, same_size=same_size))
    except UserError as error:
        raise UserError(f"'{first.trained.label}' and '{other.trained.label}' cannot be compared: {error}") from None
