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
    from framework.evaluation.calibration import Calibration
    from framework.evaluation.predictions import Predictions
    from framework.inference.predictor import Predictor
    from framework.recipe.sections import Recipe


def configure(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    add_runs_and_overrides(parser, "of several, the mean of their predictions, which no other command gives")
    which = parser.add_mutually_exclusive_group()
    add_split(which)
    which.add_argument(
        "--folder", type=Path, metavar="DIR", help="a folder with one sub-folder of images for each class"
    )
    parser.add_argument("--only", type=Path, metavar="CSV", help="only the images whose names are in this table")
    parser.add_argument(
        "--without-copies", action="store_true", help="leave out images that have an exact copy in the train split"
    )
    add_batch_size(parser)
    parser.add_argument("--tta", metavar="N", help="look at each image 1, 2, 6 or 10 times: also mirrored, shifted")
    parser.add_argument(
        "--calibrate",
        action="store_true",
        help="first fit a temperature on the validation split; it is kept in the run folder, for all its probabilities",
    )
    add_json(parser)


def execute(arguments: argparse.Namespace) -> int:
    """Print the metrics."""
    named, overrides = runs_and_overrides([*arguments.runs, *arguments.overrides])
    if not named:
        raise UserError("name a run first: framework evaluate RUN [key=value …]")
    require_batch_size(arguments.batch_size)
    if arguments.tta is not None:
        overrides.append(f"evaluate.tta={arguments.tta}")
    registry = Registry.load(arguments.plugin)
    runs = [open_trained(name, registry) for name in named]
    recipes = [recipe_of(run, registry, overrides) for run in runs]
    if arguments.calibrate:
        _require_a_folder(runs)
        _require_own_views(runs[0], recipes[0])
        output_is_optional()
    from framework.report.display import PlainDisplay, SilentDisplay

    display = SilentDisplay() if arguments.json else PlainDisplay()
    predictors = [
        _predictor(run, recipe, registry).with_batch_size(arguments.batch_size)
        for run, recipe in zip(runs, recipes, strict=True)
    ]
    examined = _Examined(predictors, recipes[0], display)
    answer: dict[str, Any] = {}
    if arguments.calibrate:
        calibration = examined.calibrate()
        answer["calibration"] = calibration.as_dict()
        if not arguments.json:
            _print_calibration(calibration)
    split = None if arguments.folder else examined.split(arguments.split)
    which = split or arguments.folder
    predictions, skipped = examined.predictions(which, arguments.only, without_copies=arguments.without_copies)
    metrics = predictions.metrics()
    if arguments.json:
        left_out = [{"name": bad.name, "reason": bad.reason} for bad in skipped]
        answer |= {"split": split, **metrics, "confusion": predictions.confusion().cells(), "skipped": left_out}
        print(json.dumps(answer, indent=2, ensure_ascii=False))
    else:
        from framework.report.split import print_split

        print_split(str(which), metrics, predictions.confusion(), len(skipped))
    return 0


def _require_a_folder(runs: Sequence[Trained]) -> None:
    if len(runs) > 1 or runs[0].folder is None:
        raise UserError("--calibrate writes into a run folder: give one of those, not a bundle and not several runs")


def _require_own_views(run: Trained, recipe: Recipe) -> None:
    own = tta_of(run)
    if recipe.evaluate.tta != own:
        raise UserError(
            f"--calibrate keeps a temperature for the views that this run has, {own}; another number of views, "
            f"{recipe.evaluate.tta} here, would need another one. Calibrate without it, then evaluate with it"
        )


def _predictor(run: Trained, recipe: Recipe, registry: Registry) -> Predictor:
    """With the views, the range of values and the device of the recipe, as overrides may have changed it."""
    from framework.inference.predictor import Predictor

    predictor = Predictor.open(run, registry, recipe.train.device).with_tta(recipe.evaluate.tta)
    return predictor.with_value_range(recipe.dataset.sample_range)


@dataclass
class _Examined:
    """One or several networks, and the data of the first one's recipe."""

    predictors: list[Predictor]
    recipe: Recipe
    display: Any

    @cached_property
    def classes(self) -> Sequence[str]:
        """As the first of the networks has them; raises `UserError` where another one knows others."""
        from framework.inference.ensemble import Ensemble

        return Ensemble(self.predictors).classes

    @cached_property
    def splits(self) -> Mapping[str, ImageSource]:
        """Of the recipe's data set."""
        from framework.data.splits import build_splits

        return build_splits(self.recipe.dataset, self.classes)

    def split(self, asked: str | None) -> str:
        """The one that is asked for, else `test`, else `validation`."""
        from framework.data.splits import FIGURE_SPLITS, evaluation_split

        return asked or evaluation_split(self.splits) or FIGURE_SPLITS[0]

    def predictions(
        self, which: str | Path, only: Path | None = None, *, without_copies: bool = False
    ) -> tuple[Predictions, tuple[BadImage, ...]]:
        """For every image of a split or a folder, and the images that could not be read."""
        from framework.data.stores.storage import Storage
        from framework.inference.ensemble import Ensemble

        ensemble = Ensemble(self.predictors)
        source = self._source(which, only)
        storage = Storage.of_recipe(self.recipe, self.predictors[0].device, self.display.line)
        reading = partial(self.display.reading, str(which))
        train = self._source("train") if without_copies else None
        return ensemble.predictions(source, self.recipe.dataset.on_bad_image, reading, storage, train)

    def calibrate(self) -> Calibration:
        """Fit the temperature, keep it with the run, and use it from now on."""
        from framework.evaluation.calibration import calibrate

        predictor = self.predictors[0]
        self.predictors = [predictor.with_temperature(1.0)]
        calibration = calibrate(self.predictions("validation")[0], "validation")
        self.predictors = [predictor.with_temperature(calibration.temperature)]
        assert predictor.trained.folder is not None
        predictor.trained.folder.write("calibration", calibration.as_dict())
        return calibration

    def _source(self, which: str | Path, only: Path | None = None) -> ImageSource:
        from framework.data.splits import bind_classes, find_split
        from framework.data.subset import named_images, read_names
        from framework.data.trees import class_tree

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
        "kept with the run\n"
    )
    print(fitted(text, sys.stdout))
