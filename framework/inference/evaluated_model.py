"""A trained network with its predictions for each split, saved or computed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

from framework.display import Progress, no_progress
from framework.errors import UserError
from framework.runs.recipe import metrics_apply, names_metrics, predictions_remain_valid, recipe_of

if TYPE_CHECKING:
    from framework.components import ImageSource, Metric
    from framework.evaluation.predictions import Predictions
    from framework.inference.predictor import Predictor
    from framework.recipe.sections import Recipe
    from framework.registry import Registry
    from framework.runs.trained import Trained


@dataclass(frozen=True)
class EvaluatedModel:
    """A trained network with the data of its recipe; both are opened on first use.

    Everything raises `UserError` if the data, or a plugin that the run needs, is missing.
    """

    trained: Trained
    registry: Registry
    overrides: Sequence[str] = ()
    """Overrides of the recipe, such as `dataset.root=DIR`."""
    reading: Progress = no_progress

    @cached_property
    def recipe(self) -> Recipe:
        """The run's recipe with the overrides."""
        return recipe_of(self.trained, self.registry, self.overrides)

    @cached_property
    def metrics(self) -> tuple[Metric, ...]:
        """The metrics in addition to the fixed ones; the recipe is validated only if there are any."""
        return self.recipe.metrics if self.overrides or names_metrics(self.trained.recipe) else ()

    @cached_property
    def predictor(self) -> Predictor:
        """The network, with the probabilities of `framework predict`."""
        from framework.inference.predictor import Predictor

        predictor = Predictor.open(self.trained, self.registry, self.recipe.train.device)
        return predictor.with_tta(self.recipe.evaluate.tta).with_value_range(self.recipe.dataset.sample_range)

    @cached_property
    def splits(self) -> Mapping[str, ImageSource]:
        """The images of the recipe's dataset, with the classes of the network."""
        from framework.data.splits import build_splits

        return build_splits(self.recipe.dataset, self.trained.classes)

    @property
    def is_overridden(self) -> bool:
        """Whether overrides change the dataset or the evaluation settings."""
        return not predictions_remain_valid(self.overrides)

    @cached_property
    def as_trained(self) -> bool:
        """Whether images and evaluation settings are those of the run's own evaluation."""
        return not self.is_overridden and metrics_apply(self.trained)

    def saved(self, split: str) -> Predictions | None:
        """The predictions that the run saved; None if there are none, or if evaluation settings differ."""
        from framework.evaluation.predictions import Predictions

        file = self.trained.folder.predictions(split) if self.trained.folder and self.as_trained else None
        return Predictions.load(file) if file and file.is_file() else None

    def predictions(self, split: str) -> Predictions:
        """The saved predictions, or else computed ones; without temperature, as the metrics of a run."""
        saved = self.saved(split)
        return saved if saved is not None else self.computed(split)

    def computed(self, split: str) -> Predictions:
        """Predict every image of the split."""
        from framework.data.splits import find_split
        from framework.data.stores.storage import Storage

        source = find_split(self.splits, split)
        predictor = self.predictor.with_temperature(1.0)
        storage = Storage.of_recipe(self.recipe, predictor.device, lambda text: None)
        store = predictor.store(source, self.recipe.dataset.on_bad_image, partial(self.reading, split), storage)
        return predictor.predictions(store)

    def saved_metrics(self, split: str) -> Mapping[str, Any] | None:
        """The metrics of the split in `results.json`, without temperature; None as for `saved`."""
        metrics = self.trained.documents.get("results", {}).get(split) if self.as_trained else None
        return metrics if isinstance(metrics, Mapping) and "per_class" in metrics else None

    def evaluation_split(self, requested: str | None) -> str:
        """The requested split, else `test`, else `validation`; raises `UserError` if there is none."""
        from framework.data.splits import EVALUATION_SPLITS, evaluation_split

        split = requested or evaluation_split([split for split in EVALUATION_SPLITS if self.has_metrics(split)])
        if split is None:
            raise UserError("the run was evaluated neither on a test split nor on a validation split")
        return split

    def has_metrics(self, split: str) -> bool:
        """Whether the run was evaluated on the split or, if evaluation settings differ, the dataset has it."""
        if self.as_trained:
            return self.saved_metrics(split) is not None or self.saved(split) is not None
        return split in self.splits
