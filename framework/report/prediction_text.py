"""Predictions as lines for people, as JSON lines and as the rows of a table."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TextIO

from framework.data.depth import DeepValues
from framework.data.stores.advice import range_options, unused_range
from framework.errors import count
from framework.inference.ranking import ranked
from framework.report.formatting import percent

if TYPE_CHECKING:
    from framework.data.depth import ValueRange
    from framework.inference.predictor import Prediction


@dataclass(frozen=True)
class Form:
    """What is said of predictions."""

    classes: Sequence[str]
    top: int = 3
    """Classes named in a line for people."""
    abstain_below: float | None = None
    """The answer is no class where the highest probability is below this."""
    detector: str | None = None
    """Who looked for parts of the images, by name."""

    def ranked(self, prediction: Prediction) -> list[tuple[str, float]]:
        """Every class with its probability, the highest first; empty where there are none."""
        return ranked(self.classes, prediction.probabilities)

    def abstains(self, prediction: Prediction) -> bool:
        """Whether it is too unsure to answer."""
        below = self.abstain_below
        return below is not None and bool(prediction.probabilities) and max(prediction.probabilities) < below

    def problem(self, prediction: Prediction) -> str:
        """Why it has no probabilities; an empty string where it has."""
        if prediction.error is not None:
            return f"cannot be read: {prediction.error}"
        return "" if prediction.probabilities else f"nothing found by '{self.detector}'"

    def line(self, prediction: Prediction) -> str:
        """A line for people and logs."""
        name, problem = one_line(prediction.name), self.problem(prediction)
        if problem:
            return f"{name}  {problem}"
        place = f" ({box_text(prediction)})" if prediction.region else ""
        mark = "abstained: " if self.abstains(prediction) else ""
        classes = "  ".join(f"{label} {percent(value)}" for label, value in self.ranked(prediction)[: self.top])
        return f"{name}{place}  {mark}{classes}"

    def json(self, prediction: Prediction) -> str:
        """One line of JSON."""
        told = {"name": prediction.name} | self._answer(prediction)
        if prediction.error is None and prediction.probabilities:
            told["probabilities"] = dict(zip(self.classes, prediction.probabilities, strict=True))
        return json.dumps(told, ensure_ascii=not prediction.name.isprintable())

    def _answer(self, prediction: Prediction) -> dict[str, Any]:
        if prediction.error is not None:
            return {"error": prediction.error}
        told: dict[str, Any] = {}
        if self.detector is not None:
            told |= {"box": None} if prediction.region is None else _box(prediction)
        best = self.ranked(prediction)[0][0] if prediction.probabilities else None
        told["class"] = None if self.abstains(prediction) else best
        if self.abstain_below is not None:
            told["guess"] = best
        return told


class Table:
    """Writes a CSV file, a row for each prediction as it comes."""

    def __init__(self, file: TextIO, form: Form) -> None:
        self.form, self.rows = form, csv.writer(file)
        box = ["x", "y", "width", "height", "score"] if form.detector is not None else []
        guess = ["guess"] if form.abstain_below is not None else []
        fixed = ["name", *box, "class", *guess]
        self.columns = [*fixed, *class_columns(form.classes, [*fixed, "error"]), "error"]
        self.rows.writerow(self.columns)

    def write(self, prediction: Prediction) -> None:
        """A row; what it has nothing for stays empty."""
        row: list[Any] = [prediction.name]
        if self.form.detector is not None:
            region = prediction.region
            row += [region.x, region.y, region.width, region.height, region.score] if region else [""] * 5
        best = self.form.ranked(prediction)[0][0] if prediction.probabilities else ""
        row.append("" if self.form.abstains(prediction) else best)
        if self.form.abstain_below is not None:
            row.append(best)
        row += prediction.probabilities or [""] * len(self.form.classes)
        self.rows.writerow([*row, prediction.error or ""])


def class_columns(classes: Sequence[str], fixed: Sequence[str]) -> list[str]:
    """A column name for each class: the class name, or `p(NAME)` where another column has that name."""
    taken = {*fixed, *classes}
    columns = []
    for name in classes:
        column = name
        while column in fixed or (column != name and column in taken):
            column = f"p({column})"
        columns.append(column)
    return columns


@dataclass
class Tally:
    """How the predictions went."""

    form: Form
    value_range: ValueRange | None = None
    """The range by which images with more than 8 bits a sample are decoded."""
    deep: DeepValues = field(default_factory=DeepValues)
    images: int = 0
    failed: int = 0
    abstained: int = 0
    without: int = 0
    regions: int = 0

    def add(self, prediction: Prediction) -> None:
        """Count it; of the parts of an image only the first counts as an image."""
        first = prediction.region is None or prediction.name.endswith("#1")
        self.images += first
        if first and prediction.deep:
            self.deep.add(prediction.deep)
        self.regions += prediction.region is not None
        self.failed += prediction.error is not None
        self.abstained += self.form.abstains(prediction)
        self.without += prediction.error is None and not prediction.probabilities

    def lines(self) -> list[str]:
        """What is worth saying at the end."""
        found = self.form.detector is not None
        answered = self.regions if found else self.images - self.failed
        said = {
            f"'{self.form.detector}' found nothing in {count(self.without, 'image')} of {self.images:,}": self.without,
            f"abstained from {self.abstained:,} of {count(answered, 'part' if found else 'image')}": self.abstained,
            f"{count(self.failed, 'file')} of {self.images:,} could not be read": self.failed,
        }
        black = unused_range(self.deep, self.value_range, "image") if self.deep.images else None
        train = (
            f"{black} Train with {range_options(self.deep)}, or scale them as the training images are" if black else ""
        )
        return [line for line, number in {**said, train: len(train)}.items() if number]


def one_line(name: str) -> str:
    """A file's name with line breaks, control characters and bytes that are no text escaped."""
    if name.isprintable():
        return name
    return "".join(sign if sign.isprintable() else sign.encode("unicode_escape").decode() for sign in name)


def box_text(prediction: Prediction) -> str:
    """Size and place of a region: `96×96 at 120,80`."""
    region = prediction.region
    return f"{region.width}×{region.height} at {region.x},{region.y}" if region else ""


def _box(prediction: Prediction) -> dict[str, Any]:
    region = prediction.region
    assert region is not None
    return {"box": [region.x, region.y, region.width, region.height], "score": round(region.score, 4)}
