"""`framework evaluate`."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from framework.cli.arguments import (
    add_batch_size,
    add_json,
    add_runs_and_overrides,
    add_split,
    require_batch_size,
    runs_and_overrides,
)
from framework.cli.streams import output_is_optional
from framework.errors import UserError, count
from framework.inference.evaluated_model import EvaluatedModel
from framework.registry import Registry
from framework.report.display import PlainDisplay, SilentDisplay
from framework.report.wrapping import fitted
from framework.runs.recipe import tta_of
from framework.runs.trained import open_trained

if TYPE_CHECKING:
    from collections.abc import Sequence

    from framework.components import ImageSource
    from framework.data.decode import BadImage
    from framework.display import Display
    from framework.evaluation.calibration import Calibration
    from framework.evaluation.predictions import Predictions
    from framework.inference.ensemble import Ensemble
    from framework.runs.trained import Trained


def configure(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    add_runs_and_overrides(parser, "several runs are an ensemble: their predictions are averaged")
    which = parser.add_mutually_exclusive_group()
    add_split(which)
    which.add_argument(
        "--folder", type=Path, metavar="DIR", help="evaluate on a folder with one subfolder of images per class"
    )
    parser.add_argument("--only", type=Path, metavar="CSV", help="use only the images named in this CSV file")
    parser.add_argument(
        "--without-copies", action="store_true", help="leave out images with an exact copy in the train split"
    )
    add_batch_size(parser)
    parser.add_argument("--tta", metavar="N", help="views per image for test-time augmentation: 1, 2, 6 or 10")
    parser.add_argument(
        "--calibrate",
        action="store_true",
        help="first fit a temperature on the validation split and save it in the run folder, for all later predictions",
    )
    add_json(parser)


def execute(arguments: argparse.Namespace) -> int:
    """Print the metrics."""
    named, overrides = runs_and_overrides([*arguments.runs, *arguments.overrides])
    if not named:
        raise UserError("give a run first: framework evaluate RUN [key=value …]")
    require_batch_size(arguments.batch_size)
    if arguments.tta is not None:
        overrides.append(f"evaluate.tta={arguments.tta}")
    registry = Registry.load()
    display = SilentDisplay() if arguments.json else PlainDisplay()
    models = [EvaluatedModel(open_trained(name, registry), registry, overrides, display.reading) for name in named]
    first = models[0]
    if arguments.calibrate:
        _require_one_folder(models)
        _require_same_tta(first)
        output_is_optional()
    from framework.data.stores.bad_images import BadImageCollector
    from framework.inference.ensemble import Ensemble

    ensemble = Ensemble([model.predictor.with_batch_size(arguments.batch_size) for model in models])
    evaluation = _Evaluation(ensemble, first, display)
    bad_images = BadImageCollector()
    calibration = None
    if arguments.calibrate:
        with bad_images.reading("validation"):
            calibration = evaluation.calibrate()
            if not arguments.json:
                _print_calibration(calibration)
    split = None if arguments.folder else evaluation.split(arguments.split)
    which = split or arguments.folder
    with bad_images.reading(str(which)):
        predictions, skipped = evaluation.predictions(which, arguments.only, without_copies=arguments.without_copies)
    bad_images.require_none()
    if arguments.json:
        document = {"calibration": calibration.as_dict()} if calibration else {}
        print(json.dumps(document | evaluation.as_dict(split, predictions, skipped), indent=2, ensure_ascii=False))
    else:
        evaluation.print(which, predictions, len(skipped))
    return 0


def _require_one_folder(models: Sequence[EvaluatedModel]) -> None:
    if len(models) > 1 or models[0].trained.folder is None:
        raise UserError("--calibrate writes to a run folder; give one run folder, not a bundle or several runs")


def _require_same_tta(model: EvaluatedModel) -> None:
    expected, requested = tta_of(model.trained), model.recipe.evaluate.tta
    if requested != expected:
        raise UserError(
            f"--calibrate needs evaluate.tta={expected}, as in the run, not {requested}: the temperature depends on "
            "the number of views. Calibrate first, then evaluate with another number"
        )


@dataclass
class _Evaluation:
    """One or several networks, evaluated on the data of the first one's recipe."""

    ensemble: Ensemble
    first: EvaluatedModel
    display: Display

    def split(self, requested: str | None) -> str:
        """The requested split, else `test`, else `validation`."""
        from framework.data.splits import EVALUATION_SPLITS, evaluation_split

        return requested or evaluation_split(self.first.splits) or EVALUATION_SPLITS[0]

    def predictions(
        self, which: str | Path, only: Path | None = None, *, without_copies: bool = False
    ) -> tuple[Predictions, tuple[BadImage, ...]]:
        """The predictions for a split or a folder, and the images that could not be read."""
        from framework.data.stores.storage import Storage

        source, recipe = self._source(which, only), self.first.recipe
        storage = Storage.of_recipe(recipe, self.ensemble.predictors[0].device, self.display.line)
        progress = partial(self.display.reading, str(which))
        train = self._source("train") if without_copies else None
        return self.ensemble.predictions(source, recipe.dataset.on_bad_image, progress, storage, train, str(which))

    def calibrate(self) -> Calibration:
        """Fit the temperature, save it in the run folder, and use it for further predictions."""
        from framework.evaluation.calibration import calibrate

        (predictor,) = self.ensemble.predictors
        self.ensemble = replace(self.ensemble, predictors=[predictor.with_temperature(1.0)])
        calibration = calibrate(self.predictions("validation")[0], "validation")
        self.ensemble = replace(self.ensemble, predictors=[predictor.with_temperature(calibration.temperature)])
        assert predictor.trained.folder is not None
        predictor.trained.folder.write("calibration", calibration.as_dict())
        return calibration

    def as_dict(self, split: str | None, predictions: Predictions, skipped: Sequence[BadImage]) -> dict[str, Any]:
        """Metrics, confusion matrix and unreadable images as JSON types; `split` is None for a folder."""
        return {
            "split": split,
            **predictions.metrics(),
            "confusion": predictions.confusion().cells(),
            "skipped": [{"name": bad.name, "reason": bad.reason} for bad in skipped],
            "trained_on": self._trained_on(predictions),
        }

    def print(self, which: str | Path, predictions: Predictions, skipped: int) -> None:
        """Print the metrics, and a warning if some of the images are training images."""
        from framework.report.split import print_split
        from framework.training.seen_images import trained_on_note

        print_split(str(which), predictions.metrics(), predictions.confusion(), skipped)
        seen = self._trained_on(predictions)
        if which != "train" and (note := trained_on_note(self._runs, seen, len(predictions))):
            print(fitted(f"\n{note}", sys.stdout))

    def _trained_on(self, predictions: Predictions) -> int | None:
        """How many of the images are training images of the networks; None if that is not known."""
        from framework.training.seen_images import count_trained_on

        return count_trained_on(self._runs, predictions, self.ensemble.predictors[0].preprocess)

    @property
    def _runs(self) -> list[Trained]:
        return [predictor.trained for predictor in self.ensemble.predictors]

    def _source(self, which: str | Path, only: Path | None = None) -> ImageSource:
        from framework.data.folders import class_tree
        from framework.data.splits import bind_classes, find_split
        from framework.data.subset import named_images, read_names

        if isinstance(which, str):
            source = find_split(self.first.splits, which)
        elif which.is_dir():
            source = bind_classes(class_tree(which), self.ensemble.classes, f"'{which}'")
        else:
            raise UserError(f"--folder: there is no folder '{which}'")
        return source if only is None else named_images(source, read_names(only), f"--only {only}")


def _print_calibration(calibration: Calibration) -> None:
    text = (
        f"calibrated on {count(calibration.images, 'image')} of {calibration.split}: temperature "
        f"{calibration.temperature:.3f}, ECE {100 * calibration.ece_before:.1f} % to "
        f"{100 * calibration.ece_after:.1f} %, loss {calibration.loss_before:.3f} to {calibration.loss_after:.3f}; "
        "saved in the run folder\n"
    )
    print(fitted(text, sys.stdout))
