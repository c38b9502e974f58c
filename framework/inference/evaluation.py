"""One or several trained networks, evaluated on a split or a folder."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from framework.data.decode import BadImage
from framework.data.folders import class_tree
from framework.data.splits import EVALUATION_SPLITS, bind_classes, evaluation_split, find_split, labelled
from framework.data.stores.bad_images import BadImages
from framework.data.stores.storage import Storage
from framework.data.subset import named_images, read_names
from framework.errors import UserError
from framework.evaluation.calibration import Calibration, calibrate
from framework.evaluation.predictions import Predictions
from framework.inference.ensemble import Ensemble
from framework.runs.recipe import tta_of
from framework.runs.seen_images import count_trained_on, trained_on_note

if TYPE_CHECKING:
    from framework.components import ImageSource, Metric
    from framework.display import Display
    from framework.inference.evaluated_model import EvaluatedModel
    from framework.inference.predictor import Predictor
    from framework.recipe.sections import Recipe
    from framework.runs.trained import Trained


@dataclass(frozen=True)
class Evaluation:
    """The predictions of one or several networks for the images of a split or a folder, and their metrics."""

    runs: Sequence[Trained]
    split: str | None
    """None for a folder."""
    folder: Path | None
    predictions: Predictions
    """At the temperature of the networks."""
    skipped: tuple[BadImage, ...]
    """Images that could not be read."""
    trained_on: int | None
    """How many of the images the networks were trained on; None if that is not known."""
    calibration: Calibration | None = None
    """If requested."""
    components: tuple[Metric, ...] = ()
    """The metrics in addition to the fixed ones."""

    @cached_property
    def metrics(self) -> dict[str, Any]:
        """By name: those of the task, such as `top1` and `ece`, as fractions, and `per_class`."""
        return self.predictions.metrics(self.components)

    @property
    def where(self) -> str:
        """The name of the split or folder."""
        return str(self.split or self.folder)

    @property
    def note(self) -> str | None:
        """The message about images that the networks were trained on, if there is one."""
        return None if self.split == "train" else trained_on_note(self.runs, self.trained_on, len(self.predictions))

    def as_dict(self) -> dict[str, Any]:
        """As JSON types: what `framework evaluate --json` prints."""
        calibration = {} if self.calibration is None else {"calibration": self.calibration.as_dict()}
        return {
            **calibration,
            "split": self.split,
            **self.metrics,
            "confusion": self.predictions.confusion().cells(),
            "skipped": [{"name": bad.name, "reason": bad.reason} for bad in self.skipped],
            "trained_on": self.trained_on,
        }

    def __repr__(self) -> str:
        name = self.predictions.task.monitor
        return f"Evaluation({self.where!r}, images={len(self.predictions)}, {name}={self.metrics[name]:.4f})"


def evaluate(
    models: Sequence[EvaluatedModel],
    display: Display,
    *,
    split: str | None = None,
    folder: Path | None = None,
    only: Path | None = None,
    without_copies: bool = False,
    batch_size: int | None = None,
    calibrate: bool = False,
) -> Evaluation:
    """`framework evaluate`: several networks are an ensemble, evaluated on the data of the first one's recipe.

    `display` gets the progress of decoding, and the result of the calibration. Raises `UserError` for invalid
    arguments, and if data, or a plugin that a network needs, is missing.
    """
    runs, recipes = [model.trained for model in models], [model.recipe for model in models]
    if calibrate:
        _require_one_folder(runs)
        _require_same_tta(runs[0], recipes[0])
    networks = _Networks([model.predictor.with_batch_size(batch_size) for model in models], models[0], display)
    bad_images = BadImages()
    calibration = None
    if calibrate:
        with bad_images.collect("validation"):
            calibration = networks.calibrate()
            display.line(f"{calibration}; saved in the run folder\n")
    split = None if folder else networks.split(split)
    which = split or folder
    assert which is not None
    with bad_images.collect(str(which)):
        predictions, skipped = networks.predictions(which, only, without_copies=without_copies)
    bad_images.require_none()
    seen = count_trained_on(runs, predictions, models[0].predictor.preprocess)
    return Evaluation(runs, split, folder, predictions, skipped, seen, calibration, recipes[0].metrics)


def _require_one_folder(runs: Sequence[Trained]) -> None:
    if len(runs) > 1 or runs[0].folder is None:
        raise UserError("--calibrate writes to a run folder; give one run folder, not a bundle or several runs")


def _require_same_tta(run: Trained, recipe: Recipe) -> None:
    expected = tta_of(run)
    if recipe.evaluate.tta != expected:
        raise UserError(
            f"--calibrate needs the run's own evaluate.tta, {expected}, not {recipe.evaluate.tta}: the temperature "
            "depends on the number of views. Calibrate first, then evaluate with another number"
        )


@dataclass
class _Networks:
    """One or several networks, and the first one with its data; raises `UserError` if their classes differ."""

    predictors: list[Predictor]
    data: EvaluatedModel
    display: Display

    def __post_init__(self) -> None:
        Ensemble(self.predictors)

    def split(self, requested: str | None) -> str:
        """The requested split, else `test`, else `validation`."""
        return requested or evaluation_split(self.data.splits) or EVALUATION_SPLITS[0]

    def predictions(
        self, which: str | Path, only: Path | None = None, *, without_copies: bool = False
    ) -> tuple[Predictions, tuple[BadImage, ...]]:
        """The predictions for a split or a folder, and the images that could not be read."""
        ensemble = Ensemble(self.predictors)
        source = self._source(which, only)
        storage = Storage.of_recipe(self.data.recipe, self.predictors[0].device, self.display.line)
        reading = partial(self.display.reading, str(which))
        train = self._source("train") if without_copies else None
        return ensemble.predictions(source, self.data.recipe.dataset.on_bad_image, reading, storage, train, str(which))

    def calibrate(self) -> Calibration:
        """Fit the temperature, save it in the run folder, and use it for further predictions."""
        predictor = self.predictors[0]
        self.predictors = [predictor.with_temperature(1.0)]
        calibration = calibrate(self.predictions("validation")[0], "validation")
        self.predictors = [predictor.with_temperature(calibration.temperature)]
        assert predictor.trained.folder is not None
        predictor.trained.folder.write("calibration", calibration.as_dict())
        return calibration

    def _source(self, which: str | Path, only: Path | None = None) -> ImageSource:
        if isinstance(which, str):
            source = find_split(self.data.splits, which)
        elif which.is_dir():
            source = labelled(bind_classes(class_tree(which), self.data.trained.classes, f"'{which}'"), self.data.task)
        else:
            raise UserError(f"--folder: there is no folder '{which}'")
        return source if only is None else named_images(source, read_names(only), f"--only {only}")
