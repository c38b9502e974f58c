"""`framework evaluate`."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import dataclass
from functools import cached_property, partial
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
from framework.registry import Registry
from framework.report.wrapping import fitted
from framework.runs.recipe import recipe_of, tta_of
from framework.runs.trained import Trained, open_trained

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from framework.components import ImageSource
    from framework.data.decode import BadImage
    from framework.display import Display
    from framework.evaluation.calibration import Calibration
    from framework.evaluation.predictions import Predictions
    from framework.inference.predictor import Predictor
    from framework.recipe.sections import Recipe


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
    runs = [open_trained(name, registry) for name in named]
    recipes = [recipe_of(run, registry, overrides) for run in runs]
    if arguments.calibrate:
        _require_one_folder(runs)
        _require_same_tta(runs[0], recipes[0])
        output_is_optional()
    from framework.data.stores.bad_images import BadImageCollector
    from framework.report.display import PlainDisplay, SilentDisplay
    from framework.training.seen_images import count_trained_on, trained_on_note

    display = SilentDisplay() if arguments.json else PlainDisplay()
    predictors = [
        _predictor(run, recipe, registry).with_batch_size(arguments.batch_size)
        for run, recipe in zip(runs, recipes, strict=True)
    ]
    evaluation = _Evaluation(predictors, recipes[0], display)
    result: dict[str, Any] = {}
    bad_images = BadImageCollector()
    if arguments.calibrate:
        with bad_images.reading("validation"):
            calibration = evaluation.calibrate()
            result["calibration"] = calibration.as_dict()
            if not arguments.json:
                _print_calibration(calibration)
    split = None if arguments.folder else evaluation.split(arguments.split)
    which = split or arguments.folder
    with bad_images.reading(str(which)):
        predictions, skipped = evaluation.predictions(which, arguments.only, without_copies=arguments.without_copies)
    bad_images.require_none()
    metrics = predictions.metrics(recipes[0].metrics)
    seen = count_trained_on(runs, predictions, predictors[0].preprocess)
    if arguments.json:
        left_out = [{"name": bad.name, "reason": bad.reason} for bad in skipped]
        result |= {"split": split, **metrics, "confusion": predictions.confusion().cells(), "skipped": left_out}
        result["trained_on"] = seen
        print(json.dumps(result, indent=2, ensure_ascii=False))
    else:
        from framework.report.split import print_split

        print_split(str(which), metrics, predictions, recipes[0].metrics, len(skipped))
        if split != "train" and (note := trained_on_note(runs, seen, len(predictions))):
            print(fitted(f"\n{note}", sys.stdout))
    return 0


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


def _predictor(run: Trained, recipe: Recipe, registry: Registry) -> Predictor:
    """A predictor with the TTA views, value range and device of the recipe, which may have overrides."""
    from framework.inference.predictor import Predictor

    predictor = Predictor.open(run, registry, recipe.train.device).with_tta(recipe.evaluate.tta)
    return predictor.with_value_range(recipe.dataset.sample_range)


@dataclass
class _Evaluation:
    """One or several networks, evaluated on the data of the first one's recipe."""

    predictors: list[Predictor]
    recipe: Recipe
    display: Display

    @cached_property
    def classes(self) -> Sequence[str]:
        """The classes of the networks; raises `UserError` if they differ."""
        from framework.inference.ensemble import Ensemble

        return Ensemble(self.predictors).classes

    @cached_property
    def splits(self) -> Mapping[str, ImageSource]:
        """The splits of the recipe's dataset."""
        from framework.data.splits import build_splits

        return build_splits(self.recipe.dataset, self.classes)

    def split(self, requested: str | None) -> str:
        """The requested split, else `test`, else `validation`."""
        from framework.data.splits import FIGURE_SPLITS, evaluation_split

        return requested or evaluation_split(self.splits) or FIGURE_SPLITS[0]

    def predictions(
        self, which: str | Path, only: Path | None = None, *, without_copies: bool = False
    ) -> tuple[Predictions, tuple[BadImage, ...]]:
        """The predictions for a split or a folder, and the images that could not be read."""
        from framework.data.stores.storage import Storage
        from framework.inference.ensemble import Ensemble

        ensemble = Ensemble(self.predictors)
        source = self._source(which, only)
        storage = Storage.of_recipe(self.recipe, self.predictors[0].device, self.display.line)
        reading = partial(self.display.reading, str(which))
        train = self._source("train") if without_copies else None
        return ensemble.predictions(source, self.recipe.dataset.on_bad_image, reading, storage, train, str(which))

    def calibrate(self) -> Calibration:
        """Fit the temperature, save it in the run folder, and use it for further predictions."""
        from framework.evaluation.calibration import calibrate

        predictor = self.predictors[0]
        self.predictors = [predictor.with_temperature(1.0)]
        calibration = calibrate(self.predictions("validation")[0], "validation")
        self.predictors = [predictor.with_temperature(calibration.temperature)]
        assert predictor.trained.folder is not None
        predictor.trained.folder.write("calibration", calibration.as_dict())
        return calibration

    def _source(self, which: str | Path, only: Path | None = None) -> ImageSource:
        from framework.data.folders import class_tree
        from framework.data.splits import bind_classes, find_split
        from framework.data.subset import named_images, read_names

        if isinstance(which, str):
            source = find_split(self.splits, which)
        elif which.is_dir():
            source = bind_classes(class_tree(which), self.classes, f"'{which}'")
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
