"""Predictions as lines of text, as JSON lines and as rows of a CSV file."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TextIO

from framework.data.depth import DeepValues
from framework.data.stores.advice import range_options, unused_range
from framework.errors import count
from framework.inference.detection import WHOLE_IMAGES
from framework.inference.ranking import ranked
from framework.registry import default_task
from framework.report.formatting import percent

if TYPE_CHECKING:
    from framework.components import Task
    from framework.data.depth import ValueRange
    from framework.inference.predictor import Prediction

NONE = "no label"
"""In place of the predicted classes if there are none."""


@dataclass(frozen=True)
class PredictionFormat:
    """How predictions are written."""

    classes: Sequence[str]
    top: int = 3
    """Number of classes in a line of text."""
    abstain_below: float | None = None
    """Below this probability no class is predicted."""
    detector: str | None = None
    """Name of the detector of the regions."""
    task: Task = field(default_factory=default_task)
    thresholds: Sequence[float] | None = None
    """The probabilities above which classes are predicted, if the task has thresholds."""

    def ranked(self, prediction: Prediction) -> list[tuple[str, float]]:
        """All classes with their probabilities, the highest first; empty if there are none."""
        return ranked(self.classes, prediction.probabilities)

    def decided(self, prediction: Prediction) -> list[tuple[str, float]]:
        """The predicted classes with their probabilities, the highest first."""
        if not prediction.probabilities:
            return []
        return self.task.decide(prediction.probabilities, self.classes, self.thresholds)

    def shown(self, prediction: Prediction) -> tuple[list[tuple[str, float]], list[tuple[str, float]]]:
        """The predicted classes, then other ones: the most probable, `top` together."""
        chosen = self.decided(prediction)
        others = [pair for pair in self.ranked(prediction) if pair not in chosen]
        return chosen, others[: max(0, self.top - len(chosen))]

    def fields(self, prediction: Prediction) -> dict[str, Any]:
        """The prediction as a JSON field, without regard to `abstain_below`."""
        return self.task.fields(self.decided(prediction))

    def decided_fields(self, prediction: Prediction) -> dict[str, Any]:
        """The same, without predicted classes if it abstains."""
        return self.task.fields(()) if self.abstains(prediction) else self.fields(prediction)

    def abstains(self, prediction: Prediction) -> bool:
        """Whether the highest probability is too low."""
        below = self.abstain_below
        return below is not None and bool(prediction.probabilities) and max(prediction.probabilities) < below

    def problem(self, prediction: Prediction) -> str:
        """The reason for a prediction without probabilities, else an empty string."""
        if prediction.error is not None:
            return f"cannot be read: {prediction.error}"
        return "" if prediction.probabilities else f"nothing found by '{self.detector}'"

    def line(self, prediction: Prediction) -> str:
        """One line of text."""
        name, problem = one_line(prediction.name), self.problem(prediction)
        if problem:
            return f"{name}  {problem}"
        region = f" ({region_text(prediction)})" if prediction.region else ""
        mark = "abstained: " if self.abstains(prediction) else ""
        chosen, others = ([f"{label} {percent(value)}" for label, value in part] for part in self.shown(prediction))
        separator = [self.task.separator] if self.task.separator and others else []
        return f"{name}{region}  {mark}{'  '.join([*(chosen or [NONE]), *separator, *others])}"

    def json(self, prediction: Prediction) -> str:
        """One line of JSON."""
        document: dict[str, Any] = {"name": prediction.name}
        if prediction.error is not None:
            document["error"] = prediction.error
        else:
            if self.detector is not None:
                document |= _box(prediction)
            document |= self.decided_fields(prediction)
            if self.abstain_below is not None:
                document["guess"] = next(iter(self.fields(prediction).values()))
            if prediction.probabilities:
                document["probabilities"] = dict(zip(self.classes, prediction.probabilities, strict=True))
        return json.dumps(document, ensure_ascii=not prediction.name.isprintable())


class PredictionTable:
    """Writes a CSV file, one row per prediction."""

    def __init__(self, file: TextIO, form: PredictionFormat) -> None:
        self.form, self.rows = form, csv.writer(file)
        box = ["x", "y", "width", "height", "score"] if form.detector is not None else []
        guess = ["guess"] if form.abstain_below is not None else []
        fixed = ["name", *box, *form.task.fields(()), *guess]
        self.columns = [*fixed, *class_columns(form.classes, [*fixed, "error"]), "error"]
        self.rows.writerow(self.columns)

    def write(self, prediction: Prediction) -> None:
        """Write a row; missing values are empty."""
        row: list[Any] = [prediction.name]
        if self.form.detector is not None:
            region = prediction.region
            row += [region.x, region.y, region.width, region.height, region.score] if region else [""] * 5
        row += map(_cell, self.form.decided_fields(prediction).values())
        if self.form.abstain_below is not None:
            row += map(_cell, self.form.fields(prediction).values())
        row += prediction.probabilities or [""] * len(self.form.classes)
        self.rows.writerow([*row, prediction.error or ""])


def _cell(value: Any) -> str:
    """A name, or several joined by `|`, as the dataset `csv` reads them."""
    return value or "" if isinstance(value, str | None) else "|".join(value)


def class_columns(classes: Sequence[str], fixed: Sequence[str]) -> list[str]:
    """A column name for each class: the class name, or `p(NAME)` if another column has that name."""
    taken = {*fixed, *classes}
    columns = []
    for name in classes:
        column = name
        while column in fixed or (column != name and column in taken):
            column = f"p({column})"
        columns.append(column)
    return columns


@dataclass
class PredictionCounts:
    """Numbers of predictions, for the messages at the end."""

    form: PredictionFormat
    value_range: ValueRange | None = None
    """The range of images with more than 8 bits per sample."""
    deep: DeepValues = field(default_factory=DeepValues)
    images: int = 0
    failed: int = 0
    abstained: int = 0
    without_regions: int = 0
    regions: int = 0

    def add(self, prediction: Prediction) -> None:
        """Count a prediction; an image with several regions counts once."""
        first = prediction.region is None or prediction.name.endswith("#1")
        self.images += first
        if first and prediction.deep:
            self.deep.add(prediction.deep)
        self.regions += prediction.region is not None
        self.failed += prediction.error is not None
        self.abstained += self.form.abstains(prediction)
        self.without_regions += prediction.error is None and not prediction.probabilities

    def lines(self) -> Iterator[str]:
        """Messages on images without a prediction, and on an unsuitable value range."""
        detects = self.form.detector is not None
        predicted = self.regions if detects else self.images - self.failed
        if self.without_regions:
            images = f"{count(self.without_regions, 'image')} of {self.images:,}"
            yield f"'{self.form.detector}' found nothing in {images}; {WHOLE_IMAGES}"
        if self.abstained:
            yield f"abstained from {self.abstained:,} of {count(predicted, 'region' if detects else 'image')}"
        if self.failed:
            yield f"{count(self.failed, 'file')} of {self.images:,} cannot be read"
        if self.deep.images and (black := unused_range(self.deep, self.value_range, "image")):
            yield f"{black} Train with {range_options(self.deep)}, or scale them as the training images are"


def one_line(name: str) -> str:
    """A file name with line breaks, control characters and undecodable bytes escaped."""
    if name.isprintable():
        return name
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in name)


def region_text(prediction: Prediction) -> str:
    """Size and position of a region: `96×96 at 120,80`."""
    region = prediction.region
    return f"{region.width}×{region.height} at {region.x},{region.y}" if region else ""


def _box(prediction: Prediction) -> dict[str, Any]:
    region = prediction.region
    if region is None:
        return {"box": None}
    return {"box": [region.x, region.y, region.width, region.height], "score": round(region.score, 4)}
